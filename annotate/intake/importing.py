"""Import labelled frames from outside into the workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ..catalogue.records import RevisionRecord, UnreadRecord
from ..catalogue.splits import update_ledger
from ..errors import BrokenInput
from ..geometry.raster import polygons_to_mask
from ..report import Report
from ..scans.identity import frame_id, load_key
from ..settings.model import PATIENT_UNKNOWN, match_patient
from ..shapes import Annotation, changed_classes
from ..system.pipeline import batched_by_weight, side_by_side
from ..wording import counted
from ..workspace import Session
from .ingest import BATCH, BATCH_PIXELS, add_frames, cleaned, note_near_copies
from .keeping import AUTHOR, Keeping
from .outside import OutsideFrame
from .reading import NamedFrame

_Picture = tuple[str, int]
"""Hash of a scan file, and the place of a frame in it."""

_TWO_FILES: Final = "import, two files of one picture"


def import_labelled(s: Session, items: Iterable[OutsideFrame], *, total: int | None = None) -> list[str]:
    """Bring labelled frames into the workspace and give new patients their split.

    Args:
        s: A session that writes.
        items: Labelled frames, as `outside` reads them; see `Keeping` for those that are left out.
        total: Their number, if known.

    Returns:
        Ids of all frames, new or not, without repeats.
    """
    ids: dict[str, None] = {}
    patients: set[str | None] = set()
    for what in ("frames added", "revisions added", "unchanged"):
        s.report.count(what, 0)
    doubts: dict[_Picture, frozenset[int]] = {}
    keeping = Keeping(s, s.report)
    for batch in outlined_batches(keeping.watch(_one_an_image(items, doubts, report=s.report))):
        frames = add_frames(s, side_by_side(taken_in, batch))
        raw = s.catalogue.store.put_many([item.raw for item in batch])
        appended = s.catalogue.append_revisions(
            RevisionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                author=AUTHOR,
                origin="import",
                annotation=item.annotation,
                raw_sha256=blob,
            )
            for frame, item, blob in zip(frames, batch, raw, strict=True)
        )
        for frame, outcome in zip(frames, appended, strict=True):
            ids[frame.frame_id] = None
            patients.add(frame.patient)
            s.report.count("revisions added" if outcome.is_new else "unchanged")
            if outcome.conflict:
                s.report.note("authors disagree on a frame", frame.frame_id)
            if frame.patient is None:
                s.report.note(PATIENT_UNKNOWN, frame.frame_id)
        s.tell("Importing", len(batch), total)
    _keep_doubts(s, ids, doubts)
    keeping.settle(ids)
    ids.update(dict.fromkeys(keeping.lost))
    note_near_copies(s, ids)
    assigned = update_ledger(s.catalogue, shares=s.settings.split, patients=patients)
    new = Counter(assignment.split for assignment in assigned.values())
    if new:
        s.report.say(
            f"{counted(new.total(), 'new patients')}, split once and for good: "
            + ", ".join(f"{new[split]} {split}" for split in ("train", "validation", "test"))
        )
    return list(ids)


def taken_in(item: OutsideFrame) -> NamedFrame:
    """The frame as the workspace takes it in: all blanked that lies outside its ultrasound image and its outlines."""
    frame, shapes = item.frame, item.annotation.shapes
    drawn = polygons_to_mask(shapes, height=frame.height, width=frame.width) if shapes else None
    return cleaned(NamedFrame(item.name, frame, item.source, item.about), drawn=drawn)


def outlined_batches(items: Iterable[OutsideFrame]) -> Iterator[list[OutsideFrame]]:
    """Frames with their outlines, in lists that fit into memory."""
    return batched_by_weight(items, BATCH, weight=lambda item: item.frame.pixels.size, most=BATCH_PIXELS)


def rehearse_import(s: Session, items: Iterable[OutsideFrame], *, total: int | None = None) -> None:
    """Read all that an import would read, and report what is odd. Nothing is written to the workspace."""
    patients: set[str] = set()
    for item in _one_an_image(items, {}, report=s.report):
        s.tell("Reading", 1, total)
        s.report.count("files that can be read")
        patient, _ = match_patient(s.settings, item.name)
        if patient is None:
            s.report.note(PATIENT_UNKNOWN, item.name)
        else:
            patients.add(patient)
    s.report.count("patients by their names", len(patients))
    s.report.say("Dry run: nothing was changed.")


def _keep_doubts(s: Session, frame_ids: Iterable[str], doubts: Mapping[_Picture, frozenset[int]]) -> None:
    """Until one of two files for a picture is gone, the classes in which they differ are not covered on its frame."""
    key = load_key(s.catalogue.meta("key_id"))
    lost = {frame_id(key, source_sha256=sha256, index=index): ids for (sha256, index), ids in doubts.items()}
    read = set(frame_ids)
    with s.catalogue.transaction():
        s.catalogue.drop_unread(found for found in s.catalogue.unread(_TWO_FILES) if found.frame in read)
        for frame, classes in lost.items():
            s.catalogue.put_unread(UnreadRecord(frame=frame, place=_TWO_FILES, lost=classes))


def _one_an_image(
    items: Iterable[OutsideFrame], doubts: dict[_Picture, frozenset[int]], *, report: Report
) -> Iterator[OutsideFrame]:
    """Leave out a second file for the same picture: dmr cannot know which of the two is right.

    Args:
        items: Frames with their outlines.
        doubts: Gets the classes in which the files of a picture differ.
        report: Gets the second files.
    """
    seen: dict[_Picture, tuple[Path, Annotation]] = {}
    for item in items:
        picture = (item.frame.source_sha256, item.frame.index)
        if picture not in seen:
            seen[picture] = item.file, item.annotation
            yield item
            continue
        file, annotation = seen[picture]
        if annotation == item.annotation:
            report.note("the same picture and outlines twice", item.name)
        else:
            what = f"shows the same picture as {file}, with different outlines"
            report.fail(BrokenInput(item.file, what, "Keep one of the two files"))
            differ = changed_classes(annotation.shapes, item.annotation.shapes)
            doubts[picture] = doubts.get(picture, frozenset()) | differ | (annotation.covered ^ item.annotation.covered)
