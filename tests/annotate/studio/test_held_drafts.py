"""What somebody has open in the browser can be submitted, whatever a push has replaced meanwhile."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from physician import Physician
from studio_round import FRAMES, Round

from dmr.annotate.studio.pushing.push import HELD


def versions(round_: Round) -> list[str]:
    """The models whose drafts are on the server, the oldest first."""
    return list(dict.fromkeys(p["model_version"].partition("-")[0] for p in round_.server.studio.predictions))


def later(round_: Round, days: timedelta) -> None:
    """Let time pass on the server."""
    round_.server.studio._clock += days


def push(round_: Round, model: str) -> None:
    round_.draw(model)
    round_.push(model=model)


def test_a_frame_that_was_open_while_a_push_replaced_its_draft_can_be_submitted(
    round_: Round, physician: Physician
) -> None:
    open_one = physician.tasks()[0]
    push(round_, "v2")
    physician.submit(open_one, physician.draft_of(open_one))
    report = round_.pull()
    assert report.counts["revisions added"] == 1
    assert round_.s.catalogue.heads(open_one["data"]["frame_id"])[0].record.draft_model == "v1"


def test_a_draft_that_was_replaced_long_ago_is_gone(round_: Round, physician: Physician) -> None:
    old = physician.tasks()[0]
    push(round_, "v2")
    later(round_, HELD)
    push(round_, "v3")
    assert versions(round_) == ["v1", "v2", "v3"], "v1 was shown until v2 came, and nobody knew yet that time passed"
    push(round_, "v4")
    assert versions(round_) == ["v2", "v3", "v4"]
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        physician.submit(old, physician.draft_of(old))


def test_a_draft_that_somebody_began_to_correct_stays_however_long_it_takes(
    round_: Round, physician: Physician
) -> None:
    begun = physician.tasks()[0]
    physician.ask("POST", f"/api/tasks/{begun['id']}/drafts", json={"result": physician.draft_of(begun)})
    for model in ("v2", "v3", "v4"):
        later(round_, HELD)
        push(round_, model)
    assert versions(round_) == ["v1", "v2", "v3", "v4"]
    physician.submit(begun, physician.draft_of(begun))
    push(round_, "v5")
    assert versions(round_) == ["v3", "v4", "v5"]


def test_drafts_that_a_killed_push_left_and_nobody_saw_are_deleted(round_: Round, physician: Physician) -> None:
    shown = round_.server.studio.projects[0]["model_version"]
    tasks = [{"task": t["id"], "model_version": "v9-left", "score": 0.5, "result": []} for t in physician.tasks()]
    physician.ask("POST", "/api/projects/1/import/predictions", json=tasks)
    round_.push()
    assert {p["model_version"] for p in round_.server.studio.predictions} == {shown}
    assert len(round_.server.studio.predictions) == FRAMES
