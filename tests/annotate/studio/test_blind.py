"""A blind frame of the audit slice looks in Label Studio like a frame of a cold start, and comes back as blind."""

from __future__ import annotations

from dataclasses import replace

from fake_studio import OWNER
from physician import Physician, region
from studio_round import HEIGHT, WIDTH, Round

from dmr.active.selection.reasons import FROM_NOTHING
from dmr.annotate.catalogue.audits import AuditRecord
from dmr.annotate.studio.pushing.outgoing import Outgoing

SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]


def blind_push(round_: Round) -> list[Outgoing]:
    """Push again, the first frame drawn for the audit and without its draft."""
    outgoing = round_.outgoing()
    outgoing[0] = replace(outgoing[0], reason=FROM_NOTHING, draft=None)
    frame = outgoing[0].frame.frame_id
    round_.s.catalogue.add_audits([AuditRecord(frame=frame, round=1, blind=True, model="v1")])
    round_.push(outgoing)
    return outgoing


def test_a_blind_frame_is_an_empty_scored_prediction_as_at_a_cold_start(round_: Round, physician: Physician) -> None:
    frame = blind_push(round_)[0].frame.frame_id
    blind = physician.task(frame)
    others = [t for t in physician.tasks() if t["data"]["frame_id"] != frame]
    prediction = blind["predictions"][-1]

    assert prediction["result"] == []
    assert prediction["score"] is not None
    assert {t["predictions"][-1]["model_version"] for t in others} == {prediction["model_version"]}
    assert blind["data"]["reason"] == f"1. {FROM_NOTHING}; if nothing is there, tick below"
    round_.push([Outgoing(f, FROM_NOTHING) for f in round_.frames], model=None)
    cold = physician.task(frame)
    assert cold["data"] == blind["data"]
    assert cold["predictions"][-1]["result"] == []


def test_a_blind_frame_comes_back_as_blind_and_its_patient_learns(round_: Round, physician: Physician) -> None:
    frame = blind_push(round_)[0].frame
    physician.submit(physician.task(frame.frame_id), [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    round_.pull()
    head = round_.s.catalogue.head(frame.frame_id, OWNER)

    assert head is not None
    assert (head.record.blind, head.record.draft_model) == (True, None), "though it was begun from a prediction"
    assert frame.patient is not None
    assert round_.s.catalogue.splits()[frame.patient] == "train"
    assert round_.s.catalogue.latest_predictions("v1")[frame.frame_id].shapes, "the model's own draft is kept"
