"""Values <-> canonical JSON: each value has one text, so the text's hash can name the value."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..shapes import Ring, Shape


def canonical_json(value: object) -> str:
    """A value as JSON with sorted keys, no blanks, floats in their shortest exact form, and no NaN or infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def ring_to_json(points: Ring) -> list[list[float]]:
    """A ring as `[[x, y], ...]`. Whole numbers and minus zero become the equal float."""
    return [[float(x) + 0.0, float(y) + 0.0] for x, y in points]


def json_to_ring(points: Iterable[Iterable[float]]) -> Ring:
    """The ring of `[[x, y], ...]`."""
    return tuple((x, y) for x, y in points)


def shapes_to_json(shapes: Iterable[Shape]) -> list[dict[str, Any]]:
    """A list of shapes as JSON values."""
    return [
        {
            "class": int(s.class_id),
            "group": None if s.group is None else int(s.group),
            "hole": bool(s.hole),
            "points": ring_to_json(s.points),
        }
        for s in shapes
    ]


def json_to_shapes(values: Iterable[dict[str, Any]]) -> tuple[Shape, ...]:
    """The shapes of `shapes_to_json`'s list."""
    return tuple(Shape(v["class"], json_to_ring(v["points"]), hole=v["hole"], group=v["group"]) for v in values)
