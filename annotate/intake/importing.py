"""Import labelled frames from outside into the workspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..catalogue.records import RevisionRecord
from ..catalogue.splits import update_ledger
from ..geometry.raster import polygons_to_mask
from ..settings.model import PATIENT_UNKNOWN, match_patient
from ..system.pipeline import batched_by_weight, side_by_side
from ..wording import counted
from ..workspace import Session
from .doubts import Doubts
from .ingest import BATCH, BATCH_PIXELS, add_frames, cleaned, note_near_copies
from .keeping import AUTHOR, Keeping
from .outside_frame import OutsideFrame
from .reading import NamedFrame


def import_labelled(
    s: Session, items: Iterable[OutsideFrame], *, total: int | None = None, doubts: Doubts | None = None
) -> list[str]:
    """Bring labelled frames into the workspace and give new patients their split.

    Args:
        s: A session that writes.
        items: Labelled frames, as `outside` reads them; see `Keeping` for those that are left out.
        total: Their number, if known.
        doubts: Has the files that were refused while `items` were read.

    Returns:
        Ids of all frames, new or not, without repeats.
    """
    ids: dict[str, None] = {}
    patients: set[str | None] = set()
    for what in ("frames added", "revisions added", "unchanged"):
        s.report.count(what, 0)
    doubts = doubts or Doubts()
    keeping = Keeping(s, s.report)
    for batch in outlined_batches(keeping.watch(doubts.one_an_image(items, report=s.report))):
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
    doubts.keep(s, ids)
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
    """The frame as the workspace takes it in: all blanked that lies outside its ultrasound image."""
    frame, shapes = item.frame, item.annotation.shapes
    drawn = polygons_to_mask(shapes, height=frame.height, width=frame.width) if shapes else None
    return cleaned(NamedFrame(item.name, frame, item.source, item.about), drawn=drawn)


def outlined_batches(items: Iterable[OutsideFrame]) -> Iterator[list[OutsideFrame]]:
    """Frames with their outlines, in lists that fit into memory."""
    return batched_by_weight(items, BATCH, weight=lambda item: item.frame.pixels.size, most=BATCH_PIXELS)


def rehearse_import(s: Session, items: Iterable[OutsideFrame], *, total: int | None = None) -> None:
    """Read all that an import would read, and report what is odd. Nothing is written to the workspace."""
    patients: set[str] = set()
    for item in Doubts().one_an_image(items, report=s.report):
        s.tell("Reading", 1, total)
        s.report.count("files that can be read")
        patient, _ = match_patient(s.settings, item.name)
        if patient is None:
            s.report.note(PATIENT_UNKNOWN, item.name)
        else:
            patients.add(patient)
    s.report.count("patients by their names", len(patients))
    s.report.say("Dry run: nothing was changed.")
