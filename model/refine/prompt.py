"""What a physician gives to get an outline: a box around the structure, and clicks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ...annotate.shapes import Point, Ring

ELLIPSE_POINTS: Final = 32  # corners of an ellipse that is given out as an outline; its area is 0.6 % too small


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle around a structure, in pixels; it may reach past the frame.

    Example:
        >>> box = dmr.Box(left=100, top=100, right=180, bottom=150)
        >>> box.width, box.height
        (80, 50)
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.left, self.top, self.right, self.bottom))):
            raise ValueError("a box's sides are finite numbers")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a box of {self.width:g} x {self.height:g}: expected at least one pixel each way")

    @property
    def width(self) -> float:
        """From left to right, px."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom, px."""
        return self.bottom - self.top

    @classmethod
    def around(cls, points: Iterable[Point]) -> Box:
        """The smallest box around points; at least one pixel wide and high."""
        xs, ys = zip(*points, strict=True)
        left, top = min(xs), min(ys)
        return cls(left, top, max(*xs, left + 1), max(*ys, top + 1))

    def moved(self, by: Sequence[float]) -> Box:
        """The box with its sides moved.

        Args:
            by: How far left, top, right and bottom go, as shares of the box's width or height.
        """
        left, top, right, bottom = by
        return Box(
            self.left + left * self.width,
            self.top + top * self.height,
            self.right + right * self.width,
            self.bottom + bottom * self.height,
        )

    def ellipse(self) -> Ring:
        """The outline of the ellipse that fills the box."""
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        turns = [2 * math.pi * k / ELLIPSE_POINTS for k in range(ELLIPSE_POINTS)]
        return tuple((x + self.width / 2 * math.cos(t), y + self.height / 2 * math.sin(t)) for t in turns)


@dataclass(frozen=True, slots=True)
class Click:
    """A point that lies inside the structure, or outside of it, in pixels.

    Example:
        >>> dmr.Click(120, 110).inside
        True
    """

    x: float
    y: float
    inside: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise ValueError("a click's place is two finite numbers")
