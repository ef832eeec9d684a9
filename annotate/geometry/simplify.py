"""Simplify outlines of pixels to few points, as a hand would set, and keep shared borders shared. Pure.

Borders are cut into arcs where three regions meet. Each arc is drawn once for both of its sides, and fitted by straight
lines. An arc gets as many points as the smaller structure beside it needs to keep its shape. If an arc then strays too
far, crosses another or loses its shape, it is drawn finer, and in the end exactly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ..shapes import Ring, ring_area
from .contours import Part
from .fitting import Points, fitted, polyline
from .scanline import ring_runs

LOSS: Final = 0.018  # share of a structure's area that its outline may be off in all; about 1 - IoU
_WORST: Final = 0.04  # an outline is not drawn finer up to this 1 - IoU,
_UNSEEN: Final = 0.1  # px; or if it is off by less than this everywhere
_SHORT: Final = 8  # px; shorter rings are kept as they are
_FINEST: Final = 0.25  # px; how far a line is off its own pixels
_REACH: Final = 0.7  # share of the tolerance that a point may lie from its break
_SHARE: Final = 0.4  # share of the tolerance that the root mean square may be
_MEAN_OF_RMS: Final = 0.87  # ratio of the mean to the root mean square distance between an arc and a line
_LEVELS: Final = 3  # levels of finer drawing before the exact outline

_Key = tuple[bytes, bool]


@dataclass(slots=True)
class _Arc:
    """A border between two regions.

    Attributes:
        corners: Its corners along the pixels' edges.
        closed: Whether the last corner is followed by the first.
        rms: Root mean square distance allowed, px.
        most: Greatest number of points.
        level: How often it was drawn finer.
        drawn: The simplified points.
    """

    corners: Points
    closed: bool
    rms: float = np.inf
    most: int = 10**6
    level: int = 0
    drawn: Points | None = None


@dataclass(slots=True)
class _Face:
    """A part of the mask.

    Attributes:
        area: Area, px².
        length: Length of its rings, px.
        edges: Places where its pixels begin and end along rows; see `_edges`.
        rings: The arcs of each ring, and whether each runs backwards.
    """

    area: float
    length: float
    edges: NDArray[np.intp]
    rings: list[list[tuple[_Key, bool]]] = field(default_factory=list)


def simplify_parts(
    parts: Sequence[Part], nodes: NDArray[np.bool_], *, tolerance: float, most_points: int | None = None
) -> list[shapely.Polygon]:
    """Simplify all parts of a mask together. The parts share no pixel.

    Args:
        parts: Exact outlines along the pixels' edges.
        nodes: The corners at which borders end, `(height + 1, width + 1)` bool; see `border_nodes`.
        tolerance: Px, above 0. No outline is further from the exact one.
        most_points: Most points of each ring, if shapes allow it; then the tolerance may be exceeded. None: no limit.

    Returns:
        A valid polygon for each part, with as many holes; no two of them overlap.
    """
    budget = most_points is not None
    arcs: dict[_Key, _Arc] = {}
    faces = [_face(part, nodes, arcs, tolerance, most_points) for part in parts]
    while True:
        for arc in arcs.values():
            if arc.drawn is None:
                arc.drawn = _draw(arc, tolerance, budget=budget)
        collapsed = [ring for face in faces for ring in face.rings if len(_ring(ring, arcs)) < 3]
        polygons = [] if collapsed else [_assemble(face, arcs) for face in faces]
        poor = collapsed or [
            ring for k in _poor(faces, polygons, nodes.shape, budget=budget) for ring in faces[k].rings
        ]
        finer = [arcs[key] for key in {key for ring in poor for key, _ in ring} if arcs[key].level <= _LEVELS]
        if not finer:
            return polygons
        for arc in finer:
            arc.level += 1
            arc.drawn = None


def border_nodes(index: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The corners at which three or more borders of a class-index mask meet: `(height + 1, width + 1)` bool."""
    framed = np.pad(index, 1)
    nw, ne, sw, se = framed[:-1, :-1], framed[:-1, 1:], framed[1:, :-1], framed[1:, 1:]
    borders = (nw != ne).view(np.uint8) + (sw != se).view(np.uint8)
    borders += (nw != sw).view(np.uint8) + (ne != se).view(np.uint8)
    return np.asarray(borders > 2)


