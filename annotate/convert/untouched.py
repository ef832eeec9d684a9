"""Labelme files that a conversion wrote, and whether somebody drew, typed or ticked anything in them since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import BrokenInput
from ..formats.labelme import drawing_of, parse_labelme
from ..formats.labelme_typed import is_version
from ..formats.lost import LOST_KEY
from ..formats.strict_json import decoded, parsed_json
from ..system.canonical import canonical_json
from ..system.store import sha256_hex

DRAWING_KEY: Final = "dmr_drawing"
WRITTEN_KEY: Final = "dmr_written"
"""A hash of what a conversion wrote beside the outlines; files of older versions have none."""

_BESIDE: Final = ("imagePath", "imageHeight", "imageWidth", LOST_KEY)
_KEYS: Final = frozenset({"version", "flags", "shapes", "imageData", DRAWING_KEY, WRITTEN_KEY, *_BESIDE})
# What Labelme writes for nothing.
_EMPTY: Final[Mapping[str, tuple[Any, ...]]] = {
    "description": ("", None),
    "mask": (None,),
    "flags": ({}, {"hole": True}),
}
_OF_SHAPE: Final = frozenset({"label", "points", "group_id", "shape_type", *_EMPTY})


def written_hash(content: Mapping[str, Any]) -> str:
    """A hash of what a file holds beside its outlines, under `WRITTEN_KEY`."""
    beside = [content.get(key, "") for key in _BESIDE]
    return sha256_hex(canonical_json(beside).encode("utf-8", errors="backslashreplace"))


def is_untouched(data: bytes) -> bool:
    """Whether a file is one that we wrote, with nothing drawn or typed since. Another order or spacing is nothing."""
    try:
        file = parse_labelme(data, where="the target")
        content = parsed_json(decoded(data, "the target")[0], "the target")
    except BrokenInput:
        return False
    drawn = drawing_of((shape.label, shape.points, shape.group_id, shape.hole) for shape in file.shapes)
    if file.lost or file.extra.get(DRAWING_KEY) != drawn or not content.keys() <= _KEYS:
        return False
    if not is_version(content.get("version")) or content.get("imageData") is not None or content.get("flags") != {}:
        return False
    if content.get(WRITTEN_KEY, "") not in ("", written_hash(content)):
        return False
    return all(map(_is_plain, content["shapes"]))


def _is_plain(entry: Mapping[str, Any]) -> bool:
    """Whether a shape holds nothing but an outline. A 1 is no tick."""
    if not entry.keys() <= _OF_SHAPE or entry.get("shape_type") != "polygon":
        return False
    hole = entry.get("flags", {}).get("hole", True) if isinstance(entry.get("flags"), dict) else False
    return hole is True and all(entry.get(key, empty[0]) in empty for key, empty in _EMPTY.items())
