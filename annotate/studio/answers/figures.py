"""Ellipses, rectangles and painted masks of Label Studio -> outlines. Pure.

Label Studio gives places and lengths in percent of the image's width and height. A figure is turned in pixels: an
ellipse about its centre, a rectangle about its first corner, clockwise as the screen shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...geometry.figures import ellipse_ring, rectangle_ring
from ...shapes import Ring
from .painted import bitmask_pixels, painted_mask, read_bitmask, read_painted

ELLIPSE: Final = "ellipselabels"
RECTANGLE: Final = "rectanglelabels"
BRUSH: Final = "brushlabels"
BITMASK: Final = "bitmasklabels"
PICTURE: Final = "imageDataURL"
COUNTED: Final = {
    ELLIPSE: "outlines drawn as ellipses",
    RECTANGLE: "outlines drawn as rectangles",
    BRUSH: "outlines painted with the brush",
    BITMASK: "outlines painted pixel by pixel",
}
"""What `pull` counts the regions of each kind as."""

_FAR: Final = 10_000  # percent
_NUMBERS: Final = {
    ELLIPSE: ("x", "y", "radiusX", "radiusY", "rotation"),
    RECTANGLE: ("x", "y", "width", "height", "rotation"),
}
KEYS: Final = {**_NUMBERS, BRUSH: ("rle",), BITMASK: (PICTURE,)}
"""What is read of each kind's value, beside its labels."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as Label Studio keeps it.

    Attributes:
        numbers: Its place, lengths and turn, as in `KEYS`; empty for a painted one.
        painted: The bytes of its run lengths or its PNG; empty for a drawn one.
    """

    numbers: tuple[float, ...] = ()
    painted: bytes = b""


def read_figure(value: Mapping[str, Any], kind: str) -> Figure:
    """The figure of a region's value.

    Raises:
        ValueError: It is none; the text continues "an outline of 'x' ".
    """
    if kind == BRUSH:
        return Figure(painted=read_painted(value.get("rle")))
    if kind == BITMASK:
        return Figure(painted=read_bitmask(value.get(PICTURE)))
    numbers = []
    for name in _NUMBERS[kind]:
        number = value.get(name, 0 if name == "rotation" else None)
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not abs(number) <= _FAR:
            raise ValueError(f"has no number as its {name}")
        numbers.append(float(number))
    if min(numbers[2:4]) <= 0:
        raise ValueError("has no width or no height")
    return Figure(tuple(numbers))


def figure_mask(figure: Figure, kind: str, *, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of a painted figure.

    Raises:
        ValueError: It cannot be read, or is of another size; the text continues "an outline of 'x' ".
    """
    if kind == BRUSH:
        return painted_mask(figure.painted, height=height, width=width)
    mask = bitmask_pixels(figure.painted)
    if mask.shape != (height, width):
        raise ValueError("was painted on an image of another size")
    return mask


def figure_ring(figure: Figure, kind: str, *, height: int, width: int) -> Ring:
    """The outline of an ellipse or a rectangle, in pixels."""
    x, y, across, down, turn = figure.numbers
    place = (x / 100 * width, y / 100 * height)
    lengths = (across / 100 * width, down / 100 * height)
    ring = ellipse_ring if kind == ELLIPSE else rectangle_ring
    return ring(place, lengths, turn=math.radians(turn))
