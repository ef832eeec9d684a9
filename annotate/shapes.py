"""The values that pass between the packages: frames, shapes, annotations. No IO in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
"""`(x, y)` in pixels. The centre of `mask[row, column]` is `(column + 0.5, row + 0.5)`: the one pixel convention."""

Ring = tuple[Point, ...]
"""Three or more points; the last is joined to the first and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline of one class: a part of a structure, or a hole in it.

    Attributes:
        class_id: The class's id in the workspace, or the index in a mask; 1 or more.
        points: The outline in pixels.
        hole: Cut out of the shapes of its class and group, instead of painted.
        group: Joins the parts and holes of one structure; None for a structure of one part.

    Example:
        >>> dmr.Shape(class_id=1, points=((10, 10), (40, 10), (40, 30))).hole
        False
    """

    class_id: int
    points: Ring
    hole: bool = False
    group: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.class_id, int) or isinstance(self.class_id, bool):
            raise ValueError(f"class_id {self.class_id!r}: expected a whole number")
        if not isinstance(self.points, tuple):  # a list, or an array of points
            object.__setattr__(self, "points", tuple((float(x), float(y)) for x, y in self.points))
        if self.class_id < 1:
            raise ValueError(f"class_id {self.class_id}: ids begin at 1")
        if len(self.points) < 3:
            raise ValueError(f"{len(self.points)} points: an outline takes at least 3")
        if not all(map(math.isfinite, chain.from_iterable(self.points))):
            raise ValueError("an outline's points are finite numbers")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What somebody, or a model, drew on one frame.

    Attributes:
        height: Rows of the frame.
        width: Columns of the frame.
        shapes: In the order drawn.
        covered: Ids of the classes that are complete: a covered class that is not drawn is absent.

    Example:
        >>> nerve = dmr.Shape(1, ((10, 10), (40, 10), (40, 30)))
        >>> drawn = dmr.Annotation(height=100, width=200, shapes=(nerve,), covered=frozenset({1, 2}))
        >>> sorted(drawn.covered - {shape.class_id for shape in drawn.shapes})  # absent
        [2]
    """

    height: int
    width: int
    shapes: tuple[Shape, ...]
    covered: frozenset[int]

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"{self.height} x {self.width}: a frame has at least one pixel")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One grey ultrasound image, as read from a scan file.

    Attributes:
        pixels: `(height, width)` uint8.
        source_sha256: SHA-256 of the scan file, 64 hex digits.
        index: The frame's place in its file, from 0.
        spacing_mm: `(row, column)` millimetres per pixel, None where unknown.
        sector: Outline of the region that holds ultrasound, None where it was not found.
        notes: Oddities found while reading, a short phrase each.
        time_ms: Time from the clip's first frame, None for a still picture.

    Example:
        >>> frame = dmr.Frame(np.zeros((300, 400), np.uint8), source_sha256="0" * 64, spacing_mm=(0.1, 0.1))
        >>> frame.height, frame.width
        (300, 400)
    """

    pixels: NDArray[np.uint8]
    source_sha256: str
    index: int = 0
    spacing_mm: tuple[float, float] | None = None
    sector: Ring | None = None
    notes: tuple[str, ...] = ()
    time_ms: float | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels {self.pixels.dtype} {self.pixels.shape}: expected (height, width) uint8")
        if self.spacing_mm is not None and not all(0 < s < 100 for s in self.spacing_mm):
            raise ValueError(f"spacing {self.spacing_mm} mm: expected two numbers above 0")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


def lies_outside(ring: Ring, *, height: int, width: int) -> bool:
    """Whether nothing of a ring's bounding box lies in a frame of `height` rows and `width` columns."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return max(xs) <= 0 or max(ys) <= 0 or min(xs) >= width or min(ys) >= height


def ring_area(points: Sequence[Point]) -> float:
    """Area inside a ring by the shoelace formula, px²; 0 for a line."""
    xy = np.asarray(points, dtype=np.float64)
    x, y = xy[:, 0], xy[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def changed_classes(some: Iterable[Shape], others: Iterable[Shape]) -> frozenset[int]:
    """Ids of the classes whose outlines are not the same in both."""
    one, other = ({(shape.class_id, shape.points, shape.hole) for shape in shapes} for shapes in (some, others))
    return frozenset(class_id for class_id, _, _ in one ^ other)
