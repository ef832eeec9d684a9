"""Read Labelme JSON, strictly, into LabelmeFile and LabelmeShape."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BrokenInput
from ..shapes import Point
from ..system.places import NO_FILE, is_no_file
from ..wording import counted, quoted
from .coco_video import drawn_labels, is_video_set
from .labelme_typed import group_as_typed, misfits, numbered_groups
from .strict_json import decoded, parsed_json

# Outlines drawn by hand take kilobytes. A larger file is something else, or made to fill the memory.
MOST_BYTES = 20 * 2**20
# An embedded image may add to it: base64 of the largest frame that is read (40 MP of RGB) as a badly packed PNG.
MOST_BYTES_WITH_IMAGE = 160 * 2**20

# A larger coordinate is no place in a picture, and areas computed with it overflow.
_FARTHEST = 1_000_000

# How many points each shape type takes: of labelme, and of AnyLabeling and X-AnyLabeling, which save such files too.
_POINTS: Mapping[str, tuple[int, float]] = {
    "polygon": (3, math.inf),
    "ai_polygon": (3, math.inf),
    "rectangle": (2, 4),
    "circle": (2, 2),
    "mask": (2, 2),
    "oriented_rectangle": (4, 4),
    "rotation": (4, 4),
    "quadrilateral": (4, 4),
}
_RINGS = frozenset({"polygon", "ai_polygon"})
_WITHOUT_AREA = frozenset({"point", "points", "line", "lines", "linestrip"})
_EMBEDDED = re.compile(rb'"imageData"\s*:\s*"([A-Za-z0-9+/=\\\s]*)"')
_KNOWN = ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
_KNOWN_OF_SHAPE = ("label", "points", "shape_type", "group_id")


@dataclass(frozen=True, slots=True)
class LabelmeShape:
    """One shape as in a Labelme file.

    Attributes:
        label: Its label.
        points: `(x, y)` in pixels: an outline, or the two corners of a rectangle or mask, or a circle's centre and rim.
        shape_type: `polygon`, `ai_polygon`, `rectangle` (of two or of four corners), `circle`, `oriented_rectangle`,
            `rotation`, `quadrilateral` or `mask`.
        group_id: Joins shapes of one structure.
        hole: Its flag `hole`: it is cut out of the shapes of its label and group.
        extra: Everything else, as read: other flags, description, the pixels of a mask.
    """

    label: str
    points: tuple[Point, ...]
    shape_type: str = "polygon"
    group_id: int | None = None
    hole: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelmeFile:
    """One Labelme file.

    Attributes:
        shapes: The shapes that can be used, in order.
        image_path: The file's `imagePath`, unchanged.
        image_data: The embedded image file, or None.
        height: Rows of the image, None if the file does not say.
        width: Columns of the image, None if the file does not say.
        flags: Flags of the whole image.
        extra: Other keys, as read.
        encoding: `utf-8`, `utf-8-sig` or `gb18030`.
        notes: Oddities, a short phrase each.
        lost: The labels of the shapes that cannot be used, None for one without a label; `notes` says why.
        without_area: Those of them that are points and lines.
    """

    shapes: tuple[LabelmeShape, ...]
    image_path: str | None
    image_data: bytes | None
    height: int | None
    width: int | None
    flags: Mapping[str, bool] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()
    lost: tuple[str | None, ...] = ()
    without_area: tuple[str | None, ...] = ()

    @property
    def without_area_aside(self) -> LabelmeFile:
        """The file as if its points and lines, which no mask could show, were not there."""
        lost = list(self.lost)
        for label in self.without_area:
            lost.remove(label)
        return replace(self, lost=tuple(lost), without_area=())


def read_labelme(path: Path) -> LabelmeFile:
    """Read a Labelme file.

    Raises:
        BrokenInput: It cannot be opened, or not be read as Labelme's.
    """
    return parse_labelme(_content(path), where=path)


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a Labelme file, one for each shape that has an area. Nothing else in the file is checked.

    If a shape's label is no text, it counts as an empty label.

    Raises:
        BrokenInput: It cannot be opened, or not be read as Labelme's.
    """
    content = parsed_json(decoded(_content(path), path)[0], path)
    if is_video_set(content):
        return drawn_labels(content)
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise BrokenInput(path, "has no 'shapes'", "Give a file that Labelme saved")
    found = (s for s in shapes if isinstance(s, dict) and str(s.get("shape_type")) not in _WITHOUT_AREA)
    return tuple(label if isinstance(label := s.get("label"), str) else "" for s in found)


