"""A project that somebody deletes is made again by the next push, and nothing that was pulled is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fake_people import Answer, refused
from fake_studio import OWNER
from physician import Physician
from studio_round import FRAMES, PLEXUS, Round

from dmr.annotate.errors import StudioError
from dmr.annotate.report import Report
from dmr.annotate.studio.pushing.outgoing import Outgoing


def delete_project(physician: Physician) -> None:
    physician.ask("DELETE", f"/api/projects/{physician.project}/")


def push_rest(round_: Round) -> Report:
    """Push the frames that nobody has labelled, as `dmr push` does."""
    rest = {f.frame_id for f in round_.s.catalogue.unlabelled_frames()}
    return round_.push([o for o in round_.outgoing() if o.frame.frame_id in rest])


def heads(round_: Round) -> dict[str, list[tuple[str, str, bool]]]:
    every = {f.frame_id: round_.s.catalogue.heads(f.frame_id) for f in round_.frames}
    return {f: [(h.record.author, h.sha256, h.withdrawn) for h in found] for f, found in every.items()}


def test_the_frames_that_nobody_labelled_go_out_again_and_what_was_pulled_stays(
    round_: Round, physician: Physician
) -> None:
    pulled, skipped, drafted, lost = physician.tasks()
    physician.submit(pulled, physician.draft_of(pulled))
    physician.skip(skipped)
    round_.pull()
    before = heads(round_)
    physician.leave_draft(drafted, physician.draft_of(drafted))
    physician.submit(lost, physician.draft_of(lost))  # nobody pulled it
    delete_project(physician)

    report = round_.pull()
    assert list(report.oddities) == ["its project is gone from Label Studio; what was pulled from it is kept"]
    assert heads(round_) == before
    report = push_rest(round_)
    (words,) = report.words
    assert words.startswith("Project 'main' was deleted in Label Studio and is made again. What was pulled is kept.")
    assert report.counts["tasks added"] == FRAMES - 1
    assert heads(round_) == before
    (project,) = round_.server.studio.projects
    assert {t["data"]["frame_id"] for t in round_.server.studio.tasks} == {
        t["data"]["frame_id"] for t in (skipped, drafted, lost)
    }
    assert project["model_version"].startswith("v1-")
    assert round_.push([o for o in round_.outgoing() if heads(round_)[o.frame.frame_id] == []]).words == []


def test_numbers_that_the_server_gives_out_again_withdraw_nothing(round_: Round, physician: Physician) -> None:
    first, second = physician.tasks()[:2]
    number = physician.submit(first, physician.draft_of(first))
    round_.pull()
    before = heads(round_)[first["data"]["frame_id"]]
    delete_project(physician)
    round_.pull()
    push_rest(round_)
    with round_.physician() as again:
        task = again.task(second["data"]["frame_id"])
        assert again.submit(task, again.draft_of(task)) == number, "the first number of an empty table"
    assert round_.pull().counts["revisions added"] == 1
    assert round_.pull().counts["withdrawn"] == 0
    assert heads(round_)[first["data"]["frame_id"]] == before
    assert [author for author, _, _ in heads(round_)[second["data"]["frame_id"]]] == [OWNER]


def test_a_frame_to_draw_again_keeps_its_outlines_in_the_new_project(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    delete_project(physician)
    round_.pull()
    (item,) = round_.s.catalogue.labelled_frames()
    round_.push([Outgoing(item.frame, "perhaps draw this again", again=item)])
    round_.pull()
    assert heads(round_)[item.frame.frame_id] == [(OWNER, item.revision, False)]
    with round_.physician() as again:
        (task,) = again.tasks()
        assert {r["value"]["polygonlabels"][0] for r in again.draft_of(task)} == {"psoas_major", "lumbar_plexus"}
        again.submit(task, [r for r in again.draft_of(task) if r["value"]["polygonlabels"] == ["lumbar_plexus"]])
    round_.pull()
    (now,) = round_.s.catalogue.labelled_frames()
    assert [s.class_id for s in now.annotation.shapes] == [PLEXUS]


def delete_at(round_: Round, method: str, path: str) -> None:
    """Let somebody delete the project just before a request comes. From then on the server knows none of its number."""
    studio, is_gone = round_.server.studio, False
    answer = studio.answer

    def late(how: str, where: str, parameters: dict[str, str], body: Any, token: str) -> Answer:
        nonlocal is_gone
        if not is_gone and how == method and re.search(path, where):
            is_gone = True
            studio._drop_project(1)
        if is_gone and not studio.projects and ("/projects/1/" in where or parameters.get("project") == "1"):
            return refused(404, "No Project matches the given query.")
        return answer(how, where, parameters, body, token)

    studio.answer = late  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize(
    ("command", "method", "path"),
    [
        ("pull", "GET", "/users/"),
        ("pull", "GET", "/api/tasks"),
        ("push", "GET", "/model-versions/"),
        ("push", "POST", "/import/predictions"),
        ("push", "PATCH", "/projects/1/"),
    ],
)
def test_a_project_deleted_in_the_middle_is_one_line_and_the_next_push_makes_it_again(
    command: str, method: str, path: str, round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    before = heads(round_)
    delete_at(round_, method, path)
    round_.draw("v2", left=9.0)
    with pytest.raises(StudioError, match="Label Studio has no "):
        round_.pull() if command == "pull" else round_.push(model="v2")
    assert heads(round_) == before
    round_.pull()
    assert "is made again" in " ".join(push_rest(round_).words)
    assert heads(round_) == before
    assert sorted(t["data"]["frame_id"] for t in round_.server.studio.tasks) == sorted(
        f for f, found in before.items() if not found
    )
