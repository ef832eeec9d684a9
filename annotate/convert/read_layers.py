"""Layers, a folder of black and white masks for each class, as `to_labelme` takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenInput, UsageError
from ..formats.drawing import Drawing
from ..formats.index_mask import MASK_SUFFIXES, has_black_background, read_index_mask
from ..formats.labelme_image import plain_name
from ..geometry.trace import mask_to_shapes
from ..report import Report
from ..scans.discover import files_below
from ..shapes import Shape
from ..wording import quoted
from .foreign import Foreign, Reading, bytes_of
from .left_out import tell_pictures
from .names import IndexNames


def read_layers(reading: Reading) -> tuple[IndexNames, Iterator[Foreign]]:
    """The folders of layers as classes, and their frames; any value above 0 is the class.

    Raises:
        UsageError: There are none, or `--classes` names none of the folders.
    """
    folders, found = _masks_below(reading.src, reading.report)
    names = reading.names(folders, tell=False)
    every = frozenset(range(1, len(names.given or ()) + 1))
    ids = {folder: names.index_of(folder) for folder in folders}

    def frames() -> Iterator[Foreign]:
        for place, masks in sorted(found.items()):
            notes = [f"label {quoted(folder)} is no class (left out)" for folder, _ in masks if ids[folder] is None]
            try:
                shapes, (height, width) = _traced(masks, ids)
            except BrokenInput as error:
                reading.report.fail(error)
                continue
            # Without its mask, nobody knows whether a class is absent.
            missing = every - {ids[folder] for folder, _ in masks}
            drawing = Drawing(shapes, missing, tuple(notes), told=missing)
            yield Foreign(place.as_posix(), drawing, height, width, masks[0][1])

    return names, frames()


def _masks_below(src: Path, report: Report) -> tuple[list[str], dict[Path, list[tuple[str, Path]]]]:
    """The folders' names in order, and each frame's masks with their folders.

    Raises:
        UsageError: There are none.
    """
    folders = sorted(p for p in src.iterdir() if p.is_dir() and not p.name.startswith(".")) if src.is_dir() else []
    frames: dict[Path, list[tuple[str, Path]]] = defaultdict(list)
    for folder in folders:
        masks = files_below([folder], MASK_SUFFIXES, report=report)
        tell_pictures(folder, masks, report)
        for path in masks:
            place = Path(plain_name(path.relative_to(folder).with_suffix("").as_posix()))
            frames[place].append((folder.name, path))
    if not frames:
        raise UsageError(src, "holds no folders with masks", "Arrange the masks as SRC/CLASS/NAME.png")
    return [folder.name for folder in folders], frames


def _layer(path: Path) -> NDArray[np.bool_]:
    """One class's mask; a picture, or a mask with smoothed borders, has more than two values. Raises BrokenInput."""
    data = bytes_of(path)
    index = read_index_mask(data, where=path)
    values = np.unique(index).tolist()
    if len(values) > 2:
        remedy = "Take a folder of pictures out of SRC; export a layer without smoothing, as PNG"
        raise BrokenInput(path, f"has {len(values)} different values, and a layer has two: 0 and another", remedy)
    if len(values) == 2 and 0 not in values:
        what = f"has the values {values[0]} and {values[1]}, and the background of a layer is 0"
        raise BrokenInput(path, what, "Export the layer with 0 where the class is not")
    if not has_black_background(data):
        raise BrokenInput(path, "has a palette whose first colour is not black", "Export the layer as a grey PNG")
    return index > 0


def _traced(masks: list[tuple[str, Path]], ids: Mapping[str, int | None]) -> tuple[tuple[Shape, ...], tuple[int, int]]:
    """The outlines of a frame's masks, and its size. A mask in a folder that is no class only gives the size."""
    shapes: list[Shape] = []
    size: tuple[int, int] | None = None
    read: dict[str, NDArray[np.bool_]] = {}
    for label, path in masks:
        mask = _layer(path)
        height, width = mask.shape
        if size is not None and (height, width) != size:
            what = f"has {width} x {height} pixels, and the masks before it {size[1]} x {size[0]}"
            raise BrokenInput(path, what, "Export all masks of a frame in the frame's size")
        size = height, width
        if label in read:
            if not np.array_equal(read[label], mask):
                raise BrokenInput(path, "is another mask of the same name and folder", "Keep the right one of the two")
            continue
        read[label] = mask
        group = max((s.group or 0 for s in shapes), default=0) + 1
        if (class_id := ids[label]) is not None:
            shapes += mask_to_shapes(mask, class_id=class_id, first_group=group)
    assert size is not None  # every frame has a mask
    return tuple(shapes), size
