"""Holes for polygons that have only one ring: a seam leads from the outline to each hole and back.

Pure. A ring with seams runs to a corner, over to the hole, once around it, and back the same way. The seam has no
width, so an even-odd or non-zero filling shows exactly the outline without its holes. The seam can be found again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from ..shapes import Point, Ring, Shape, ring_area
from .crossings import filled_area


def join_holes(outline: Ring, holes: Sequence[Ring]) -> Ring:
    """One ring that encloses the outline without its holes.

    Args:
        outline: The part's outer ring.
        holes: Rings inside it that do not cross it or each other.

    Returns:
        A ring through all points. For each hole, one point of the outline and one of the hole appear twice. If no seam
        fits inside, such as when a hole reaches past its outline, the nearest corners are joined.
    """
    joined = _turned(outline, clockwise=False)
    rest = [_turned(hole, clockwise=True) for hole in holes]  # in the opposite direction, for fillings that count turns
    whole = shapely.Polygon(outline, holes)
    shapely.prepare(whole)
    while rest:
        found = [_seam(joined, hole, whole) for hole in rest]
        place = min(range(len(rest)), key=lambda k: found[k][0])
        (_, _), i, j = found[place]
        hole = rest.pop(place)
        round_trip = (*hole[j:], *hole[:j], hole[j])
        joined = (*joined[: i + 1], *round_trip, joined[i], *joined[i + 1 :])
    return joined


def split_seam(ring: Ring) -> tuple[tuple[Ring, tuple[Ring, ...]], ...]:
    """The parts of a ring with seams, each an outline with its holes. A ring without seams is returned unchanged.

    A seam is a stretch that the ring passes in both directions. What it encloses is a hole where it lies in an outline,
    and a part of its own elsewhere: other programs join the parts of a structure so. Spikes without area go.
    """
    found = _loops(ring)
    loops = [loop for loop in found if ring_area(loop) > 0 or filled_area(loop) > 0] or found[:1] or [ring]
    if len(loops) == 1:
        return ((loops[0], ()),)
    order = sorted(range(len(loops)), key=lambda k: ring_area(loops[k]), reverse=True)
    around = dict(zip(order, _around([loops[k] for k in order]), strict=True))
    parts: dict[int, list[Ring]] = {k: [] for k in order if len(around[k]) % 2 == 0}
    for k, loop in enumerate(loops):
        if k not in parts:
            whole = next(order[j] for j in reversed(around[k]) if order[j] in parts)
            parts[whole].append(loop)
    return tuple((loops[k], tuple(holes)) for k, holes in parts.items())


def seam_to_shapes(ring: Ring, *, class_id: int, group: int) -> list[Shape]:
    """The shapes of a ring with seams; parts of one structure share a group.

    Args:
        ring: In pixels.
        class_id: The class of the shapes.
        group: The first group that is free; a ring of one part without holes takes none.
    """
    parts = split_seam(ring)
    has_holes = any(holes for _, holes in parts)
    shapes: list[Shape] = []
    for outline, holes in parts:
        own = group if len(parts) > 1 or holes else None
        shapes.append(Shape(class_id, outline, group=own))
        shapes += [Shape(class_id, hole, hole=True, group=own) for hole in holes]
        group += has_holes  # a hole must not be cut out of an island in it
    return shapes


def _loops(ring: Ring) -> list[Ring]:
    """The rings that are left when seams are cut."""
    loops: list[Ring] = []
    rest = [ring]
    while rest:
        one = rest.pop()
        seam = _walked_twice(one)
        if seam is None:
            loops.append(one)
            continue
        i, j = seam  # the step one[i] -> one[i + 1] is taken back as one[j] -> one[j + 1]
        within = one[i + 1 : j]
        around = (*one[: i + 1], *one[j + 2 :]) if j + 1 < len(one) else one[1 : i + 1]
        rest += [part for part in (within, around) if len(part) >= 3]
    return loops


def _around(loops: Sequence[Ring]) -> list[list[int]]:
    """For each of the loops, the largest first, the larger ones that hold most of its area, in order."""
    areas = np.array([shapely.make_valid(shapely.Polygon(loop)) for loop in loops])
    inner, outer = shapely.STRtree(areas).query(areas, predicate="intersects")
    inner, outer = inner[outer < inner], outer[outer < inner]
    most = shapely.area(shapely.intersection(areas[inner], areas[outer])) > shapely.area(areas[inner]) / 2
    return [sorted(outer[most & (inner == k)].tolist()) for k in range(len(loops))]


def _turned(ring: Ring, *, clockwise: bool) -> Ring:
    return ring if shapely.LinearRing(ring).is_ccw != clockwise else ring[::-1]


def _seam(joined: Ring, hole: Ring, whole: shapely.Polygon) -> tuple[tuple[bool, float], int, int]:
    """The shortest seam that stays inside: whether none does, its squared length, and its corner on each ring."""
    a, b = np.asarray(joined), np.asarray(hole)
    distance = ((a[:, None] - b[None]) ** 2).sum(2)
    for flat in np.argsort(distance, axis=None):
        i, j = (int(k) for k in np.unravel_index(flat, distance.shape))
        if whole.covers(shapely.LineString([joined[i], hole[j]])):
            return (False, float(distance[i, j])), i, j
    i, j = (int(k) for k in np.unravel_index(int(distance.argmin()), distance.shape))
    return (True, float(distance[i, j])), i, j


def _walked_twice(ring: Ring) -> tuple[int, int] | None:
    """Places `i < j` of the first step that is later taken back, or None."""
    steps: dict[tuple[Point, Point], int] = {}
    for j in range(len(ring)):
        start, end = ring[j], ring[(j + 1) % len(ring)]
        if (i := steps.get((end, start))) is not None:
            return i, j
        steps[(start, end)] = j
    return None
