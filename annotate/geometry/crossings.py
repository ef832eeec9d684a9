"""How often an outline crosses itself: counted only as far as matters, so that no outline takes long."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ..shapes import Ring

MOST_CROSSINGS: Final = 200
"""Of an outline that can be used; a slip of the hand makes a few, and what repairs them takes their number squared."""

_MOST_MEETINGS: Final = 5000  # sides that meet without crossing: seams to holes are walked twice
_CHUNK: Final = 64  # sides looked at together
_MOST_PAIRS: Final = 2_000_000  # of sides whose boxes meet, looked at before it is called too many


def crosses_too_often(ring: Ring) -> bool:
    """Whether an outline crosses itself more than `MOST_CROSSINGS` times, or lies on itself in thousands of places.

    Args:
        ring: In pixels.
    """
    points = np.asarray(ring, np.float64)
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    if len(points) * (len(points) - 3) / 2 <= MOST_CROSSINGS:  # so few sides cannot cross more often
        return False
    ends = np.roll(points, -1, axis=0)
    sides = np.asarray(shapely.linestrings(np.stack([points, ends], axis=1)))
    tree = shapely.STRtree(sides)
    crossings = meetings = pairs = 0
    for start in range(0, len(sides), _CHUNK):
        first, second = tree.query(sides[start : start + _CHUNK])
        first = first + start
        apart = (second - first) % len(sides)
        later = (second > first) & (apart != 1) & (apart != len(sides) - 1)  # each pair once, without its neighbours
        first, second = first[later], second[later]
        pairs += len(first)
        crosses, meets = _met(points, ends, first, second)
        crossings += crosses
        meetings += meets
        if crossings > MOST_CROSSINGS or meetings > _MOST_MEETINGS or pairs > _MOST_PAIRS:
            return True
    return False


def crosses_itself(ring: Ring) -> bool:
    """Whether an outline crosses or touches itself, so that it is filled by a rule."""
    return not shapely.Polygon(ring).is_valid


def filled_area(ring: Ring) -> float:
    """The area that an outline encloses, in px², also where it crosses itself.

    The shoelace formula gives a figure of eight no area, because its two lobes cancel.
    """
    polygon = shapely.Polygon(ring)
    return float(polygon.area if polygon.is_valid else shapely.make_valid(polygon).area)


def _met(
    points: NDArray[np.float64], ends: NDArray[np.float64], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[int, int]:
    """How many of these pairs of sides, whose boxes meet, cross, and how many touch or lie on each other."""
    a, b, c, d = points[first], ends[first], points[second], ends[second]
    turns = np.stack([_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)])
    crosses = (turns[0] * turns[1] < 0) & (turns[2] * turns[3] < 0)
    meets = (turns[0] * turns[1] <= 0) & (turns[2] * turns[3] <= 0) & ~crosses
    return int(crosses.sum()), int(meets.sum())


def _turn(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sign of the turn from `a` over `b` to `c`."""
    ab, ac = b - a, c - a
    return np.sign(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
