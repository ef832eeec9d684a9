"""What Label Studio's smart tools send, as boxes and clicks in pixels. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...annotate.studio.answers.reading import member
from ...model.refine.prompt import Box, Click

RECTANGLE: Final = "rectanglelabels"
KEY_POINT: Final = "keypointlabels"
MOST: Final = 64  # boxes or clicks of one request; nobody draws more before one is accepted
_FAR: Final = 1000.0  # percent: a tool may reach past the frame, but not so far


@dataclass(frozen=True, slots=True)
class Prompt:
    """The smart regions of one request: they are of one kind and one label.

    Attributes:
        label: The label, as the project names it.
        boxes: The boxes; empty for clicks.
        clicks: The clicks; empty for boxes.
    """

    label: str
    boxes: tuple[Box, ...] = ()
    clicks: tuple[Click, ...] = ()


def is_prompt(params: object) -> bool:
    """Whether a request's `params` are those of a smart tool, and not of a frame that is opened."""
    return isinstance(member(member(params, "context"), "result"), list)


def read_prompt(params: object, *, height: int, width: int) -> Prompt | None:
    """The smart regions of a request. What cannot be read is left out.

    Args:
        params: The request's `params`.
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        The boxes or clicks of the last label; None if there are none.
    """
    results = member(member(params, "context"), "result")
    found = [r for r in results if _label(r)] if isinstance(results, list) else []
    if not found:
        return None
    label, kind = _label(found[-1]), found[-1]["type"]
    own = [r for r in found if (_label(r), r["type"]) == (label, kind)][-MOST:]
    if kind == RECTANGLE:
        boxes = tuple(b for r in own if (b := _box(r["value"], height=height, width=width)) is not None)
        return Prompt(label, boxes=boxes) if boxes else None
    clicks = tuple(c for r in own if (c := _click(r, height=height, width=width)) is not None)
    return Prompt(label, clicks=clicks) if clicks else None


def _label(result: object) -> str:
    """The label of a box or a click on the image as it is; empty for anything else."""
    if not isinstance(result, Mapping) or result.get("type") not in (RECTANGLE, KEY_POINT):
        return ""
    value, turned = result.get("value"), result.get("image_rotation") or 0
    labels = value.get(result["type"]) if isinstance(value, Mapping) else None
    if turned != 0 or not isinstance(labels, list) or len(labels) != 1:
        return ""  # places on a turned image are percents of another picture
    return labels[0] if isinstance(labels[0], str) else ""


def _box(value: Mapping[str, Any], *, height: int, width: int) -> Box | None:
    """A rectangle's box: around its corners, if it was turned about its first one."""
    numbers = _numbers([value.get(name) for name in ("x", "y", "width", "height")])
    turn = _numbers([value.get("rotation") or 0], most=math.inf)
    if numbers is None or turn is None:
        return None
    x, y, w, h = (n * side / 100 for n, side in zip(numbers, (width, height) * 2, strict=True))
    cos, sin = math.cos(math.radians(turn[0])), math.sin(math.radians(turn[0]))
    corners = [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in ((0, 0), (w, 0), (w, h), (0, h))]
    xs, ys = zip(*corners, strict=True)
    left, right = (min(max(n, -width), 2 * width) for n in (min(xs), max(xs)))
    top, bottom = (min(max(n, -height), 2 * height) for n in (min(ys), max(ys)))
    try:
        return Box(left, top, right, bottom)
    except ValueError:  # less than a pixel: a click with the tool for boxes
        return None


def _click(result: Mapping[str, Any], *, height: int, width: int) -> Click | None:
    place = _numbers([result["value"].get("x"), result["value"].get("y")])
    if place is None:
        return None
    is_inside = result.get("is_positive") is not False
    return Click(place[0] * width / 100, place[1] * height / 100, inside=is_inside)


def _numbers(values: Sequence[object], *, most: float = _FAR) -> tuple[float, ...] | None:
    """Finite numbers; None if one of the values is none."""
    found = []
    for value in values:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= most:
            return None
        found.append(float(value))
    return tuple(found) if all(map(math.isfinite, found)) else None
