"""Fit a border along pixels' edges by few straight pieces. Pure.

Dynamic programming (Bellman 1961) finds the way to break the border into k pieces with the least squared distance. A
line is put through each piece by total least squares, and the points are where neighbouring lines meet. So points may
lie off the pixels' edges, as a hand would set them, and what is cut off on one side is added on the other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""`(n, 2)` x and y in pixels."""

_BREAKS: Final = 96  # most places at which an arc may be broken;
_EVEN: Final = 32  # if there are more points, this many places are spaced evenly,
_BEND: Final = 0.75  # and the others are where the arc bends off a straight line by this or more, px
_NUMBER: Final = np.array([1.0, 1j])  # a point as one number
_PARALLEL: Final = 0.08  # sine of an angle; below it, two lines do not meet anywhere useful


def polyline(points: Points) -> shapely.LineString:
    """Points as a shapely line, made many times faster than by shapely's class."""
    made = shapely.linestrings(points)
    assert isinstance(made, shapely.LineString)
    return made


def fitted(points: Points, rms: float, reach: float, *, closed: bool, least: int, most: int) -> Points:
    """The meeting points of the fewest lines that stay within a root mean square distance of points.

    Args:
        points: Points, evenly spaced along a border.
        rms: Root mean square distance allowed, px.
        reach: How far from its break a meeting point may lie, px.
        closed: Whether the last point is followed by the first.
        least: Least number of lines.
        most: Greatest number of lines; for it, `rms` may be exceeded.

    Returns:
        All points of a closed border, or the points between the ends of an open one. The ends are not moved.
    """
    breaks = _breaks(points, rms, least=least, most=most)
    if not closed:
        return _meetings(points, np.array(breaks), reach)[1:]
    # Once more, beginning at a found break instead of the border's first point.
    points = np.roll(points, -breaks[len(breaks) // 2], axis=0)
    return _meetings(points, np.array(_breaks(points, rms, least=least, most=most)), reach)


def _breaks(points: Points, rms: float, *, least: int, most: int) -> list[int]:
    """The breaks of points into the fewest pieces whose lines stay within a root mean square distance.

    Returns:
        Indices from 0 to `len(points)`.
    """
    count = len(points)
    places = _places(points)
    costs = _line_costs(points, places)
    allowed = rms**2 * count
    total = costs[0].copy()  # cost of the best way to each place with the pieces so far
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
    """Indices at which points may be broken, from 0 to `len(points)`: at bends, and evenly in between."""
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
    """Sums of squared distances to the best line, for the points between two places: `(i, j)`, inf for j <= i."""
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
    """The points where the best lines of neighbouring pieces meet: `(pieces, 2)`.

    The first is where the line of the last piece meets that of the first. If lines meet too far from their break, the
    point is midway between the nearest points of both lines. Beside a piece of one point, it is the break.
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
