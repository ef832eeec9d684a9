"""Labelled frames from outside: images with class-index masks beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..classes import Classes
from ..errors import BrokenInput
from ..formats.drawing import Drawing
from ..formats.index_mask import read_class_mask
from ..formats.lost import unread_words
from ..geometry.trace import index_to_shapes
from ..report import Report
from ..scans.images import encode_png
from ..settings.model import Coverage
from .mask_pairs import pair_masks
from .outside_frame import UNREAD_REMEDY, OutsideFrame
from .pictures import only_frame


def mask_frames(
    images: Path, masks: Path, *, classes: Classes, coverage: Coverage, report: Report
) -> Iterator[OutsideFrame]:
    """Read class-index masks and their images; what fails is in the report, and the rest goes on.

    Args:
        images: Folder of images.
        masks: Folder of masks: grey or palette images whose values are class ids, 0 for background; it may be the same
            folder. `pair_masks` says which image is a mask's.
        classes: Those that there are; pixels of another value are left out, with a note, and then the mask covers no
            class.
        coverage: Whether a class that is not drawn is absent (`all`) or perhaps forgotten (`drawn`).
        report: Gets failures and oddities.

    Raises:
        UsageError: No mask in the folder has an image.
    """
    for mask, image in pair_masks(images, masks, report=report):
        try:
            yield _mask_frame(mask, image, classes=classes, coverage=coverage, report=report)
        except BrokenInput as error:
            report.fail(error)
        except OSError as error:
            report.fail(BrokenInput(mask, f"cannot be opened ({error.strerror})", "Check its permissions"))


def _mask_frame(mask: Path, image: Path, *, classes: Classes, coverage: Coverage, report: Report) -> OutsideFrame:
    ids = frozenset(classes.predicted)
    frame = only_frame(image)
    index, notes = read_class_mask(mask.read_bytes(), class_ids=sorted(ids), where=mask)
    if index.shape != frame.pixels.shape:
        size = f"{index.shape[1]} x {index.shape[0]} pixels, and its image has {frame.width} x {frame.height}"
        raise BrokenInput(mask, f"has {size}", "Export the mask in the size of its image")
    unknown = sorted(set(np.unique(index).tolist()) - ids - {0})
    for note in (*notes, *(f"mask value {value} is no class (left out)" for value in unknown)):
        report.note(note, mask.name)
    for note in frame.notes:
        report.note(note, image.name)
    shapes = tuple(s for s in index_to_shapes(index, contains=classes.contained) if s.class_id in ids)
    drawing = Drawing(shapes, lost=frozenset({None} if unknown else ()))
    drawing = drawing.on(height=frame.height, width=frame.width)
    if (words := unread_words(drawing.unread, classes.predicted.__getitem__)) is not None:
        report.fail(BrokenInput(mask, words, UNREAD_REMEDY))
    annotation = drawing.annotation(
        height=frame.height, width=frame.width, asserted=ids if coverage == "all" else frozenset()
    )
    raw = encode_png(index)
    return OutsideFrame(image.stem, frame, annotation, raw, image, mask, lost=drawing.lost, unread=drawing.unread)
