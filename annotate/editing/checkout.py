"""`annotations/`: a Labelme file for every frame that has outlines or a draft, to open and edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord
from ..errors import BrokenInput
from ..formats.labelme import LabelmeFile, annotation_to_labelme, drawing_of, parse_labelme, read_labelme
from ..formats.labelme_reading import MOST_BYTES_WITH_IMAGE
from ..formats.labelme_words import NO_WORDS, OTHERS_KEY, WORDS_KEY, Said, Words, has_other_words, words_key
from ..formats.lost import COVERED_KEY
from ..report import Report
from ..shapes import Annotation
from ..system.pipeline import batched
from ..system.places import is_no_file
from ..system.store import sha256_hex
from ..workspace import Workspace
from .carrying import carried_over
from .reason import REASON_KEY, reason_boxes, without_reason
from .rewriting import NewFile, rewrite

_BATCH: Final = 256  # sheets held at a time
REVIEWED: Final = "reviewed"
"""The box that a physician ticks in Labelme: every class is drawn completely."""

SIZE_RESET: Final = "imageHeight and imageWidth were not those of the image (set right)"
DRAFT_NOTE: Final = "draft of an annotation assistant, for review by a qualified physician; not a medical device"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one file of the checkout shows.

    Attributes:
        frame: The frame.
        annotation: Its outlines.
        revision: The revision that holds these outlines, None for a draft.
        model: The model that drew the draft, None for a revision or an empty sheet.
        words: What was typed beside the outlines.
        reason: Why the frame comes next; empty where nobody asks.
    """

    frame: FrameRecord
    annotation: Annotation
    revision: str | None = None
    model: str | None = None
    words: Words = NO_WORDS
    reason: str = ""


def labelled_sheets(catalogue: Catalogue) -> Iterator[Sheet]:
    """A sheet for every frame with a revision."""
    for item in catalogue.labelled_frames():
        yield Sheet(item.frame, item.annotation, revision=item.revision, words=Words.parse(item.words))


def held_out(catalogue: Catalogue, frames: Sequence[FrameRecord]) -> set[str]:
    """Ids of the frames of validation and test patients: they are ranked without a model, and get no draft."""
    splits = catalogue.splits()
    return {f.frame_id for f in frames if f.patient is not None and splits.get(f.patient) in ("validation", "test")}


def draft_sheets(catalogue: Catalogue, frames: Sequence[FrameRecord]) -> Iterator[Sheet]:
    """A sheet for every frame, with the active model's outlines. Frames that are drawn from nothing stay empty.

    A few hundred sheets are in memory at a time.
    """
    active = catalogue.active_model()
    blind = held_out(catalogue, frames) | catalogue.blind_audits()
    for batch in batched(frames, _BATCH):
        ids = [f.frame_id for f in batch if f.frame_id not in blind]
        predictions = catalogue.latest_predictions(active.id, ids) if active else {}
        for frame in batch:
            draft = predictions.get(frame.frame_id)
            annotation = Annotation(frame.height, frame.width, draft.shapes if draft else (), frozenset())
            yield Sheet(frame, annotation, model=draft.model if draft else None)


