"""Outlines of ellipses and rectangles that are turned. Pure."""

from __future__ import annotations

import math
from typing import Final

from ..shapes import Point, Ring

_SIDES: Final = 64


def ellipse_ring(centre: Point, radii: tuple[float, float], *, turn: float) -> Ring:
    """An ellipse as 64 sides that enclose its area.

    The corners lie a little outside the ellipse and the sides' middles a little inside. So the area is exact, and of
    the pixels of an ellipse, far fewer than 0.5 % change.

    Args:
        centre: Its centre, `(x, y)` in pixels.
        radii: Its two half axes in pixels, the level one first.
        turn: The angle by which it is turned about its centre, in radians, from x towards y.
    """
    step = 2 * math.pi / _SIDES
    wider = math.sqrt(step / math.sin(step))
    around = [(math.cos(step * k) * radii[0] * wider, math.sin(step * k) * radii[1] * wider) for k in range(_SIDES)]
    return _turned(around, centre, turn)


def rectangle_ring(corner: Point, lengths: tuple[float, float], *, turn: float) -> Ring:
    """The corners of a rectangle.

    Args:
        corner: The first corner, `(x, y)` in pixels: the top left one before it was turned.
        lengths: Width and height in pixels.
        turn: The angle by which it is turned about that corner, in radians, from x towards y.
    """
    width, height = lengths
    return _turned([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)], corner, turn)


def _turned(points: list[Point], about: Point, turn: float) -> Ring:
    """Points that are given from a place, turned about it."""
    cosine, sine = (math.cos(turn), math.sin(turn)) if turn else (1.0, 0.0)
    return tuple((about[0] + x * cosine - y * sine, about[1] + x * sine + y * cosine) for x, y in points)
