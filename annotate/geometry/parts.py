"""Shapes in the groups that other formats know: an outline with its holes, or a whole instance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ..shapes import Ring, Shape

if TYPE_CHECKING:
    import shapely

_LEAST_AREA = 1e-6  # px²; what is smaller is a rounding error between two edges
_Key = tuple[int, int | None]


def outlines_with_holes(shapes: Sequence[Shape]) -> list[list[Shape]]:
    """Each outline with its holes: those of its class and group that share an area with it.

    A hole that reaches past its outline, or over another hole, cannot stay a ring in a ring. It is cut out, and what is
    left of the outline has new rings.
    """
    holes = _holes(shapes)
    found = []
    for shape in (s for s in shapes if not s.hole):
        own = _touching(shape, holes.get((shape.class_id, shape.group), ()))
        found += [[shape, *own]] if _are_rings_in(shape, own) else _cut_out(shape, own)
    return found


def instances(shapes: Sequence[Shape]) -> list[tuple[int, list[Shape]]]:
    """The instances of each class, with its id: the shapes of one class and group, or an outline without a group.

    A hole without a group belongs to each outline of its class without a group that it shares an area with.
    """
    holes = _holes(shapes)
    found: dict[tuple[int, int | None, int], list[Shape]] = {}
    for k, shape in enumerate(shapes):
        if shape.group is not None:
            found.setdefault((shape.class_id, shape.group, -1), []).append(shape)
        elif not shape.hole:
            found[shape.class_id, None, k] = [shape, *_touching(shape, holes.get((shape.class_id, None), ()))]
    return [(class_id, parts) for (class_id, _, _), parts in found.items() if not all(s.hole for s in parts)]


def share_area(one: Ring, other: Ring) -> bool:
    """Whether two rings share an area, and not an edge alone."""
    return bool(_area(one).intersection(_area(other)).area > 0)


def corners(ring: shapely.LinearRing) -> Ring:
    """The points of a closed ring, the first not repeated."""
    return tuple((float(x), float(y)) for x, y in ring.coords[:-1])


def _holes(shapes: Iterable[Shape]) -> dict[_Key, list[Shape]]:
    """The holes of each class and group."""
    holes: dict[_Key, list[Shape]] = {}
    for shape in shapes:
        if shape.hole:
            holes.setdefault((shape.class_id, shape.group), []).append(shape)
    return holes


def _touching(shape: Shape, holes: Sequence[Shape]) -> list[Shape]:
    """The holes that share an area with an outline."""
    if not holes:
        return []
    whole = _area(shape.points)
    return [hole for hole in holes if whole.intersection(_area(hole.points)).area > 0]


def _are_rings_in(shape: Shape, holes: Sequence[Shape]) -> bool:
    """Whether holes lie wholly in an outline and share no area with each other."""
    if not holes:
        return True
    whole, areas = _area(shape.points), [_area(hole.points) for hole in holes]
    return all(map(whole.covers, areas)) and all(a.intersection(b).area == 0 for a, b in combinations(areas, 2))


def _cut_out(shape: Shape, holes: Sequence[Shape]) -> list[list[Shape]]:
    """What holes leave of an outline, each part with the holes in it."""
    import shapely

    rest = _area(shape.points).difference(shapely.union_all([_area(hole.points) for hole in holes]))
    parts = [p for p in shapely.get_parts(rest) if isinstance(p, shapely.Polygon) and p.area > _LEAST_AREA]
    return [
        [
            Shape(shape.class_id, corners(part.exterior), group=shape.group),
            *(Shape(shape.class_id, corners(ring), hole=True, group=shape.group) for ring in part.interiors),
        ]
        for part in parts
    ]


def _area(ring: Ring) -> Any:
    import shapely

    return shapely.make_valid(shapely.Polygon(ring))
