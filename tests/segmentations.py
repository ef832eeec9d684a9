"""Workspaces with outlined frames of DICOM files, and their segmentations, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom import Dataset, dcmread

from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.classes import ClassDef
from dmr.annotate.export.exporting import export_outlines
from dmr.annotate.intake.choice import Choice
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace

CLASSES: Final = (
    ClassDef(1, "muscle", color="#0072B2"),
    ClassDef(2, "median_nerve", color="#E69F00"),
    ClassDef(3, "needle", color="#009E73"),
    ClassDef(4, "artery"),
)
ALL: Final = frozenset({1, 2, 3, 4})
DRAWN_AT: Final = "2026-03-01T08:09:10.500000Z"


def shapes(height: int, width: int) -> tuple[Shape, ...]:
    """A muscle with a hole, a nerve over its border, and an artery of two parts; no needle."""

    def box(class_id: int, x0: float, y0: float, x1: float, y1: float, *, hole: bool = False) -> Shape:
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        points = tuple((x * width, y * height) for x, y in corners)
        return Shape(class_id, points, hole=hole, group=1 if class_id == 1 else None)

    return (
        box(1, 0.1, 0.1, 0.7, 0.7),
        box(1, 0.2, 0.2, 0.4, 0.4, hole=True),
        box(2, 0.6, 0.3, 0.83, 0.5),
        box(4, 0.0, 0.8, 0.1, 1.0),
        box(4, 0.91, 0.8, 1.2, 1.2),
    )


def workspace_of(folder: Path, *scans: Path) -> tuple[Workspace, list[FrameRecord]]:
    """A workspace with all frames of some scans, in their order."""
    made, _ = Workspace.create(folder, classes=CLASSES)
    with made.session(write=True) as s:
        ids = ingest_scans(s, list(scans), choice=Choice(all=True))
        assert not s.report.failures, s.report.failures
        frames = {frame.frame_id: frame for frame in s.catalogue.frames(ids)}
    return made, [frames[i] for i in ids]


def draw(
    workspace: Workspace,
    frames: Iterable[FrameRecord],
    *,
    covered: Mapping[int, frozenset[int]] | None = None,
    **more: Any,
) -> dict[int, Annotation]:
    """Outline frames, and return the outlines by the frames' places.

    Args:
        workspace: Theirs.
        frames: What to draw on.
        covered: The classes that are complete on a frame, by its place; all on others.
        more: Of the revisions.
    """
    drawn: dict[int, Annotation] = {}
    with workspace.session(write=True) as s:
        for frame in frames:
            classes = (covered or {}).get(frame.index, ALL)
            outlines = tuple(o for o in shapes(frame.height, frame.width) if o.class_id in classes or not classes)
            annotation = Annotation(frame.height, frame.width, outlines, classes)
            drawn[frame.index] = annotation
            values: dict[str, Any] = {"author": "ann", "origin": "labelme", "at": DRAWN_AT} | more
            record = RevisionRecord(frame=frame.frame_id, rendition=frame.pixel_sha256, annotation=annotation, **values)
            s.catalogue.append_revision(record)
    return drawn


def exported(workspace: Workspace, out: Path, *scans: Path, dry_run: bool = False) -> Report:
    """The report of an export of segmentations."""
    with workspace.session() as s:
        export_outlines(s, out, form="dicom-seg", scans=scans, dry_run=dry_run)
        return s.report


def resized(source: Path, target: Path, *, frames: int, rows: int, columns: int, **tags: Any) -> Path:
    """A DICOM file like another with pixels of another size, and other tags; None takes a tag away."""
    data = dcmread(source)
    rng = np.random.default_rng(rows)
    data.Rows, data.Columns = rows, columns
    data.NumberOfFrames = frames
    data.PixelData = rng.integers(0, 255, (frames, rows, columns), np.uint8).tobytes() + bytes(
        frames * rows * columns % 2
    )
    del data.SequenceOfUltrasoundRegions
    if frames == 1:
        del data.NumberOfFrames, data.FrameTime, data.FrameIncrementPointer
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.file_meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", "1.2.3")
    target.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(target, enforce_file_format=True)
    return target


def planes(data: Dataset) -> dict[tuple[str, int], int]:
    """The place of each frame of a segmentation by its segment's label and the source's frame, from 0."""
    labels = {segment.SegmentNumber: segment.SegmentLabel for segment in data.SegmentSequence}
    found: dict[tuple[str, int], int] = {}
    for place, groups in enumerate(data.PerFrameFunctionalGroupsSequence):
        image = groups.DerivationImageSequence[0].SourceImageSequence[0]
        label = labels[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
        found[str(label), int(image.get("ReferencedFrameNumber", 1)) - 1] = place
    return found
