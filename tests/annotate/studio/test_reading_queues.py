"""Several queues beside each other: their numbers, their purposes, and what `dmr status` says of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_studio import OWNER
from physician import Physician
from reading_queues import SECOND, add_queue, push_again
from studio_round import FRAMES, Round

from dmr.annotate.errors import StudioError
from dmr.annotate.overview.queue_lines import queue_figures, queue_lines

Reader = Callable[..., Physician]
QUEUE = f'name = "twice"\npurpose = "second-reading"\nreader = "{SECOND}"\nshare = 1.0'


@pytest.fixture
def read(round_: Round, physician: Physician) -> Round:
    """The owner has read all frames but one; there is a queue to read them a second time."""
    for task in physician.tasks()[:-1]:
        physician.submit(task, physician.draft_of(task))
    round_.pull()
    add_queue(round_, QUEUE)
    return round_


def test_status_says_of_each_queue_what_is_done_and_what_waits(read: Round, reader: Reader) -> None:
    assert queue_lines(queue_figures(read.s.catalogue)) == [], "one queue needs no line"
    push_again(read)
    second = reader("twice", SECOND)
    task, refused, _ = second.tasks()
    second.submit(task, second.draft_of(task))
    own = reader("twice")
    own.submit(refused, own.draft_of(refused))
    read.pull()

    assert queue_lines(queue_figures(read.s.catalogue)) == [
        "",
        "queues in Label Studio",
        f"  main   correct: {FRAMES - 1} done, 1 waiting",
        "  twice  second-reading: 1 done, 1 waiting",
    ]
    read.server.studio.projects.pop()
    read.server.studio.tasks = [t for t in read.server.studio.tasks if t["project"] == 1]
    read.pull()
    assert queue_figures(read.s.catalogue)[1] == {
        "queue": "twice",
        "purpose": "second-reading",
        "done": 1,
        "waiting": 0,
    }


def test_a_frame_has_tasks_in_two_projects_and_each_pull_takes_its_own(
    read: Round, physician: Physician, reader: Reader
) -> None:
    push_again(read)
    second = reader("twice", SECOND)
    task = second.tasks()[0]
    frame = task["data"]["frame_id"]
    first = physician.task(frame)
    assert first["id"] != task["id"]
    second.submit(task, second.draft_of(task)[:1])
    physician.update(first["annotations"][0]["id"], physician.draft_of(first)[:1])
    read.pull()

    assert [(r.author, r.reading) for r in read.s.catalogue.readings()[frame]] == [
        (OWNER, "first"),
        (OWNER, "first"),
        (SECOND, "second"),
    ]
    physician.delete(first["annotations"][0]["id"])
    assert read.pull().counts["withdrawn"] == 1
    head = read.s.catalogue.head(frame, SECOND)
    assert head is not None
    assert not head.withdrawn


def test_a_project_that_got_the_number_of_a_deleted_one_is_no_queues_but_its_own(read: Round) -> None:
    push_again(read)
    studio = read.server.studio
    studio.projects.clear()
    studio.tasks.clear()
    studio.annotations.clear()
    push_again(read)  # the second queue's project is number 1 now, which was that of the first
    assert [(q.name, q.project) for q in read.s.catalogue.queues()] == [("main", -1), ("twice", 1)]
    report = read.pull()
    assert "its project is gone from Label Studio; what was pulled from it is kept" in report.oddities
    assert len(read.s.catalogue.newest_revisions()) == FRAMES - 1
    read.push()
    assert [(q.name, q.project) for q in read.s.catalogue.queues()] == [("main", 2), ("twice", 1)]


def test_a_queue_keeps_its_purpose(read: Round) -> None:
    push_again(read)
    toml = read.s.workspace.root / "dmr.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('"second-reading"', '"repeat"'), encoding="utf-8")
    read.s.workspace = type(read.s.workspace).at(read.s.workspace.root)
    with pytest.raises(StudioError, match="its project was made for 'second-reading', and "):
        read.pull()
