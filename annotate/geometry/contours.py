"""Exact outlines of a mask, along its pixels' edges. Pure.

A point is a corner of an outline if an odd number of the four pixels around it belong to the mask. It is a double
corner if two of them do and touch only there. Corners sorted by rows pair up to level edges, and sorted by columns to
upright edges. The edges are chained into rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..shapes import Point, Ring, ring_area


@dataclass(frozen=True, slots=True)
class Part:
    """Pixels that are connected by their edges.

    Attributes:
        outer: The outline.
        holes: The holes' rings.
    """

    outer: Ring
    holes: tuple[Ring, ...] = ()


def mask_parts(mask: NDArray[np.bool_]) -> list[Part]:
    """The parts of a mask, connected by pixel edges, from the top, left to right.

    No ring touches itself: if it would pass a point twice, it is cut there into an outline and a hole.

    Args:
        mask: `(height, width)` bool.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    rings, outer = _rings(mask[top : rows[-1] + 1, left : columns[-1] + 1], top, left)
    parts: list[tuple[Ring, list[Ring]]] = []
    holes: list[Ring] = []
    for ring, is_outer in zip(rings, outer, strict=True):
        loops = _cut_where_touching(ring)
        if not is_outer:
            holes += loops
            continue
        if len(loops) > 1:
            loops.sort(key=ring_area, reverse=True)
        parts.append((loops[0], loops[1:]))
    for hole in holes:
        parts[0 if len(parts) == 1 else _around(hole, [outline for outline, _ in parts])][1].append(hole)
    return [Part(outline, tuple(inner)) for outline, inner in parts]


def _rings(mask: NDArray[np.bool_], top: int, left: int) -> tuple[list[Ring], list[bool]]:
    """All rings from their top left corners, moved to a place, and whether each goes around pixels or around a hole."""
    height, width = mask.shape
    framed = np.zeros((height + 2, width + 2), np.bool_)
    framed[1:-1, 1:-1] = mask
    nw, ne, sw, se = framed[:-1, :-1], framed[:-1, 1:], framed[1:, :-1], framed[1:, 1:]
    above, below = nw ^ ne, sw ^ se
    odd = above ^ below
    touching = above & below & (nw ^ sw)
    several = touching.any()
    place = np.flatnonzero(odd | touching if several else odd)
    if several:
        # A double corner: the first joins the edge on the left with the one above or below, the second the other two.
        place = np.repeat(place, 1 + touching.ravel()[place])
    row, column = np.divmod(place, width + 1)
    upright = column * (height + 1) + row
    if several:
        # If the north-east and south-west pixels touch, left goes with below, so the second comes first.
        second = np.zeros(len(place), np.bool_)
        second[1:] = place[1:] == place[:-1]
        order = np.lexsort((second ^ framed[row, column + 1], upright))
    else:
        order = np.argsort(upright, kind="stable")
    mate = np.empty(len(place), np.intp)
    mate[order[0::2]], mate[order[1::2]] = order[1::2], order[0::2]
    return _chained(
        mate.tolist(),
        (column + float(left)).tolist(),
        (row + float(top)).tolist(),
        framed[row + 1, column + 1].tolist(),
    )


def _chained(mate: list[int], x: list[float], y: list[float], pixel_below: list[bool]) -> tuple[list[Ring], list[bool]]:
    """Follow level and upright edges in turn. `mate` is the other end of a corner's upright edge."""
    rings: list[Ring] = []
    outer: list[bool] = []
    done = bytearray(len(mate))
    for start in range(0, len(mate), 2):
        if done[start]:
            continue
        ring: list[Point] = []
        corner = start
        while not done[corner]:
            other = corner ^ 1
            done[corner] = done[other] = 1
            ring.append((x[corner], y[corner]))
            ring.append((x[other], y[other]))
            corner = mate[other]
        rings.append(tuple(ring))
        outer.append(pixel_below[start])
    return rings, outer


def _cut_where_touching(ring: Ring) -> list[Ring]:
    """Cut a ring at each point that it passes twice."""
    if len(set(ring)) == len(ring):
        return [ring]
    done: list[Ring] = []
    path: list[Point] = []
    places: dict[Point, int] = {}
    for point in ring:
        if point in places:
            start = places[point]
            loop = path[start:]
            done.append(tuple(loop))
            for gone in loop[1:]:
                del places[gone]
            del path[start + 1 :]
        else:
            places[point] = len(path)
            path.append(point)
    done.append(tuple(path))
    return done


def _around(hole: Ring, outlines: Sequence[Ring]) -> int:
    """The outline that a hole is in: the smallest that holds the pixel above the hole's top left corner."""
    x, y = min(hole, key=lambda point: (point[1], point[0]))
    holding = [k for k, outline in enumerate(outlines) if _holds(outline, x + 0.5, y - 0.5)]
    return min(holding, key=lambda k: ring_area(outlines[k]))


def _holds(ring: Ring, x: float, y: float) -> bool:
    """Whether a ring of level and upright edges holds a point that lies on none of them."""
    inside = False
    for (ax, ay), (_, by) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (ay > y) != (by > y) and ax > x:
            inside = not inside
    return inside