def _face(
    part: Part, nodes: NDArray[np.bool_], arcs: dict[_Key, _Arc], tolerance: float, most_points: int | None
) -> _Face:
    """Cut a part's rings into arcs, and give each arc the part's limits."""
    rings = (part.outer, *part.holes)
    along = sum(float(np.abs(np.diff(np.array([*ring, ring[0]]), axis=0)).sum()) for ring in rings)
    area = ring_area(part.outer) - sum(ring_area(hole) for hole in part.holes)
    face = _Face(area, along, _edges(rings, nodes.shape))
    for ring in rings:
        pieces = []
        for corners, closed in _pieces(ring, nodes):
            key, backwards = _key(corners, closed)
            if key not in arcs:
                shape = (-1, 2)
                arcs[key] = _Arc(np.frombuffer(key[0], np.float64).reshape(shape), closed)
            pieces.append((key, backwards))
        face.rings.append(pieces)
    # Along pixels' edges, a smooth border is 4 / pi times as long.
    rms = LOSS * area / (_MEAN_OF_RMS * along * np.pi / 4)
    for pieces in face.rings:
        total = sum(len(arcs[key].corners) for key, _ in pieces)
        for key, _ in pieces:
            arc = arcs[key]
            arc.rms = min(arc.rms, max(_FINEST, min(rms, _SHARE * tolerance)))
            if most_points is not None:
                arc.most = min(arc.most, max(1, int(most_points * len(arc.corners) / total)))
    return face


def _pieces(ring: Ring, nodes: NDArray[np.bool_]) -> list[tuple[Points, bool]]:
    """A ring's arcs, from node to node; without nodes, one closed arc."""
    xy = np.array(ring)
    # A node may lie within a straight edge of this ring, if another border ends there.
    step = np.roll(xy, -1, axis=0) - xy
    long = np.abs(step).sum(axis=1).astype(np.intp)
    edge = np.repeat(np.arange(len(xy)), long)
    along = np.arange(len(edge)) - np.repeat(np.cumsum(long) - long, long)
    every = xy[edge] + np.sign(step)[edge] * along[:, None]
    places = every.astype(np.intp)
    is_node = nodes[places[:, 1], places[:, 0]]
    if not is_node.any():
        return [(xy, True)]
    points = every[is_node | (along == 0)]
    ends = np.flatnonzero(is_node[is_node | (along == 0)])
    points = np.roll(points, -ends[0], axis=0)
    ends = np.append(ends - ends[0], len(points))
    points = np.vstack([points, points[:1]])
    return [(points[a : b + 1], False) for a, b in itertools.pairwise(ends)]


def _key(corners: Points, closed: bool) -> tuple[_Key, bool]:
    """One name for an arc seen from both sides, and whether this side runs it backwards."""
    if closed:
        corners = np.roll(corners, -int(np.lexsort(corners.T[::-1])[0]), axis=0)
        other = np.roll(corners[::-1], 1, axis=0)
    else:
        other = corners[::-1]
    mine, theirs = np.ascontiguousarray(corners).tobytes(), np.ascontiguousarray(other).tobytes()
    return ((mine, closed), False) if mine <= theirs else ((theirs, closed), True)


def _ring(pieces: list[tuple[_Key, bool]], arcs: dict[_Key, _Arc]) -> Points:
    """The points of a ring as its arcs are drawn."""
    points = []
    for key, backwards in pieces:
        drawn = arcs[key].drawn
        assert drawn is not None
        run = drawn[::-1] if backwards else drawn
        points.append(run if arcs[key].closed else run[:-1])
    return np.vstack(points)