def read_video_set(path: Path) -> dict[str, Any] | None:
    """The content of a COCO data set of videos; None for any other file.

    Raises:
        BrokenInput: It cannot be opened, or is no JSON.
    """
    data = _content(path)
    if b'"videos"' not in data:
        return None
    content = parsed_json(decoded(data, path)[0], path)
    return content if is_video_set(content) else None


def parse_labelme(data: bytes, *, where: object) -> LabelmeFile:
    """Read the bytes of a Labelme file, of any version since 3.

    A shape that cannot be used is left out, with a note that names it. At most 20 MiB are read, without an embedded
    image.

    Args:
        data: The file's bytes: UTF-8, with or without a byte order mark, or GB18030.
        where: What to call the file in an error.

    Raises:
        BrokenInput: It is no JSON, or none that Labelme writes: NaN or Infinity, a repeated key, too deep, too big.
    """
    if len(data) > MOST_BYTES:
        embedded = sum(match.end() - match.start() for match in _EMBEDDED.finditer(data))
        if len(data) > MOST_BYTES_WITH_IMAGE or len(data) - embedded > MOST_BYTES:
            raise _too_big(where, len(data))
    text, encoding = decoded(data, where)
    notes: list[str] = []
    if encoding != "utf-8":
        notes.append("begins with a byte order mark" if encoding == "utf-8-sig" else f"not UTF-8 (read as {encoding})")
    content = parsed_json(text, where)
    if not isinstance(content, dict) or "shapes" not in content:
        raise BrokenInput(where, "has no 'shapes'", "Give a file that Labelme saved")
    if not isinstance(content["shapes"], list):
        raise BrokenInput(where, "its 'shapes' are no list", "Save it again in Labelme")
    shapes: list[LabelmeShape] = []
    lost: list[str | None] = []
    without_area: list[str | None] = []
    for number, entry in enumerate(content["shapes"], start=1):
        shape = _shape(entry, f"shape {number}", notes)
        if shape is not None:
            shapes.append(shape)
        else:
            label = entry.get("label") if isinstance(entry, dict) else None
            lost.append(label if isinstance(label, str) else None)
            if lost[-1] is not None and entry.get("shape_type") in tuple(_WITHOUT_AREA):
                without_area.append(lost[-1])
    return LabelmeFile(
        shapes=numbered_groups(shapes),
        image_path=_image_path(content.get("imagePath"), notes),
        image_data=_image_data(content.get("imageData"), notes),
        height=_size(content, "imageHeight", notes),
        width=_size(content, "imageWidth", notes),
        flags=_flags(content.get("flags"), notes),
        extra={key: value for key, value in content.items() if key not in _KNOWN} | misfits(content),
        encoding=encoding,
        notes=tuple(dict.fromkeys(notes)),
        lost=tuple(lost),
        without_area=tuple(without_area),
    )


def _content(path: Path) -> bytes:
    if is_no_file(path):
        raise BrokenInput(path, NO_FILE, "Move it away")
    try:
        if (size := path.stat().st_size) > MOST_BYTES_WITH_IMAGE:
            raise _too_big(path, size)
        return path.read_bytes()
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check the path and its permissions") from error


