"""Edits in Labelme become revisions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord, RevisionRecord
from ..catalogue.splits import update_ledger
from ..errors import BrokenInput, CatalogueError
from ..formats.image_agreement import check_size
from ..formats.labelme import (
    SHAPES_IGNORED,
    LabelmeFile,
    drawn_json,
    labelme_to_drawing,
    without_labels,
)
from ..formats.labelme_words import words_of
from ..formats.lost import complete_classes
from ..report import Report
from ..settings.model import Settings
from ..system.places import is_no_file
from ..wording import quoted
from ..workspace import Session
from .checkout import REVIEWED, is_edited, labelled_sheets, read_sheet, write_checkout
from .reason import in_order_of
from .unread import WRITTEN_ANEW, UnreadEdits, lost_classes, remedy_for

AUTHOR: Final = "labelme"  # Labelme does not say who draws; `--author` does
_SAVING_S: Final = 0.5  # how long a program may take to save a file
_FRAME = re.compile(r"f[0-9a-f]{20}")


def sync_checkout(s: Session, *, author: str = AUTHOR) -> None:
    """Make revisions of the edits in `annotations/`, then write the catalogue's newest state to its files."""
    s.tell("Looking for edits", 0, None)
    taken = take_up_edits(s, s.workspace.annotations_folder, author=author)
    seen = {edit.path: edit.sha256 for edit in taken}
    write_checkout(s.workspace, labelled_sheets(s.catalogue), taken=seen, report=s.report)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A file whose edit is a revision now, and the hash of what it held."""

    path: Path
    sha256: str


def take_up_edits(s: Session, folder: Path, *, author: str = AUTHOR) -> list[TakenUp]:
    """Make revisions of the Labelme files that were edited, or ticked as reviewed, since they were written.

    A draft that nobody touched is no label. An edit covers the classes that are drawn now, and those that the file
    showed or covered before: a structure that was deleted is absent. With the rule `all`, or when `reviewed` is ticked,
    it covers every class. If a file has a shape that belongs to no class or cannot be read, or says another size than
    its image has, the whole file fails and stays as it is; until it is read, the classes that it may show are not
    covered on its frame.

    Args:
        s: A session that writes.
        folder: The folder of the files.
        author: Who drew.

    Returns:
        The files whose edits are revisions now, whether the revision is new or not.
    """
    unread = UnreadEdits(s.catalogue, folder)
    edited = list(_edited(folder, unread, report=s.report))
    frames = {f.frame_id: f for f in s.catalogue.frames(frame_of(path) for path, *_ in edited)}
    resolve = s.catalogue.classes().class_id
    models, audits = {m.id for m in s.catalogue.models()}, s.catalogue.audits()
    records: dict[Path, RevisionRecord] = {}
    drafted: set[str] = set()
    taken: list[TakenUp] = []
    sheets = _sheets(folder)
    for path, file, sha256 in edited:
        frame = frames.get(frame_of(path))
        if frame is None:
            what = "belongs to no frame of this workspace"
            s.report.fail_once(BrokenInput(path.name, what, "Move it to another folder"))
        elif path != sheets[frame.frame_id]:
            what = f"is a second file of the frame of {sheets[frame.frame_id].name}"
            s.report.fail_once(BrokenInput(path.name, what, "Keep one of them here, and move the other elsewhere"))
            unread.add(frame.frame_id, None)
        elif (wrong := _other_size(file, frame)) is not None:
            remedy = "Correct imageHeight and imageWidth if it shows this image"
            s.report.fail_once(BrokenInput(path.name, wrong, remedy))
            unread.add(frame.frame_id, None)
        elif _is_of_another_frame(s.catalogue, file, frame):
            what = "was begun as a copy of another frame's file"
            remedy = "If the outlines are of this frame, delete dmr_revision in it; else delete the file"
            s.report.fail_once(BrokenInput(path.name, what, remedy))
            unread.add(frame.frame_id, None)
        elif (reason := _unusable(kept := _kept(file, s.settings, resolve), frame, resolve)) is not None:
            s.report.fail_once(BrokenInput(path.name, reason, remedy_for(kept, resolve)))
            unread.add(frame.frame_id, lost_classes(s.catalogue, kept, frame, resolve))
        else:
            drawn_by = file.extra.get("dmr_model")
            model = drawn_by if isinstance(drawn_by, str) and drawn_by in models else None
            records[path] = replace(_record(s, file, frame, resolve=resolve, author=author), draft_model=model)
            taken.append(TakenUp(path, sha256))
            if frame.patient is not None and ("dmr_model" in file.extra or frame.frame_id in audits):
                drafted.add(frame.patient)
    if not records:
        unread.settle()
        return []
    with s.catalogue.transaction():
        appended = s.catalogue.append_revisions(records.values())
        unread.settle()
        splits = s.catalogue.splits()
        patients = {frames[record.frame].patient for record in records.values()}
        update_ledger(
            s.catalogue,
            shares=s.settings.split,
            patients=patients,
            # Validation and test frames get no draft, so a patient whose draft was corrected, or measured, is train.
            fixed={patient: "train" for patient in drafted if splits[patient] is None},
        )
    s.report.count("edits taken up", sum(outcome.is_new for outcome in appended))
    for path, outcome in zip(records, appended, strict=True):
        if outcome.conflict:
            s.report.note_once("authors disagree on a frame", frame_of(path))
    return taken


def frame_of(path: Path) -> str:
    """The frame id in a file's name, which may also hold the rank; empty if there is none."""
    found = _FRAME.search(path.stem)
    return found.group() if found else ""


