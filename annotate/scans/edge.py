"""Fit the edge of an image: two sides, and a top and a bottom that are straight or arcs around where the sides meet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from ..shapes import Ring

LIT: Final = 12
"""Grey levels above the ground from which a pixel is lit: JPEG leaves less on most of it."""
_STEEPEST: Final = 60.0  # degrees between a side and the upright
_STEP: Final = 0.25  # degrees
_STRAIGHT: Final = 2.0  # degrees; sides that lean less are upright
_NEAR: Final = 1.5  # px; what is this near to a line or an arc lies on it
_SIDE: Final = 0.25  # share of the rows that a side needs
_ALONE: Final = 0.4  # share that a side needs if the other one is hidden
_CURVE: Final = 0.25  # share of the directions that a top or a bottom needs
_CLEARER: Final = 0.6  # share of a line's directions that is enough for an arc
_WIDE: Final = 0.25  # share of the directions over which those must be spread
_MARGIN: Final = 2.0  # px that are kept beyond the edge
_FAINT: Final = 2  # grey levels above the ground
_BELOW: Final = (9, 40)  # px below a bottom; where something faint goes on in
_FADES: Final = 0.5  # of the directions, the image fades, and this is no bottom
_SKIN: Final = 7  # px below the top; of these
_SOLID: Final = 0.7  # are lit at least
_ARC_POINTS: Final = 9


@dataclass(frozen=True, slots=True)
class _Sides:
    """A left and a right side that lean alike: `x = left - slope * y` and `x = right + slope * y`."""

    left: float
    right: float
    slope: float

    @property
    def meet(self) -> tuple[float, float]:
        """The column and the row where they meet."""
        return (self.left + self.right) / 2, (self.left - self.right) / (2 * self.slope)


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of an image.

    Attributes:
        outline: The region that it encloses, with a margin of 2 px; without a clear bottom it ends with the frame.
        whole: Whether its bottom is clear.
    """

    outline: Polygon
    whole: bool

    def ring(self, *, lowest: float) -> Ring:
        """Its outline, in the pixels of the frame.

        Args:
            lowest: The row where it ends if its bottom is not clear.
        """
        x0, y0, x1, y1 = self.outline.bounds
        whole = self.outline & shapely.box(x0, y0, x1, y1 if self.whole else min(y1, lowest))
        points = np.round(shapely.get_coordinates(_largest(whole).exterior)[:-1], 1)
        return tuple((float(x), float(y)) for x, y in points)