def _too_big(where: object, size: int) -> BrokenInput:
    what = f"has {size / 2**20:.0f} MiB; without its embedded image at most {MOST_BYTES // 2**20} are read"
    return BrokenInput(where, what, "Check that it is a Labelme file, or save it without the image in it")


def _shape(entry: object, name: str, notes: list[str]) -> LabelmeShape | None:
    """One shape, or None and a note."""
    if not isinstance(entry, dict):
        notes.append(f"{name} is no object: left out")
        return None
    label = entry.get("label")
    if not isinstance(label, str):
        notes.append(f"{name} has no label: left out")
        return None
    name = f"{name} {quoted(label)}"
    shape_type = entry.get("shape_type") or "polygon"  # missing in files older than 3.10
    if not isinstance(shape_type, str) or shape_type not in _POINTS:
        known = isinstance(shape_type, str) and shape_type in _WITHOUT_AREA
        of = (
            f"is of the type {shape_type}, which has no area"
            if known
            else f"is of the unknown type {quoted(shape_type)}"
        )
        notes.append(f"{name} {of}: left out")
        return None
    points = _points(entry.get("points"))
    if points is None:
        notes.append(f"{name} has points that are no pairs of numbers below a million: left out")
        return None
    # A ring that repeats its first point at the end is closed twice.
    if shape_type in _RINGS and len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    least, most = _POINTS[shape_type]
    fits = least <= len(points) <= most and not (shape_type == "rectangle" and len(points) == 3)
    if not fits or (shape_type in _RINGS and len(set(points)) < least):
        takes = "at least 3 different ones" if shape_type in _RINGS else "2 or 4" if most > least else str(least)
        notes.append(f"{name} has {counted(len(points), 'points')}; the type {shape_type} takes {takes}: left out")
        return None
    group, kept = entry.get("group_id"), {}
    if group is not None and (not isinstance(group, int) or isinstance(group, bool)):
        notes.append("group_id is no whole number (a number stands for it)")
        group, kept = None, group_as_typed(group)
    ticks = entry.get("flags")
    if ticks and not (isinstance(ticks, dict) and isinstance(ticks.get("hole", False), bool)):
        notes.append(f"{name} has flags that do not tell whether it is a hole: left out")
        return None
    flags = _flags(ticks, notes)
    extra = {key: value for key, value in entry.items() if key not in _KNOWN_OF_SHAPE and value is not None}
    if "flags" in extra:
        extra["flags"] = {key: value for key, value in flags.items() if key != "hole"}
    extra |= misfits(entry) | kept
    return LabelmeShape(label, points, shape_type, group, flags.get("hole", False), extra)


def _points(value: object) -> tuple[Point, ...] | None:
    if not isinstance(value, list):
        return None
    points = []
    for point in value:
        if not isinstance(point, list) or len(point) != 2:
            return None
        x, y = (_number(part) for part in point)
        if x is None or y is None:
            return None
        points.append((x, y))
    return tuple(points)


def _number(value: object) -> float | None:
    """The value as a number in the range of pixels, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) <= _FARTHEST else None


def _image_path(value: object, notes: list[str]) -> str | None:
    if not isinstance(value, str) or not value.strip():
        notes.append("no imagePath")
        return None
    if "\\" in value:
        notes.append("backslashes in imagePath")
    return value


def _image_data(value: object, notes: list[str]) -> bytes | None:
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        data = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        notes.append("imageData cannot be decoded (left out)")
        return None
    notes.append("imageData embedded")
    return data


def _size(content: Mapping[str, Any], key: str, notes: list[str]) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    number = _number(value)
    if number is None or number < 1 or number != int(number):
        notes.append(f"{key} is no number of pixels (left out)")
        return None
    return int(number)


def _flags(value: object, notes: list[str]) -> dict[str, bool]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        notes.append("flags are no object (left out)")
        return {}
    good = {key: flag for key, flag in value.items() if isinstance(flag, bool)}
    if len(good) != len(value):
        notes.append("a flag is neither true nor false (left out)")
    return good
