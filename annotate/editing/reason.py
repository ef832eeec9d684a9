"""Why a frame comes next, as boxes beside the image: Labelme shows no other text about a whole image."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..formats.labelme import LabelmeFile
from ..shapes import Shape

REASON_KEY: Final = "dmr_reason"
"""In a file that we wrote, the names of the boxes that tell the reason: whether they are ticked means nothing."""

_WIDTH: Final = 27  # characters: what Labelme shows of a box in a window 1366 pixels wide


def reason_boxes(reason: str) -> list[str]:
    """Short boxes, one below the other, because Labelme breaks no lines."""
    parts = [f"why: {part.strip()}" for part in reason.split(";") if part.strip()]
    lines = (textwrap.wrap(part, _WIDTH, subsequent_indent="… ", break_long_words=False) for part in parts)
    return list(dict.fromkeys(line for own in lines for line in own))


def boxes_of(content: Mapping[str, Any]) -> set[str]:
    """The names of the boxes that tell a reason in a file, or in its further keys."""
    names = content.get(REASON_KEY)
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def without_reason(file: LabelmeFile) -> LabelmeFile:
    """The file without these boxes: a slip of the mouse on one of them is no edit."""
    boxes = boxes_of(file.extra)
    return replace(file, flags={name: tick for name, tick in file.flags.items() if name not in boxes})


def in_order_of(shapes: Iterable[Shape], before: Iterable[Shape]) -> tuple[Shape, ...]:
    """Shapes in the order that they had before they were laid out to be picked; new ones come last."""
    places = {(s.class_id, s.points, s.hole): place for place, s in enumerate(before)}
    return tuple(sorted(shapes, key=lambda s: places.get((s.class_id, s.points, s.hole), len(places))))