def fit_edge(pixels: NDArray[np.uint8], *, region: NDArray[np.bool_], ground: int) -> Edge | None:
    """Fit sides, top and bottom to a region that was found, so that words which touch it do not count.

    Each is where most of the outermost lit pixels lie; words move the others only.

    Args:
        pixels: `(height, width)` uint8.
        region: `(height, width)` bool, the region that was found, perhaps with words.
        ground: Grey level around the image.

    Returns:
        The edge; None if sides or top are not clear.
    """
    lit = (pixels > min(250, ground + LIT)) & region
    sides = _sides(lit)
    if sides is None:
        return None
    height, width = pixels.shape
    upright = sides.slope < math.tan(math.radians(_STRAIGHT))
    x, y = (0.0, 0.0) if upright else sides.meet
    n = max(8, int(np.count_nonzero(lit.any(axis=0))) // 2)
    first, last = _profiles(_directions(lit, sides, upright=upright, n=n))
    top, (above, share) = _chosen(first, upright=upright)
    end, (below, least) = _chosen(last, upright=upright)
    if share < _CURVE or _hollow(lit, sides, top, above, upright=upright):
        return None
    outline: BaseGeometry = _between(sides, height)
    frame = shapely.box(0, 0, width, height)
    if top == 0:
        outline = outline - _disc(x, y, above - _MARGIN, sides)
    else:
        outline &= shapely.box(0, above - _MARGIN, width, height)
    faint = _directions(pixels > ground + _FAINT, sides, upright=upright, n=n)
    after = (faint.reach[end] > below + _BELOW[0]) & (faint.reach[end] < below + _BELOW[1])
    fades = len(np.unique(faint.place[after])) > _FADES * n
    whole = least >= _CURVE and not fades
    if whole and end == 0:
        outline &= _disc(x, y, below + 0.5 + _MARGIN, sides)
    elif whole:
        outline &= shapely.box(0, 0, width, below + 0.5 + _MARGIN)
    return Edge(_largest(outline & frame), whole)


def _sides(lit: NDArray[np.bool_]) -> _Sides | None:
    """The two sides, by a vote of the first and the last lit pixel of each row for slope and place.

    A shadow may hide one side. Then the other side and the curve of the top tell.
    """
    rows = np.flatnonzero(lit.any(axis=1))[::2]
    if len(rows) < 2:
        return None
    first = lit[rows].argmax(axis=1).astype(np.float64)
    last = lit.shape[1] - lit[rows, ::-1].argmax(axis=1).astype(np.float64)
    slopes = np.tan(np.radians(np.arange(0, _STEEPEST, _STEP)))
    lean = slopes[:, None] * rows[None, :]
    votes = np.stack([_votes(first + lean), _votes(last - lean)])  # (2, slopes, [votes, place])
    best = int(votes[:, :, 0].sum(axis=0).argmax())
    if votes[:, best, 0].min() >= _SIDE * len(rows):
        return _refined(
            _Sides(float(votes[0, best, 1]), float(votes[1, best, 1]), float(slopes[best])), rows, first, last
        )
    side = int(votes[:, :, 0].max(axis=1).argmax())
    best = int(votes[side, :, 0].argmax())
    if votes[side, best, 0] < _ALONE * len(rows):
        return None
    place, slope = float(votes[side, best, 1]), float(slopes[best])
    alone = _Sides(place, place, slope)
    one = _refined(alone, rows, *((first, None) if side == 0 else (None, last)))
    return _mirrored(one, lit, right=side == 1)


def _refined(
    sides: _Sides,
    rows: NDArray[np.intp],
    first: NDArray[np.float64] | None,
    last: NDArray[np.float64] | None,
) -> _Sides:
    """The lines through the mean of all that lies on them: the vote's bins are coarse."""
    left, right, slope = sides.left, sides.right, sides.slope
    for _ in range(3):
        parts, targets = [], []
        for k, (places, place, sign) in enumerate(((first, left, -1), (last, right, 1))):
            if places is None:
                continue
            near = np.abs(places - sign * slope * rows - place) <= _NEAR
            part = np.zeros((np.count_nonzero(near), 3))
            part[:, k], part[:, 2] = 1, sign * rows[near]
            parts.append(part)
            targets.append(places[near])
        left, right, slope = map(float, np.linalg.lstsq(np.concatenate(parts), np.concatenate(targets))[0])
    return _Sides(left, right, max(0.0, slope))


def _mirrored(one: _Sides, lit: NDArray[np.bool_], *, right: bool) -> _Sides | None:
    """Both sides from one, by the place on it around which top and bottom are arcs.

    Args:
        one: The side that was found; the other one is not set.
        lit: Lit pixels.
        right: Whether it is the right one.
    """
    if one.slope < math.tan(math.radians(_STRAIGHT)):
        return None
    columns = np.flatnonzero(lit.any(axis=0))
    tops = lit[:, columns].argmax(axis=0).astype(np.float64)
    ends = len(lit) - 1 - lit[::-1, columns].argmax(axis=0).astype(np.float64)
    points = [np.stack([columns, rows.astype(np.float64)]) for rows in (tops, ends)]

    def around(meets: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        axes = one.right + one.slope * meets if right else one.left - one.slope * meets
        return [np.hypot(x - axes[:, None], y - meets[:, None]) for x, y in points]

    meets = np.arange(-2.0 * len(lit), float(np.flatnonzero(lit.any(axis=1))[0]), 3.0, dtype=np.float64)
    top, end = (_votes(radii)[:, 0] for radii in around(meets))
    best = int((top / top.max() + end / end.max()).argmax())
    meets = meets[best] + np.arange(-6, 6, 0.25, dtype=np.float64)
    costs = [np.mean([_strayed(r) for r in radii]) for radii in zip(*around(meets), strict=True)]
    row = float(meets[int(np.argmin(costs))])
    axis = one.right + one.slope * row if right else one.left - one.slope * row
    return _Sides(axis + one.slope * row, axis - one.slope * row, one.slope)


def _strayed(radii: NDArray[np.float64]) -> float:
    """How far they stray from the most frequent radius, on average; far ones count like near ones."""
    middle, _ = _mode(radii)
    return float(np.minimum(np.abs(radii - middle), _NEAR).mean())


def _votes(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each slope the votes of the best place, and the place: `(slopes, 2)`."""
    low = places.min()
    bins = np.round(places - low).astype(np.intp)
    many = int(bins.max()) + 3
    counts = np.bincount((bins + 1 + many * np.arange(len(places))[:, None]).ravel(), minlength=many * len(places))
    counts = counts.reshape(len(places), many)
    three = counts[:, :-2] + counts[:, 1:-1] + counts[:, 2:]
    best = three.argmax(axis=1)
    return np.column_stack([three[np.arange(len(places)), best], best + low])


@dataclass(frozen=True, slots=True)
class _Seen:
    """Pixels between the sides: the number of their direction, of `n`, and their distances.

    Attributes:
        place: Numbers of the directions.
        reach: Distance from where the sides meet, and from the frame's upper edge: `(2, pixels)`.
        n: Number of directions.
    """

    place: NDArray[np.intp]
    reach: NDArray[np.float64]
    n: int


def _directions(lit: NDArray[np.bool_], sides: _Sides, *, upright: bool, n: int) -> _Seen:
    rows, columns = np.nonzero(lit[:, ::2])  # every second column is enough
    x, y = 2 * columns + 0.5, rows + 0.5
    if upright:
        turn, far = (x - sides.left) / (sides.right - sides.left), y
    else:
        ax, ay = sides.meet
        turn, far = ((x - ax) / (y - ay) / sides.slope + 1) / 2, np.hypot(x - ax, y - ay)
    place = np.floor(turn * n).astype(np.intp)
    inside = (place >= 0) & (place < n)
    return _Seen(place[inside], np.stack([far[inside], y[inside]]), n)


def _profiles(seen: _Seen) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each direction between the sides the distances of its first and its last pixel: `(2, n)` each."""
    first, last = np.full((2, seen.n), np.inf), np.full((2, seen.n), -np.inf)
    for k in range(2):
        np.minimum.at(first[k], seen.place, seen.reach[k])
        np.maximum.at(last[k], seen.place, seen.reach[k])
    some = np.isfinite(first[0])
    return first[:, some], last[:, some]


def _hollow(lit: NDArray[np.bool_], sides: _Sides, top: int, above: float, *, upright: bool) -> bool:
    """Whether there are gaps below the top, as between letters: the skin has none."""
    ax, ay = (0.0, 0.0) if upright else sides.meet
    highest = ay + above / math.hypot(1, sides.slope) if top == 0 else above
    low, high = max(0, int(highest)), max(0, math.ceil(ay * (top == 0) + above + _SKIN))
    rows, columns = (grid + 0.5 for grid in np.indices(lit[low:high].shape, dtype=np.float64))
    rows += low
    far = np.hypot(columns - ax, rows - ay) if top == 0 else rows
    inside = (columns > sides.left - sides.slope * rows) & (columns < sides.right + sides.slope * rows)
    band = inside & (far > above + 1) & (far < above + _SKIN)
    return float(np.mean(lit[low:high][band])) < _SOLID if band.any() else True


def _chosen(distances: NDArray[np.float64], *, upright: bool) -> tuple[int, tuple[float, float]]:
    """An arc (0) or a straight line (1), its distance and its share. Words stand on a line, so an arc is preferred."""
    modes = [(0.0, 0.0) if upright else _mode(distances[0]), _mode(distances[1])]
    best = 0 if modes[0][1] >= max(_CURVE, _CLEARER * modes[1][1]) else 1
    return best, modes[best]


def _mode(values: NDArray[np.float64]) -> tuple[float, float]:
    """The value near which most lie, and their share; 0 if they do not lie on all sides.

    Args:
        values: One for each direction, in order.
    """
    order = np.argsort(values)
    ordered = values[order]
    reach = np.searchsorted(ordered, ordered + 2 * _NEAR, side="right") - np.arange(len(ordered))
    best = int(reach.argmax())
    chosen = order[best : best + reach[best]]
    wide = np.ptp(np.percentile(chosen, (5, 95))) >= _WIDE * len(values)
    return float(np.mean(values[chosen])), float(wide and len(chosen) / len(values))


def _between(sides: _Sides, height: int) -> Polygon:
    margin = _MARGIN * math.hypot(1, sides.slope)
    low, high = 0.0, float(height)
    if sides.slope > 0:
        low = max(low, sides.meet[1])
    return Polygon(
        [
            (sides.left - sides.slope * low - margin, low),
            (sides.right + sides.slope * low + margin, low),
            (sides.right + sides.slope * high + margin, high),
            (sides.left - sides.slope * high - margin, high),
        ]
    )


def _disc(x: float, y: float, radius: float, sides: _Sides) -> Polygon:
    """A piece of a disc around where the sides meet, a little wider than they are."""
    half = math.atan(sides.slope) + 0.15
    turns = np.linspace(-half, half, _ARC_POINTS)
    arc = [(x + radius * math.sin(t), y + radius * math.cos(t)) for t in turns]
    return Polygon([(x, y - 9), *arc])


def _largest(shape: BaseGeometry) -> Polygon:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area, default=Polygon())
