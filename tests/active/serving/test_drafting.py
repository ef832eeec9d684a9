"""What a physician sees when a frame is opened: what a push would send, drawn now, and recognised by the pull."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fake_server import FakeServer
from fake_studio import OWNER, TOKEN
from physician import Physician, tick
from served import Served, add_model, served
from studio_round import Round, box

from dmr.active.serving import drafting
from dmr.annotate.catalogue.audits import AuditRecord
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Frame, Shape
from dmr.annotate.studio.pulling.pull import pull
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Workspace


@pytest.fixture
def bare(workspace: Workspace, studio: FakeServer) -> Workspace:
    """The frames were pushed before there was a model, so without drafts."""
    with workspace.session(write=True) as s, StudioClient(Login(studio.url, TOKEN)) as client:
        round_ = Round(s, client, studio)
        round_.push(round_.outgoing(None), model=None)
    return workspace


@pytest.fixture
def live(bare: Workspace) -> Iterator[Served]:
    """The server for them, after its first turn."""
    with served(bare.root) as running:
        running.wait_for(lambda: running.turns.done)
        yield running


def outline(workspace: Workspace, frame: FrameRecord, **more: Any) -> None:
    drawn = Annotation(frame.height, frame.width, (Shape(1, box(8.0, 8.0, 20.0)),), frozenset({1, 6}))
    with workspace.session(write=True) as s:
        s.catalogue.append_revision(
            RevisionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                author="ann",
                origin="labelme",
                annotation=drawn,
                **more,
            )
        )


def pulled(workspace: Workspace, studio: FakeServer) -> Report:
    report = Report("pull")
    with workspace.session(write=True, report=report) as s, StudioClient(Login(studio.url, TOKEN)) as client:
        pull(s, client)
    return report


def test_the_answer_is_what_a_push_has_sent(pushed: Workspace, studio: FakeServer, frames: list[FrameRecord]) -> None:
    sent = {p["task"]: p for p in studio.studio.predictions}
    tasks = {t["data"]["frame_id"]: t["id"] for t in studio.studio.tasks}
    with served(pushed.root) as running:
        running.wait_for(lambda: running.turns.done)
        answers = running.ask([f.frame_id for f in frames])
    for frame, answer in zip(frames, answers, strict=True):
        expected = sent[tasks[frame.frame_id]]
        assert answer == {name: expected[name] for name in ("model_version", "score", "result")}
        assert len(answer["result"]) == 2
    assert not [line for line in running.lines if "0 drawn now" not in line and "predict" in line]


def test_a_draft_that_is_missing_is_drawn_once_and_kept(live: Served, frames: list[FrameRecord]) -> None:
    ids = [f.frame_id for f in frames]
    first = live.ask(ids)
    assert all(answer["result"] for answer in first), "the untrained model draws something"
    assert {answer["model_version"] for answer in first} == {"v1-live"}
    assert [answer["score"] for answer in first] == [0.2, 0.4, 0.6, 0.8], "as the push ranked them"
    assert live.ask(ids) == first
    with live.workspace.catalogue() as catalogue:
        assert catalogue.latest_predictions("v1").keys() == set(ids)
        queue = catalogue.queue("main")
        assert queue is not None
        assert {task.model for task in catalogue.queue_tasks(queue.id).values()} == {"v1"}
    told = [line for line in live.lines if line.startswith("predict")]
    assert "4 tasks, 4 drafts, 4 drawn now" in told[0] and "0 drawn now" in told[1]


@pytest.mark.parametrize("kept", [True, False], ids=["corrected", "all deleted"])
def test_a_pull_knows_whose_draft_was_corrected(
    kept: bool, live: Served, studio: FakeServer, frames: list[FrameRecord]
) -> None:
    (answer,) = live.ask([frames[0].frame_id])
    task = next(t for t in studio.studio.tasks if t["data"]["frame_id"] == frames[0].frame_id)
    number = 1 + max(p["id"] for p in studio.studio.predictions)
    studio.studio.predictions.append(
        {"id": number, "task": task["id"], "project": 1, **answer}
    )  # as the server keeps it
    with Physician(Login(studio.url, TOKEN), 1) as physician:
        regions = [dict(region) for region in answer["result"]] if kept else [tick()]
        physician.submit({**task, "predictions": []}, regions, parent_prediction=number)
    assert pulled(live.workspace, studio).counts["revisions added"] == 1
    with live.workspace.catalogue() as catalogue:
        head = catalogue.head(frames[0].frame_id, OWNER)
    assert head is not None
    assert (head.record.draft_model, head.record.blind) == ("v1", False)
    assert bool(head.record.annotation.shapes) == kept


def test_who_judges_the_model_and_the_blind_part_of_the_audit_see_no_draft(
    live: Served, frames: list[FrameRecord]
) -> None:
    held, also_held, audited, drafted = sorted(frames, key=lambda frame: str(frame.patient))
    assert held.patient is not None and held.patient == also_held.patient
    with live.workspace.session(write=True) as s:
        s.catalogue.assign_splits({held.patient: ("test", "a test")})
        s.catalogue.add_audits([AuditRecord(frame=audited.frame_id, round=1, model="v1", blind=True)])
    answers = live.ask([f.frame_id for f in (held, also_held, audited, drafted)])
    assert [bool(answer["result"]) for answer in answers] == [False, False, False, True]
    with live.workspace.catalogue() as catalogue:
        assert catalogue.latest_predictions("v1").keys() == {drafted.frame_id}


def test_a_labelled_frame_shows_its_own_outlines_and_that_of_a_test_patient_none(
    live: Served, frames: list[FrameRecord]
) -> None:
    train, _, _, test = sorted(frames, key=lambda frame: str(frame.patient))
    assert train.patient is not None and test.patient is not None
    for frame in (train, test):
        outline(live.workspace, frame)
    with live.workspace.session(write=True) as s:
        s.catalogue.assign_splits({train.patient: ("train", "a test"), test.patient: ("test", "a test")})
    own, held = live.ask([train.frame_id, test.frame_id])
    (region,) = own["result"]
    assert region["value"]["polygonlabels"] == ["psoas_major"]
    assert held["result"] == []


def test_a_promoted_model_draws_from_the_next_frame_on(live: Served, frames: list[FrameRecord]) -> None:
    frame = frames[0].frame_id
    (before,) = live.ask([frame])
    with live.workspace.session(write=True) as s:
        add_model(live.workspace, s.catalogue, "v2", seed=2)
    (after,) = live.ask([frame])
    assert (before["model_version"], after["model_version"]) == ("v1-live", "v2-live")
    assert after["result"] != before["result"]
    live.turns.hint()
    live.wait_for_line("model: v2 is active now")


def test_a_frame_in_quarantine_gets_nothing(live: Served, frames: list[FrameRecord]) -> None:
    pixels = np.full((40, 50), 7, np.uint8)
    with live.workspace.session(write=True) as s:
        (unsure,) = add_frames(s, [NamedFrame("3_0", Frame(pixels, sha256_hex(encode_png(pixels))))])
    assert not unsure.may_leave
    answer, other = live.ask([unsure.frame_id, frames[0].frame_id])
    assert other["result"]
    assert answer["result"] == []


def test_where_the_draft_cannot_be_recorded_it_is_not_shown(
    live: Served, frames: list[FrameRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "WAIT_S", 0.05)
    with live.workspace.lock():
        assert live.ask([frames[0].frame_id]) == [[]], "Label Studio keeps nothing, and asks again"
    (answer,) = live.ask([frames[0].frame_id])
    assert answer["result"]
    with live.workspace.lock():
        assert live.ask([frames[0].frame_id]) == [answer], "what is recorded needs no lock"


def test_the_servers_own_training_does_not_block_it(
    live: Served, frames: list[FrameRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "WAIT_S", 0.05)
    monkeypatch.setattr(live.drafter, "_is_own_work", lambda: True)
    with live.workspace.lock():
        (answer,) = live.ask([frames[0].frame_id])
    assert answer["result"]
    with live.workspace.catalogue() as catalogue:
        assert list(catalogue.latest_predictions("v1")) == [frames[0].frame_id]


def test_a_model_or_a_picture_that_is_damaged_is_told_and_asked_for_again(
    live: Served, frames: list[FrameRecord]
) -> None:
    picture = live.workspace.absolute(frames[0].path)
    kept = picture.read_bytes()
    picture.write_bytes(kept[:40])
    answers = live.ask([f.frame_id for f in frames[:2]])
    assert answers[0] == [] and answers[1]["result"]
    assert [line for line in live.lines if frames[0].frame_id in line]
    picture.write_bytes(kept)
    with live.workspace.session(write=True) as s:
        add_model(live.workspace, s.catalogue, "v2", seed=2)
    weights = next((live.workspace.models_folder / "v2").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-10])
    assert live.ask([frames[0].frame_id]) == [[]]
    assert [line for line in live.lines if "v2" in line and "Error" in line]


def test_a_labelling_interface_that_cannot_be_read_is_told(live: Served, frames: list[FrameRecord]) -> None:
    body = live.request([frames[0].frame_id, "x"]) | {"label_config": "<View>"}
    results = live.http.post("/predict", json=body).json()["results"]
    assert results[0] == [] and results[1]["result"] == []
    assert [line for line in live.lines if "labelling interface cannot be read" in line]


def test_no_line_of_the_log_holds_what_a_request_said(live: Served, frames: list[FrameRecord]) -> None:
    body = live.request([frames[0].frame_id])
    body["tasks"][0]["data"] |= {"reason": "Mustermann, Erika", "image": "/data/upload/mustermann.png"}
    body["params"] = {"login": "erika", "password": "Mustermann"}
    live.http.post("/predict", json=body)
    assert not [line for line in live.lines if "ustermann" in line or "erika" in line]


def test_the_score_of_a_task_that_nobody_ranked_is_the_last(live: Served, frames: list[FrameRecord]) -> None:
    (answer,) = live.ask([frames[0].frame_id], project=99)
    assert answer["score"] == drafting.LAST and answer["result"]


def test_more_frames_than_one_batch_and_repeated_ones_are_answered(live: Served, frames: list[FrameRecord]) -> None:
    ids = [frames[k % 3].frame_id for k in range(20)]
    answers = live.ask(ids)
    assert all(answers[k] == answers[k % 3] for k in range(20))


def test_a_model_of_the_last_push_keeps_its_version(pushed: Workspace, studio: FakeServer) -> None:
    with served(pushed.root) as running:
        running.wait_for(lambda: running.turns.done)
        version = studio.studio.projects[0]["model_version"]
        assert running.drafter.version(1) == version
        assert running.drafter.version(2) == running.drafter.version(None) == "v1-live"
