"""Frames that are loaded for a network: one that cannot be read is left out and told once."""

from __future__ import annotations

from pathlib import Path

from dmr.annotate.catalogue.records import FrameRecord, LabelledFrame
from dmr.annotate.report import Report
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Workspace
from dmr.model.data.loading import workspace_samples


def test_a_picture_that_training_and_judging_both_meet_is_one_failure(tmp_path: Path, home: Path) -> None:
    workspace, _ = Workspace.create(tmp_path / "w")
    frame = FrameRecord(
        frame_id="f" + 20 * "0",
        clip_id="c" + 20 * "0",
        patient=None,
        source_sha256=64 * "0",
        index=0,
        height=8,
        width=8,
        pixel_sha256=64 * "0",
        path="frames/none.png",
        deid_version="1",
    )
    labelled = [LabelledFrame(frame, 64 * "0", Annotation(8, 8, (), frozenset()), "train", False)]
    report = Report("retrain")
    for _ in range(3):
        assert list(workspace_samples(workspace, labelled, report=report)) == []
    assert len(report.failures) == 1
