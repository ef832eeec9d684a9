"""Labelme shapes of any type as rings, and the oddities of a ring."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from PIL import Image

from ..geometry.crossings import MOST_CROSSINGS, crosses_too_often
from ..shapes import Ring, lies_outside, ring_area
from ..system.quiet import quietly
from .labelme_reading import LabelmeShape

# An outline of less than a pixel is a slip of the mouse.
LEAST_AREA = 1.0
CROSSED: Final = "an outline crosses itself (kept)"
TANGLED: Final = f"an outline crosses itself more than {MOST_CROSSINGS} times: draw it again (left out)"
# The sides of a circle stay within this of it, px.
_CIRCLE_ERROR = 0.05
# Limit for a mask that is drawn as pixels; a frame has the same limit.
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Outline:
    """One ring of a Labelme shape.

    Attributes:
        points: In pixels.
        hole: Whether it is cut out of the shape.
        part: Number of the part, for parts with holes of a drawn mask. It keeps an island in a hole separate.
    """

    points: Ring
    hole: bool = False
    part: int | None = None


_CORNERS: Final = ("rectangle", "rotation", "oriented_rectangle")
"""Types of shapes whose four points are the corners of a rectangle."""


def outlines(shape: LabelmeShape) -> tuple[Outline, ...]:
    """The rings of a shape.

    A rectangle gives its four corners, a circle as many sides as stay within 0.05 px of it, and a mask the edges of its
    pixels. A mask's first point is the corner of its top left pixel.

    Raises:
        ValueError: A mask's pixels cannot be read.
    """
    if shape.shape_type == "rectangle" and len(shape.points) == 2:
        (x0, y0), (x1, y1) = shape.points
        return (Outline(((x0, y0), (x1, y0), (x1, y1), (x0, y1))),)
    if shape.shape_type == "circle":
        (x, y), rim = shape.points
        return (Outline(_circle(x, y, math.dist((x, y), rim))),)
    if shape.shape_type == "mask":
        return _mask(shape)
    if shape.shape_type in _CORNERS and len(shape.points) == 4:
        return (Outline(_around(shape.points)),)
    return (Outline(shape.points),)


def _around(corners: Ring) -> Ring:
    """Four corners in their order around the shape: some programs write them row by row, which would cross."""
    if shapely.Polygon(corners).is_valid:
        return corners
    hull = shapely.MultiPoint(corners).convex_hull
    around = tuple((float(x), float(y)) for x, y in shapely.get_coordinates(hull)[:-1])
    return around if len(around) == len(corners) else corners


def ring_oddity(ring: Ring, *, height: int, width: int) -> tuple[str | None, bool]:
    """The oddity of a ring, and whether it can be used all the same.

    Args:
        ring: In pixels.
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        A short phrase or None, and False where the ring holds less than 1 px², lies outside the frame, or crosses
        itself so often that nobody can mean it.
    """
    crosses = False
    area = ring_area(ring)
    if not (polygon := shapely.Polygon(ring)).is_valid:
        if crosses_too_often(ring):
            return TANGLED, False
        # The shoelace formula gives a figure of eight no area.
        area = shapely.make_valid(polygon).area
        crosses = True
    if area < LEAST_AREA:
        return "an outline of less than 1 px² (left out)", False
    if lies_outside(ring, height=height, width=width):
        return "an outline outside the frame (left out)", False
    if crosses:
        return CROSSED, True
    xy = np.asarray(ring)
    low, high = xy.min(axis=0), xy.max(axis=0)
    if (low < 0).any() or high[0] > width or high[1] > height:
        return "an outline reaches past the frame (kept)", True
    return None, True


def _circle(x: float, y: float, radius: float) -> Ring:
    if radius <= _CIRCLE_ERROR:
        sides = 8
    else:
        sides = min(720, max(8, math.ceil(math.pi / math.acos(1 - _CIRCLE_ERROR / radius))))
    turns = [2 * math.pi * n / sides for n in range(sides)]
    return tuple((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns)


def _mask(shape: LabelmeShape) -> tuple[Outline, ...]:
    # Only rare files need rasterio, so it is loaded here.
    from ..geometry.trace import mask_to_shapes

    text = shape.extra.get("mask")
    if not isinstance(text, str):
        raise ValueError("a mask without pixels")
    try:
        # For a picture that would fill the memory, Pillow only warns.
        data = io.BytesIO(base64.b64decode(text, validate=True))
        with quietly(Image.DecompressionBombWarning), Image.open(data, formats=("PNG",)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise OSError("too large")
            pixels = np.asarray(image.convert("L")) > 0
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError("a mask whose pixels cannot be read") from error
    if not pixels.any():
        raise ValueError("a mask without pixels")
    (left, top), (right, bottom) = ([math.floor(value) for value in corner] for corner in shape.points)
    # Labelme's box holds its last pixel; others put its end behind it.
    if pixels.shape[0] - (bottom - top) not in (0, 1) or pixels.shape[1] - (right - left) not in (0, 1):
        raise ValueError("a mask whose pixels are not of the size of its box")
    return tuple(
        Outline(tuple((x + left, y + top) for x, y in part.points), part.hole, part.group)
        for part in mask_to_shapes(pixels, class_id=1)
    )
