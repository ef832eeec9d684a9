"""A line of pixels' edges as few straight pieces. Pure.

Of all ways to break it into k pieces the one of least squared distance is found by dynamic programming (Bellman 1961),
a line through each piece by total least squares, and the points are where lines meet. So points lie off the pixels'
edges as a hand sets them, and what is cut off on one side is added on the other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""`(n, 2)` x and y in pixels."""

_BREAKS: Final = 96  # places at which an arc may be broken, at most;
_EVEN: Final = 32  # as many of them evenly, where there are more points,
_BEND: Final = 0.75  # and the others where it bends away from a straight line by this or more, px
_NUMBER: Final = np.array([1.0, 1j])  # a point as one number
_PARALLEL: Final = 0.08  # sine of the angle below which two lines do not meet anywhere useful


def polyline(points: Points) -> shapely.LineString:
    """Points as a line, many times faster than shapely's class makes one."""
    made = shapely.linestrings(points)
    assert isinstance(made, shapely.LineString)
    return made


def fitted(points: Points, rms: float, reach: float, *, closed: bool, least: int, most: int) -> Points:
    """Where the fewest lines meet that keep within a root mean square distance of points.

    Args:
        points: Evenly along a border.
        rms: Px.
        reach: Px; how far from its break a meeting point may lie.
        closed: Whether the last point is followed by the first.
        least: Lines at least.
        most: Lines at most; `rms` then gives way.

    Returns:
        A closed border's points; of an open one those between its ends, which are not moved.
    """
    breaks = _breaks(points, rms, least=least, most=most)
    if not closed:
        return _meetings(points, np.array(breaks), reach)[1:]
    # Once more from a break that was found, and not from wherever the border begins.
    points = np.roll(points, -breaks[len(breaks) // 2], axis=0)
    return _meetings(points, np.array(_breaks(points, rms, least=least, most=most)), reach)


def _breaks(points: Points, rms: float, *, least: int, most: int) -> list[int]:
    """Where to break points into the fewest pieces whose lines keep within a root mean square distance.

    Returns:
        Indices from 0 to `len(points)`.
    """
    count = len(points)
    places = _places(points)
    costs = _line_costs(points, places)
    allowed = rms**2 * count
    total = costs[0].copy()  # of the best way to each place in the pieces so far
    came: list[NDArray[np.intp]] = []
    pieces = 1
    while pieces < min(max(most, least), len(places) - 1) and (pieces < least or total[-1] > allowed):
        ways = total[:, None] + costs
        best = ways.argmin(axis=0)
        total = ways[best, np.arange(len(places))]
        came.append(best)
        pieces += 1
    place = len(places) - 1
    found = [place]
    for best in reversed(came):
        place = int(best[place])
        found.append(place)
    return [int(places[k]) for k in (0, *found[::-1])]


def _places(points: Points) -> NDArray[np.intp]:
    """Where points may be broken: at bends, and here and there between; indices from 0 to `len(points)`."""
    count = len(points)
    if count <= _BREAKS:
        return np.arange(count + 1)
    even = np.linspace(0, count, _EVEN + 1).round().astype(np.intp)
    line, bend = polyline(points), _BEND
    while True:
        kept = shapely.get_coordinates(line.simplify(bend, preserve_topology=False)) @ _NUMBER
        if len(kept) + _EVEN <= _BREAKS or bend > count:
            break
        bend *= 1.5
    bends = np.flatnonzero(np.isin(points @ _NUMBER, kept))
    return np.asarray(np.unique(np.concatenate([even, bends])), np.intp)


def _line_costs(points: Points, places: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum of squared distances to the best line, of the points between any two places: `(i, j)`, inf for j <= i."""
    x, y = (points - points.mean(axis=0)).T
    moments = np.zeros((5, len(x) + 1))
    np.cumsum([x, y, x * x, x * y, y * y], axis=1, out=moments[:, 1:])
    at = moments[:, places]
    sx, sy, sxx, sxy, syy = at[:, None, :] - at[:, :, None]
    n = (places[None, :] - places[:, None]).astype(np.float64)
    none = n < 1
    n[none] = 1
    xx, xy, yy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
    costs = np.maximum((xx + yy - np.sqrt((xx - yy) ** 2 + 4 * xy * xy)) / 2, 0)
    costs[none] = np.inf
    return np.asarray(costs)


def _meetings(points: Points, breaks: NDArray[np.intp], reach: float) -> Points:
    """Where the lines of least squared distance through neighbouring pieces meet: `(pieces, 2)`.

    The first is where the last piece's line meets the first's. Where lines meet beyond reach of their break, the point
    is the middle between those of either line that are nearest to it; beside a piece of one point it is the break.
    """
    starts, n = breaks[:-1], np.diff(breaks)
    middle = np.add.reduceat(points, starts) / n[:, None]
    x, y = (points - np.repeat(middle, n, axis=0)).T
    xx, xy, yy = np.add.reduceat([x * x, x * y, y * y], starts, axis=1)
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    along = np.column_stack([np.cos(turn), np.sin(turn)])
    before, along_before, n_before = (np.roll(a, 1, axis=0) for a in (middle, along, n))
    at = (points[starts] + points[starts - 1]) / 2
    sine = _cross(along_before, along)
    crosses = np.abs(sine) > _PARALLEL
    found = before + along_before * (_cross(middle - before, along) / np.where(crosses, sine, 1))[:, None]
    far = ~(crosses & (np.hypot(*(found - at).T) <= reach))
    nearest = [m + d * ((at - m) * d).sum(1, keepdims=True) for m, d in ((before, along_before), (middle, along))]
    found[far] = ((nearest[0] + nearest[1]) / 2)[far]
    single = np.minimum(n, n_before) < 2
    found[single] = at[single]
    return np.asarray(found)


def _cross(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
