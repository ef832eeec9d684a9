"""`annotations/`: a Labelme file for every frame that has outlines, to open and edit; edits become revisions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .catalogue import Catalogue
from .errors import BrokenInput
from .labelme import LabelmeFile, annotation_to_labelme, drawing_of, drawn_json, labelme_to_annotation, read_labelme
from .records import FrameRecord, RevisionRecord
from .report import Report
from .settings import Settings
from .shapes import Annotation
from .splits import update_ledger
from .store import write_many
from .workspace import Workspace

REVIEWED: Final = "reviewed"
"""The box that a physician ticks in Labelme: what is drawn is complete, in every class."""

DRAFT_NOTE: Final = "draft of an annotation assistant, for review by a qualified physician; not a medical device"
AUTHOR: Final = "labelme"  # Labelme does not say who draws; `dmr import --author NAME` does
_FRAME = re.compile(r"f[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one file of the checkout shows.

    Attributes:
        frame: The frame.
        annotation: Its outlines.
        revision: The revision that they are, None for a draft.
        model: The model that drew the draft, None for a revision or an empty sheet.
    """

    frame: FrameRecord
    annotation: Annotation
    revision: str | None = None
    model: str | None = None


def labelled_sheets(catalogue: Catalogue) -> Iterator[Sheet]:
    """A sheet for every frame with a revision."""
    for item in catalogue.labelled_frames():
        yield Sheet(item.frame, item.annotation, revision=item.revision)


def write_checkout(
    workspace: Workspace,
    sheets: Iterable[Sheet],
    *,
    taken: Collection[str] = (),
    folder: Path | None = None,
    names: Mapping[str, str] | None = None,
) -> int:
    """Write sheets as Labelme files; those that say the same already are left alone.

    So is a file that was edited since it was written, or cannot be read, unless its frame is in `taken`.

    Args:
        workspace: Whose frames.
        sheets: What to write.
        taken: Frames whose edits `take_up_edits` has just made revisions of.
        folder: Where to; None for `annotations/`.
        names: File name of a frame's picture in that folder, by frame id; None where the pictures lie in `frames/`.

    Returns:
        The number of files written.
    """
    folder = folder or workspace.annotations_folder
    classes = {c.id: c.name for c in workspace.settings.classes}

    def changed() -> Iterator[tuple[Path, bytes]]:
        for sheet in sheets:
            own = names[sheet.frame.frame_id] if names else f"../{sheet.frame.path}"
            path = folder / Path(own).with_suffix(".json").name
            data = _sheet_file(sheet, labels=classes, image_path=own)
            if path.is_file() and path.read_bytes() == data:
                continue
            if not path.is_file() or sheet.frame.frame_id in taken or _may_replace(path):
                yield path, data

    return write_many(changed())


def _sheet_file(sheet: Sheet, *, labels: Mapping[int, str], image_path: str) -> bytes:
    shown = tuple(s for s in sheet.annotation.shapes if s.class_id in labels)
    annotation = Annotation(sheet.annotation.height, sheet.annotation.width, shown, sheet.annotation.covered)
    drawing = drawing_of((labels[s.class_id], s.points, s.group, s.hole) for s in shown)
    covered = annotation.covered if sheet.revision else {s.class_id for s in shown}
    extra: dict[str, Any] = {
        "dmr_drawing": drawing,  # tells an edited file from an untouched one
        "dmr_revision": sheet.revision,
        "dmr_covered": [labels[i] for i in sorted(covered) if i in labels],
    }
    if sheet.model is not None:
        extra |= {"dmr_model": sheet.model, "dmr_note": DRAFT_NOTE}
    return annotation_to_labelme(annotation, names=labels, image_path=image_path, flags={REVIEWED: False}, extra=extra)


def take_up_edits(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    report: Report,
    author: str = AUTHOR,
    folder: Path | None = None,
) -> list[str]:
    """Make revisions of the Labelme files that were edited, or ticked as reviewed, since they were written.

    A draft that nobody touched is no label. An edit covers the classes drawn, those that the file showed or covered
    before it, so that a structure taken away is absent, and by the rule `all` every class, as does ticking `reviewed`.

    Args:
        workspace: Whose files.
        catalogue: Its catalogue, open.
        report: Gets counts, failures and oddities.
        author: Who drew.
        folder: Where the files lie; None for `annotations/`.

    Returns:
        Ids of the frames that gained a revision.
    """
    edited = list(_edited(folder or workspace.annotations_folder, report=report))
    frames = {f.frame_id: f for f in catalogue.frames(_frame_of(path) for path, _ in edited)}
    records = []
    for path, file in edited:
        frame = frames.get(_frame_of(path))
        if frame is None:
            report.fail(BrokenInput(path.name, "belongs to no frame of this workspace", "Move it out of annotations/"))
            continue
        records.append(_record(file, frame, workspace.settings, catalogue, report, author=author))
    appended = catalogue.append_revisions(records)
    taken = [r.frame for r, outcome in zip(records, appended, strict=True) if outcome.is_new]
    if taken:
        report.count("edits taken up", len(taken))
        patients = {frames[frame_id].patient for frame_id in taken}
        update_ledger(catalogue, shares=workspace.settings.split, patients=patients)
    return taken


def _edited(folder: Path, *, report: Report) -> Iterator[tuple[Path, LabelmeFile]]:
    for path in sorted(folder.glob("*.json")):
        try:
            file = read_labelme(path)
        except BrokenInput as error:
            report.fail(error)
            continue
        if _is_edited(file):
            yield path, file


def _record(
    file: LabelmeFile, frame: FrameRecord, settings: Settings, catalogue: Catalogue, report: Report, *, author: str
) -> RevisionRecord:
    def resolve(text: str) -> int | None:
        found = settings.classes.find(text)
        return found.id if found else None

    drawn, notes = labelme_to_annotation(file, resolve=resolve, height=frame.height, width=frame.width, covered=None)
    for note in (*file.notes, *notes):
        report.note(note, frame.frame_id)
    covered = drawn.covered
    if file.flags.get(REVIEWED, False) or settings.imports.coverage == "all":
        covered |= {c.id for c in settings.classes.active}
    shown = file.extra.get("dmr_covered")
    covered |= {i for name in shown if (i := resolve(str(name)))} if isinstance(shown, list) else frozenset()
    parent = file.extra.get("dmr_revision")
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="labelme",
        annotation=Annotation(frame.height, frame.width, drawn.shapes, covered),
        parent=parent if isinstance(parent, str) else None,
        raw_sha256=catalogue.store.put(drawn_json(file)),
    )


def _is_edited(file: LabelmeFile) -> bool:
    drawn = drawing_of((s.label, s.points, s.group_id, s.hole) for s in file.shapes)
    return file.flags.get(REVIEWED, False) or drawn != file.extra.get("dmr_drawing")


def _may_replace(path: Path) -> bool:
    """Whether a file holds nothing that only it holds."""
    try:
        return not _is_edited(read_labelme(path))
    except BrokenInput:
        return False


def _frame_of(path: Path) -> str:
    """The frame that a file is named after; the name may have more in it, such as the rank."""
    found = _FRAME.search(path.stem)
    return found.group() if found else ""
