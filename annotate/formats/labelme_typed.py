"""What people and other programs write into Labelme files where Labelme itself has no place for it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .labelme_reading import LabelmeShape

AS_TYPED: Final = "_as_typed"
"""Ends the key under which a value is kept that Labelme would not read in its own place, such as a group in words."""

# Nobody typed these: Labelme before 4 wrote its colours into every file, and `dmr phantom` marks what it drew.
_UNTYPED: Final = frozenset({"lineColor", "fillColor", "line_color", "fill_color", "synthetic"})
_VERSION: Final = re.compile(r"v?\d[\w.+-]*")
_DEEPEST: Final = 20  # levels of one value that are kept as they are; what is deeper becomes a text


def misfits(content: Mapping[str, Any]) -> dict[str, Any]:
    """The descriptions that are no text and the flags that are no ticks, under keys that Labelme leaves alone.

    Args:
        content: A file or a shape.
    """
    found: dict[str, Any] = {}
    description, flags = content.get("description"), content.get("flags")
    if description and not isinstance(description, str):
        found["description" + AS_TYPED] = description
    if isinstance(flags, Mapping):
        flags = {name: value for name, value in flags.items() if value and not isinstance(value, bool)}
    if flags:
        found["flags" + AS_TYPED] = flags
    return found


def group_as_typed(group: object) -> dict[str, Any]:
    """A `group_id` that is no whole number, under a key that Labelme leaves alone."""
    return {} if group == "" else {"group_id" + AS_TYPED: group}


def numbered_groups(shapes: Sequence[LabelmeShape]) -> tuple[LabelmeShape, ...]:
    """The shapes with a number for each group: its own, or one that stands for it, the same for equal ones."""
    typed = [s.extra.get("group_id" + AS_TYPED) for s in shapes]
    numbers = [_own_number(group) if s.group_id is None else s.group_id for s, group in zip(shapes, typed, strict=True)]
    free = max([0, *(number for number in numbers if number is not None)]) + 1
    others: dict[str, int] = {}
    for place, group in enumerate(typed):
        if numbers[place] is None and group is not None:
            numbers[place] = others.setdefault(json.dumps(group, sort_keys=True), free + len(others))
    return tuple(replace(shape, group_id=number) for shape, number in zip(shapes, numbers, strict=True))


def _own_number(group: object) -> int | None:
    if isinstance(group, bool) or not isinstance(group, int | float):
        return None
    return int(group) if math.isfinite(group) and group == int(group) else None


def typed_beside(extra: Mapping[str, Any], *, known: frozenset[str]) -> dict[str, Any]:
    """The unknown keys of a file or a shape that hold something, as values that can be kept for good.

    Args:
        extra: The keys with their values.
        known: Keys that are read elsewhere.
    """
    return dict(_beside(extra, known))


def _beside(extra: Mapping[str, Any], known: frozenset[str]) -> Iterator[tuple[str, Any]]:
    for key, value in extra.items():
        if key not in known and _is_told(key, value):
            yield whole(key), plain(value)


def _is_told(key: str, value: object) -> bool:
    return bool(value) and not key.startswith("dmr_") and (key not in _UNTYPED or _is_typed_there(key, value))


def _is_typed_there(key: str, value: object) -> bool:
    """Whether a key that programs write holds what none of them writes."""
    return not (value is True if key == "synthetic" else isinstance(value, list))


def passed_over(content: Mapping[str, Any], *, known: frozenset[str]) -> dict[str, Any]:
    """The unknown keys that `typed_beside` passes over: they hold nothing, or what a program wrote, or begin with dmr.

    Args:
        content: A file or a shape.
        known: Keys that are read elsewhere.
    """
    left = ((key, value) for key, value in content.items() if key not in known and not _is_told(key, value))
    return {whole(key): plain(value) for key, value in left}


def is_version(value: object) -> bool:
    """Whether a value is a version's number, which nobody types."""
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def whole(text: str) -> str:
    """A text in which half a character, as JSON can hold it, is written out."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def plain(value: Any, *, deep: int = 0) -> Any:
    """A JSON value that can be stored: of whole characters, finite numbers, and not too deep."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 in a file
        return str(value)
    if isinstance(value, (list, dict)) and deep >= _DEEPEST:
        try:
            return json.dumps(value)
        except RecursionError:
            return "nested too deep"
    if isinstance(value, list):
        return [plain(item, deep=deep + 1) for item in value]
    if isinstance(value, dict):
        return {whole(key): plain(item, deep=deep + 1) for key, item in value.items()}
    return value