def _assemble(face: _Face, arcs: dict[_Key, _Arc]) -> shapely.Polygon:
    outer, *holes = (_ring(ring, arcs) for ring in face.rings)
    return shapely.Polygon(outer, holes)


def _edges(rings: Sequence[Ring], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The places where a part's pixels begin and end along the rows of a grid of this shape, in any order."""
    runs = ring_runs(rings, height=shape[0], width=shape[1])
    return np.concatenate([runs.starts, runs.ends])


def _poor(faces: list[_Face], polygons: list[shapely.Polygon], shape: tuple[int, ...], *, budget: bool) -> set[int]:
    """The polygons that are invalid, overlap another, or (without a limit on points) have lost their shape."""
    drawn = np.array(polygons, dtype=object)
    poor = ~shapely.is_valid(drawn)
    for k in np.flatnonzero(~poor) if not budget else ():
        outer, holes = polygon_rings(polygons[k])
        # If the edges of both parts are sorted, the parts begin to differ at every other edge.
        either = np.sort(np.concatenate([faces[k].edges, _edges((outer, *holes), shape)]))
        wrong = int((either[1::2] - either[0::2]).sum())
        poor[k] = wrong > max(_WORST * faces[k].area, _UNSEEN * faces[k].length)
    if not poor.any() and len(drawn) > 1:
        poor = ~shapely.is_empty(shapely.coverage_invalid_edges(drawn))
    return set(np.flatnonzero(poor).tolist())


def _draw(arc: _Arc, tolerance: float, *, budget: bool) -> Points:
    """Fit an arc at its level of detail, within the tolerance."""
    if arc.level > _LEVELS or len(arc.corners) <= (4 if arc.closed else 2):
        return arc.corners
    middles = _middles(arc.corners, arc.closed)
    if len(middles) <= (_SHORT if arc.closed else 1):
        return arc.corners
    exact = _drawn(arc.corners, arc.closed)
    rms, reach = arc.rms / 2**arc.level, _REACH * tolerance
    while rms >= _FINEST / 8:
        drawn = _fitted(arc, middles, rms, reach)
        if budget or shapely.hausdorff_distance(exact, _drawn(drawn, arc.closed), densify=0.5) <= tolerance:
            return drawn
        rms, reach = rms / 2, reach / 2
    return arc.corners


def _drawn(points: Points, closed: bool) -> shapely.LineString:
    return polyline(np.concatenate([points, points[:1]]) if closed else points)


def _middles(corners: Points, closed: bool) -> Points:
    """The middles of the pixels' edges along an arc. They lie equally on both sides of a smooth border."""
    ends = np.roll(corners, -1, axis=0) if closed else corners[1:]
    starts = corners if closed else corners[:-1]
    step = ends - starts
    long = np.abs(step).sum(axis=1).astype(np.intp)
    edge = np.repeat(np.arange(len(long)), long)
    along = np.arange(len(edge)) - np.repeat(np.cumsum(long) - long, long) + 0.5
    return np.asarray(starts[edge] + np.sign(step)[edge] * along[:, None])


def _fitted(arc: _Arc, middles: Points, rms: float, reach: float) -> Points:
    loop = arc.closed or (arc.corners[0] == arc.corners[-1]).all()
    points = fitted(middles, rms, reach, closed=arc.closed, least=3 if loop else 1, most=arc.most * 2**arc.level)
    return points if arc.closed else np.concatenate([arc.corners[:1], points, arc.corners[-1:]])


def polygon_rings(polygon: shapely.Polygon) -> tuple[Ring, tuple[Ring, ...]]:
    """Outline and holes, without repeated last points."""
    outer, *holes = (
        tuple((float(x), float(y)) for x, y in shapely.get_coordinates(ring)[:-1])
        for ring in (polygon.exterior, *polygon.interiors)
    )
    return outer, tuple(sorted(holes, key=ring_area, reverse=True))
