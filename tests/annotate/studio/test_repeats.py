"""A hidden repeat: the same reader, the same frame, shown as the first time; kept for agreement alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from fake_studio import OWNER
from physician import Physician, region
from reading_queues import SECOND, add_queue, project_of, push_again, revisions
from studio_round import FRAMES, HEIGHT, WIDTH, Round

SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]
QUEUE = f'name = "hidden repeats"\npurpose = "repeat"\nreader = "{OWNER}"\nshare = 1.0'
Reader = Callable[..., Physician]


@pytest.fixture
def read(round_: Round, physician: Physician) -> Round:
    """The owner has read all frames long ago, the last one from nothing; there is a queue to repeat them."""
    *drafted, bare = physician.tasks()
    for task in drafted:
        physician.submit(task, physician.draft_of(task)[:1])
    round_.pull()
    last = next(f for f in round_.frames if f.frame_id == bare["data"]["frame_id"])
    round_.push([o for o in round_.outgoing(None) if o.frame == last], model=None)
    physician.submit(physician.task(last.frame_id), [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    round_.pull()
    add_queue(round_, QUEUE)
    return round_


def test_a_repeat_looks_like_the_first_time_and_like_any_other_project(read: Round, reader: Reader) -> None:
    read.draw("v2", left=12.0)
    assert push_again(read).counts["tasks added"] == FRAMES
    again = reader("hidden repeats")
    drafts = read.s.catalogue.latest_predictions("v1")
    shown = {t["data"]["frame_id"]: again.draft_of(t) for t in again.tasks()}

    assert sorted(len(regions) for regions in shown.values()) == [0, 2, 2, 2]
    for frame, regions in shown.items():
        if regions:
            psoas = next(s for s in drafts[frame].shapes if not s.hole)
            corners = [tuple(p) for p in regions[1]["value"]["points"]]
            assert (100 * psoas.points[0][0] / WIDTH, 100 * psoas.points[0][1] / HEIGHT) in corners
    add_queue(read, f'name = "second"\npurpose = "second-reading"\nreader = "{SECOND}"\nshare = 1.0')
    push_again(read)
    projects = [project_of(read, name) for name in ("hidden repeats", "second")]
    assert len({p["title"] for p in projects}) == 2
    for project in projects:
        own = [t for t in read.server.studio.tasks if t["project"] == project["id"]]
        sent = json.dumps([project, own])
        for word in ("hidden", "informative", "repeat", "second", "again", OWNER, SECOND):
            assert word not in sent, word
    same = [{k: v for k, v in p.items() if k not in ("id", "title", "description", "model_version")} for p in projects]
    for project in same:
        project["expert_instruction"] = re.sub(
            r'src="[^"]*"', "", project["expert_instruction"]
        )  # the picture's address
    assert same[0] == same[1]


def test_a_repeat_is_kept_and_neither_head_nor_truth_nor_conflict_changes(read: Round, reader: Reader) -> None:
    push_again(read)
    again = reader("hidden repeats")
    tasks = again.tasks()
    truth = {f: r.sha256 for f, r in read.s.catalogue.newest_revisions().items()}
    timed = read.s.catalogue.timed_drawings()
    for task in tasks:
        again.submit(task, [*again.draft_of(task), region("lumbar_plexus", SQUARE, height=HEIGHT, width=WIDTH)])
    assert read.pull().counts["revisions added"] == FRAMES

    found = revisions(read, "repeat")
    assert [(r.author, r.draft_model, r.blind) for r in found].count((OWNER, "v1", False)) == FRAMES - 1
    assert [(r.author, r.draft_model, r.blind) for r in found].count((OWNER, None, True)) == 1
    assert {f: r.sha256 for f, r in read.s.catalogue.newest_revisions().items()} == truth
    assert {f: read.s.catalogue.head(f, OWNER).sha256 for f in truth} == truth  # type: ignore[union-attr]
    assert read.s.catalogue.conflicts() == []
    assert len(timed) == FRAMES
    assert read.s.catalogue.timed_drawings() == timed, "who has drawn a frame before may be faster"
    before = read.s.catalogue.catalogue_hash()
    assert read.pull().counts["revisions added"] == 0
    push_again(read)
    assert read.s.catalogue.catalogue_hash() == before, "once is enough"


def test_a_draft_whose_outlines_were_all_deleted_is_still_a_corrected_draft(read: Round, reader: Reader) -> None:
    push_again(read)
    again = reader("hidden repeats")
    task = next(t for t in again.tasks() if again.draft_of(t))
    again.submit(task, [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    read.pull()
    (found,) = revisions(read, "repeat")
    assert (found.draft_model, found.blind) == ("v1", False)


def test_only_its_own_reader_repeats_a_frame(read: Round, reader: Reader) -> None:
    push_again(read)
    other = reader("hidden repeats", SECOND)
    task = other.tasks()[0]
    other.submit(task, other.draft_of(task))
    (line,) = read.pull().failures
    assert "its reader has not read the frame before, so it is no repeat" in line
    assert revisions(read, "repeat") == []


def test_a_repeat_that_is_corrected_or_deleted_leaves_the_first_reading_alone(read: Round, reader: Reader) -> None:
    push_again(read)
    again = reader("hidden repeats")
    task = next(task for task in again.tasks() if again.draft_of(task))
    truth = {f: r.sha256 for f, r in read.s.catalogue.newest_revisions().items()}
    number = again.submit(task, again.draft_of(task))
    read.pull()
    again.update(number, [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    read.pull()
    assert len(revisions(read, "repeat")) == 2
    again.delete(number)
    assert read.pull().counts["withdrawn"] == 1
    records = read.s.catalogue.readings()[task["data"]["frame_id"]]
    assert [r.withdrawn for r in records if r.reading == "repeat"] == [False, True]
    assert {f: r.sha256 for f, r in read.s.catalogue.newest_revisions().items()} == truth
    push_again(read)
    assert len(again.tasks()) == FRAMES
    again.submit(task, again.draft_of(task))
    read.pull()
    assert len(revisions(read, "repeat")) == 3


def test_a_first_reading_that_is_corrected_later_does_not_hold_the_repeat_back(
    read: Round, physician: Physician, reader: Reader
) -> None:
    push_again(read)
    again = reader("hidden repeats")
    task = next(task for task in again.tasks() if again.draft_of(task))
    frame = task["data"]["frame_id"]
    again.submit(task, again.draft_of(task))
    first = next(a for a in read.server.studio.annotations if a["task"] == physician.task(frame)["id"])
    physician.update(first["id"], [region("lumbar_plexus", SQUARE, height=HEIGHT, width=WIDTH)])
    assert read.pull().counts["revisions added"] == 2
    assert [r.frame for r in revisions(read, "repeat")] == [frame]


def test_what_was_read_lately_is_not_repeated_yet(read: Round) -> None:
    add_queue(read, f'name = "later"\npurpose = "repeat"\nreader = "{OWNER}"\nshare = 1.0\nafter_days = 100000')
    push_again(read)
    assert read.s.catalogue.queue("later") is None


def test_a_repeat_that_is_empty_or_not_readable_puts_nothing_in_doubt(read: Round, reader: Reader) -> None:
    push_again(read)
    again = reader("hidden repeats")
    empty, odd, *_ = again.tasks()
    again.submit(empty, [])
    again.submit(odd, [region("no class at all", SQUARE, height=HEIGHT, width=WIDTH)])
    report = read.pull()
    assert report.counts["revisions added"] == 0
    assert "the label 'no class at all' is no class" in report.failures[0]
    assert read.s.catalogue.counts()["frames in doubt"] == 0
