"""What a sheet holds that is no edit, such as a box that nobody ticked, stays in it when it is written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from ..errors import BrokenInput
from ..formats.labelme import parse_labelme
from ..formats.labelme_typed import is_version, passed_over, plain, whole
from ..formats.labelme_words import OTHERS_KEY, WORDS_KEY, rings_of
from ..formats.lost import COVERED_KEY
from ..formats.strict_json import decoded, parsed_json
from ..shapes import Ring
from .reason import REASON_KEY, boxes_of

TYPED_KEY: Final = "dmr_typed"
"""Of a file or a shape: what was typed in a place of which Labelme, or dmr, reads something else."""

_OURS: Final = ("dmr_drawing", "dmr_revision", "dmr_model", "dmr_note", REASON_KEY, COVERED_KEY, OTHERS_KEY, WORDS_KEY)
_OWN: Final = frozenset(_OURS)
_OF_FILE: Final = frozenset({"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})
_OF_SHAPE: Final = frozenset({"label", "points", "group_id", "description", "shape_type", "flags", "mask"})
# How base64 of a picture begins: PNG, JPEG, BMP, TIFF, GIF, WebP. Labelme embeds it, and nobody types it.
_PICTURE: Final = re.compile("iVBORw0K|/9j/|Qk|SUkq|TU0A|R0lG|UklG")
_FRAME: Final = re.compile(r"(\d+_)?f[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes into the new file, or into a shape of it.

    Attributes:
        flags: Boxes that nobody ticked.
        extra: Keys.
    """

    flags: dict[str, bool] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.flags or self.extra)


NOTHING: Final = Carried()


def carried_over(
    there: bytes, rings: Sequence[Ring], *, reviewed: str, note: str
) -> tuple[Carried, tuple[Carried, ...]]:
    """What of the file that is there goes into the new one, beside the outlines and the words.

    What belongs to a shape that is gone goes into the file's `dmr_typed`.

    Args:
        there: What the file holds.
        rings: The outlines of the new file.
        reviewed: The flag that dmr sets itself.
        note: The text that dmr itself writes as `dmr_note`.

    Returns:
        What goes into the file, and what into each shape.
    """
    try:
        file = parse_labelme(there, where="")
        content = parsed_json(decoded(there, "")[0], "")
    except BrokenInput:
        return NOTHING, (NOTHING,) * len(rings)
    entries = [entry for entry in content["shapes"] if isinstance(entry, dict)]
    places = [rings_of(shape) for shape in file.shapes] if len(entries) == len(file.shapes) else [()] * len(entries)
    found: dict[int, Carried] = {}
    gone: list[dict[str, Any]] = []
    for entry, own in zip(entries, places, strict=True):
        left = _of_shape(entry)
        place = next((k for k, ring in enumerate(rings) if k not in found and ring in own), None)
        if place is not None:
            found[place] = left
        elif left:
            gone.append({"label": plain(entry.get("label"))} | _as_typed(left))
    return _of_file(content, gone, reviewed=reviewed, note=note), tuple(
        found.get(k, NOTHING) for k in range(len(rings))
    )


def _of_shape(entry: Mapping[str, Any]) -> Carried:
    typed: dict[str, Any] = {}
    description, mask = entry.get("description"), entry.get("mask")
    if not description and description not in ("", None):
        typed["description"] = description
    if mask is not None and entry.get("shape_type") != "mask":
        typed["mask"] = mask
    return _carried(entry, typed, known=_OF_SHAPE, without={"hole"})


def _of_file(content: Mapping[str, Any], gone: list[dict[str, Any]], *, reviewed: str, note: str) -> Carried:
    typed = {
        key: content[key]
        for key, is_usual in _USUAL.items()
        if content.get(key) not in (None, "") and not is_usual(content[key])
    }
    before = content.get(TYPED_KEY)
    known = before.get("shapes", []) if isinstance(before, dict) else []
    if new := [one for one in gone if one not in known]:
        typed["shapes"] = [*known, *new]
    if content.get("dmr_note") not in (None, note):
        typed["dmr_note"] = content["dmr_note"]
    return _carried(content, typed, known=_OF_FILE | _OWN, without={reviewed, *boxes_of(content)})


def _carried(content: Mapping[str, Any], typed: dict[str, Any], *, known: frozenset[str], without: set[str]) -> Carried:
    flags = content.get("flags")
    ticks: Iterable[tuple[str, Any]] = flags.items() if isinstance(flags, dict) else ()
    empty = {whole(name): tick for name, tick in ticks if not tick and name not in without}
    boxes = {name: False for name, tick in empty.items() if tick is False}
    if odd := {name: tick for name, tick in empty.items() if tick is not False}:
        typed["flags"] = odd
    extra = passed_over(content, known=known)
    if typed:
        before = extra.get(TYPED_KEY)
        extra[TYPED_KEY] = (before if isinstance(before, dict) else {}) | plain(typed)
    return Carried(boxes, extra)


def _as_typed(left: Carried) -> dict[str, Any]:
    return left.extra | ({"flags": left.flags} if left.flags else {})


def _is_frame(value: object) -> bool:
    """Whether a path is that of a frame: nobody types such a name."""
    name = value.replace("\\", "/") if isinstance(value, str) else ""
    return _FRAME.fullmatch(PurePath(name).stem) is not None


def _is_picture(value: object) -> bool:
    return isinstance(value, str) and _PICTURE.match(value) is not None


_USUAL: Final = {"version": is_version, "imagePath": _is_frame, "imageData": _is_picture}