def _sheets(folder: Path) -> dict[str, Path]:
    """The file of each frame: of several, such as a copy that a file manager made, the one with the shortest name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: (len(path.name), path.name)):
        found.setdefault(frame_of(path), path)
    return found


def _edited(folder: Path, unread: UnreadEdits, *, report: Report) -> Iterator[tuple[Path, LabelmeFile, str]]:
    for path in sorted(folder.glob("*.json")):
        try:
            file, sha256 = _read(path)
        except BrokenInput as error:
            remedy = error.remedy if is_no_file(path) else WRITTEN_ANEW
            report.fail_once(BrokenInput(error.where, error.what, remedy))
            unread.add(frame_of(path))
            continue
        if is_edited(file):
            yield path, file, sha256


def _read(path: Path) -> tuple[LabelmeFile, str]:
    """Read a file; one that is being saved, and so is half there, is read again."""
    began = time.monotonic()
    while True:
        try:
            return read_sheet(path)
        except BrokenInput:
            if time.monotonic() - began > _SAVING_S or not _is_being_saved(path):
                raise
            time.sleep(_SAVING_S / 10)


def _is_being_saved(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < _SAVING_S
    except OSError:
        return False


def _other_size(file: LabelmeFile, frame: FrameRecord) -> str | None:
    """How a file contradicts the size of its image: it may be drawn on another one. None if it does not."""
    try:
        check_size((file.height, file.width), (frame.height, frame.width), where=frame.frame_id)
    except BrokenInput as error:
        return error.what
    return None


def _unusable(file: LabelmeFile, frame: FrameRecord, resolve: Callable[[str], int | None]) -> str | None:
    """Why an edit cannot become a revision without losing a shape; None if it can."""
    if file.lost:
        return next(note for note in file.notes if note.endswith("left out"))
    unknown = sorted({shape.label for shape in file.shapes if resolve(shape.label) is None})
    if unknown:
        return f"its label {quoted(unknown[0])} is no class"
    drawing = labelme_to_drawing(file, resolve=resolve, height=frame.height, width=frame.width)
    return "; ".join(drawing.notes) if drawing.unread else None


def _kept(file: LabelmeFile, settings: Settings, resolve: Callable[[str], int | None]) -> LabelmeFile:
    """The file without the shapes whose labels `[import] ignore` lists."""
    ignores = settings.imports.ignores
    return without_labels(file, lambda label: resolve(label) is None and ignores(label))


def _record(
    s: Session, file: LabelmeFile, frame: FrameRecord, *, resolve: Callable[[str], int | None], author: str
) -> RevisionRecord:
    kept = _kept(file, s.settings, resolve)
    if left_out := len(file.shapes) - len(kept.shapes):
        s.report.count(SHAPES_IGNORED, left_out)
    drawing = labelme_to_drawing(kept, resolve=resolve, height=frame.height, width=frame.width)
    for note in (*file.notes, *drawing.notes):
        s.report.note(note, frame.frame_id)
    asserted: set[int] = set()
    if file.flags.get(REVIEWED, False) or s.settings.imports.coverage == "all":
        asserted |= {c.id for c in s.settings.classes.active}
    asserted |= complete_classes(file.extra, resolve) or set()
    parent = file.extra.get("dmr_revision")
    over = parent if isinstance(parent, str) and _frame_of_revision(s.catalogue, parent) else None
    if over is not None:
        before = s.catalogue.revision(over).record.annotation.shapes
        drawing = replace(drawing, shapes=in_order_of(drawing.shapes, before))
    words = words_of(file, drawing.shapes, without=REVIEWED)
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="labelme",
        annotation=drawing.annotation(height=frame.height, width=frame.width, asserted=asserted),
        parent=over,
        blind=parent is None and "dmr_model" not in file.extra,
        raw_sha256=s.catalogue.store.put(drawn_json(file, is_class=lambda label: resolve(label) is not None)),
        words=words.canonical(),
    )


def _is_of_another_frame(catalogue: Catalogue, file: LabelmeFile, frame: FrameRecord) -> bool:
    """Whether a file holds the outlines of another frame, as one does that was copied to begin with."""
    revision = file.extra.get("dmr_revision")
    return isinstance(revision, str) and _frame_of_revision(catalogue, revision) not in (None, frame.frame_id)


def _frame_of_revision(catalogue: Catalogue, revision: str) -> str | None:
    """The frame of a revision; None if it is not in this catalogue: it may be missing after a backup was restored."""
    try:
        return catalogue.revision(revision).record.frame
    except CatalogueError:
        return None
