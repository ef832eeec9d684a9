"""The catalogue's audit slice: drawn once, in the journal, and gone through by the check."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.audits import AuditRecord
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.models import read_scores
from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord, RevisionRecord
from dmr.annotate.progress.tell import silent
from dmr.annotate.report import Report
from dmr.annotate.upkeep.check_rows import rows_agree
from dmr.annotate.upkeep.rebuild import rebuild
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace


def with_models(catalogue: Catalogue, *models: str) -> None:
    for model in models:
        catalogue.add_model(ModelRecord(id=model, sha256="0" * 64, class_ids=(1,)))


def test_a_frame_is_drawn_once_and_measured_by_the_newest_model(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    frames = [make_frame(n) for n in range(3)]
    catalogue.add_frames(frames)
    with_models(catalogue, "v1", "v2")
    drawn = [AuditRecord(frame=f.frame_id, round=1, blind=k == 0, model="v1") for k, f in enumerate(frames[:2])]
    catalogue.add_audits(drawn)

    assert list(catalogue.audits().values()) == drawn
    assert catalogue.blind_audits() == {frames[0].frame_id}
    with pytest.raises(sa.exc.IntegrityError):
        catalogue.add_audits(drawn[:1])
    catalogue.measure_audits([frames[0].frame_id], model="v2")
    assert [a.model for a in catalogue.audits().values()] == ["v2", "v1"]


def test_measured_times_come_with_what_the_model_said(
    catalogue: Catalogue,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
) -> None:
    frames = [make_frame(n) for n in range(2)]
    catalogue.add_frames(frames)
    with_models(catalogue, "v1")
    catalogue.add_predictions(
        PredictionRecord(frame=f.frame_id, rendition=f.pixel_sha256, model="v1", shapes=(), scores={"of": f.frame_id})
        for f in frames
    )
    catalogue.append_revision(make_revision(frames[0], lead_time_s=41.5, draft_model="v1"))
    catalogue.append_revision(make_revision(frames[1], lead_time_s=99.0))

    (timed,) = catalogue.timed_drawings()
    said = read_scores(timed.frame, str(timed.said))
    assert (timed.seconds, timed.model, said) == (41.5, "v1", {"of": frames[0].frame_id})
    for frame in frames:
        catalogue.append_revision(make_revision(frame, lead_time_s=20.0, blind=True, author="bob"))
    assert [(d.frame, d.model) for d in catalogue.timed_drawings(most=1)] == [
        (frames[0].frame_id, "v1"),
        (frames[1].frame_id, None),
    ], "the newest of either kind"


def test_small_grey_values_are_kept_and_go_with_the_picture(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    frame = make_frame(1)
    catalogue.add_frames([frame])
    catalogue.set_small({(frame.frame_id, frame.pixel_sha256): bytes(range(256))})
    assert catalogue.frames()[0].small == bytes(range(256))
    assert not [f for f in rows_agree(catalogue, tell=silent) if "grey" in f.what]

    catalogue.set_small({(frame.frame_id, frame.pixel_sha256): b"short"})
    assert [f.what for f in rows_agree(catalogue, tell=silent) if "grey" in f.what] == [
        "its small grey values are not 16 x 16"
    ]
    catalogue.set_rendition_state(frame.frame_id, pixel_sha256=frame.pixel_sha256, state="erased")
    assert catalogue.frames()[0].small is None


def test_the_slice_is_in_the_journal_and_a_changed_row_is_found(
    tmp_path: Path, make_frame: Callable[..., FrameRecord]
) -> None:
    workspace, _ = Workspace.create(tmp_path / "w")
    frame = make_frame(1)
    with workspace.session(write=True) as s:
        s.catalogue.add_frames([frame])
        with_models(s.catalogue, "v1")
        s.catalogue.add_audits([AuditRecord(frame=frame.frame_id, round=1, blind=True, model="v1")])
        s.catalogue.set_small({(frame.frame_id, frame.pixel_sha256): bytes(256)})
        kept = s.catalogue.audits(), s.catalogue.frames()[0].small
    (tmp_path / "w" / "catalogue.sqlite").unlink()
    rebuild(workspace, report=Report("db rebuild"))
    with workspace.session() as s:
        assert (s.catalogue.audits(), s.catalogue.frames()[0].small) == kept
    with closing(sqlite3.connect(workspace.root / "catalogue.sqlite")) as other:
        other.execute(f"UPDATE {t.audit.name} SET blind = 0")
        other.commit()
    faults = verify(workspace, report=Report("db verify"))
    assert [f.what for f in faults if f.where.startswith("catalogue.sqlite, audit")] == ["is not what was written"]