def write_checkout(
    workspace: Workspace,
    sheets: Iterable[Sheet],
    *,
    taken: Mapping[Path, str] | None = None,
    folder: Path | None = None,
    names: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> int:
    """Write sheets as Labelme files, inner structures last. A file that would stay the same is not touched.

    So is a file that was edited since it was written, or cannot be read, unless it holds what was taken up; and one
    that is saved at this very moment.

    Args:
        workspace: The workspace of the frames.
        sheets: What to write.
        taken: Files whose edits `take_up_edits` has just made into revisions, with the hash of what they held.
        folder: The folder to write to; None for `annotations/`.
        names: File name of a frame's picture in that folder, by frame id; None where the pictures lie in `frames/`.
        report: Gets the files that were saved meanwhile.

    Returns:
        The number of files written.
    """
    folder = folder or workspace.annotations_folder
    own_classes = workspace.settings.classes
    names_of = {c.id: c.name for c in own_classes}
    classes = {i: names_of[i] for i in own_classes.paint_order()}

    def changed() -> Iterator[NewFile]:
        for sheet in sheets:
            own = names[sheet.frame.frame_id] if names else f"../{sheet.frame.path}"
            path = folder / Path(own).with_suffix(".json").name
            if is_no_file(path):  # told by `take_up_edits`
                continue
            try:
                there = path.read_bytes()
            except FileNotFoundError:
                yield NewFile(path, _sheet_file(sheet, labels=classes, image_path=own), seen=None)
                continue
            except OSError:  # told by `take_up_edits`
                continue
            data = _sheet_file(sheet, labels=classes, image_path=own, there=there)
            seen = sha256_hex(there)
            if there == data:
                continue
            if (taken or {}).get(path) != seen:
                if (now := _unedited(there, path)) is None:
                    continue
                own_size = sheet.annotation.height, sheet.annotation.width
                if report is not None and (now.height or own_size[0], now.width or own_size[1]) != own_size:
                    report.note(SIZE_RESET, path.name)
            yield NewFile(path, data, seen=seen)

    return rewrite(changed(), report=report)


def _sheet_file(sheet: Sheet, *, labels: Mapping[int, str], image_path: str, there: bytes = b"") -> bytes:
    """The file; `labels` are in the order in which structures lie upon one another, the lowest first."""
    said = sheet.words.shapes or (Said(),) * len(sheet.annotation.shapes)
    # A click in Labelme picks the last shape of those that lie there.
    place = {class_id: k for k, class_id in enumerate(labels)}
    both = [(s, w) for s, w in zip(sheet.annotation.shapes, said, strict=True) if s.class_id in labels]
    both.sort(key=lambda pair: place[pair[0].class_id])
    shown, spoken = tuple(s for s, _ in both), tuple(w for _, w in both)
    annotation = Annotation(sheet.annotation.height, sheet.annotation.width, shown, sheet.annotation.covered)
    drawing = drawing_of((labels[s.class_id], s.points, s.group, s.hole) for s in shown)
    covered = annotation.covered if sheet.revision else {s.class_id for s in shown}
    image = sheet.words.image
    extra: dict[str, Any] = dict(image.more) | {
        "dmr_drawing": drawing,  # tells an edited file from an untouched one
        "dmr_revision": sheet.revision,
        COVERED_KEY: [labels[i] for i in sorted(covered) if i in labels],
    }
    if sheet.model is not None:
        extra |= {"dmr_model": sheet.model, "dmr_note": DRAFT_NOTE}
    others = [one for one in sheet.words.others if one]
    if (key := words_key(image, [*spoken, *others])) is not None:
        extra[WORDS_KEY] = key
    if others:
        extra[OTHERS_KEY] = [one.as_json() for one in others]
    if image.description:
        extra["description"] = image.description
    boxes = reason_boxes(sheet.reason)
    if boxes:
        extra[REASON_KEY] = boxes
    left, of_shapes = carried_over(there, [s.points for s in shown], reviewed=REVIEWED, note=DRAFT_NOTE)
    return annotation_to_labelme(
        annotation,
        names=labels,
        image_path=image_path,
        flags={**left.flags, **image.flags, REVIEWED: False, **dict.fromkeys(boxes, False)},
        shape_flags=[{**own.flags, **w.flags} for own, w in zip(of_shapes, spoken, strict=True)],
        descriptions=[w.description for w in spoken],
        shape_extras=[{**own.extra, **w.more} for own, w in zip(of_shapes, spoken, strict=True)],
        extra={**left.extra, **extra},
    )


def is_edited(file: LabelmeFile) -> bool:
    """Whether somebody drew or wrote on a file, with shapes of any kind, or ticked it since it was written."""
    if file.lost or has_other_words(file, without=REVIEWED):
        return True
    drawn = drawing_of((s.label, s.points, s.group_id, s.hole) for s in file.shapes)
    return file.flags.get(REVIEWED, False) or drawn != file.extra.get("dmr_drawing")


def read_sheet(path: Path) -> tuple[LabelmeFile, str]:
    """Read a file of the checkout, and give the hash of what was read.

    Raises:
        BrokenInput: It cannot be read.
    """
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= MOST_BYTES_WITH_IMAGE else b""
    except OSError:
        data = b""
    if not data:
        return without_reason(read_labelme(path)), sha256_hex(data)  # it says what is wrong
    return without_reason(parse_labelme(data, where=path)), sha256_hex(data)


def _unedited(data: bytes, path: Path) -> LabelmeFile | None:
    """What a file holds if it can be replaced without losing an edit; None if it cannot."""
    try:
        file = without_reason(parse_labelme(data, where=path))
    except BrokenInput:
        return None
    return None if is_edited(file) else file
