"""Masks to polygons: exact outlines along the pixels' edges, or simplified ones that keep shared borders. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import sieve

from ..shapes import Ring, Shape
from ..system.quiet import quietly
from .contours import mask_parts
from .simplify import border_nodes, polygon_rings, simplify_parts

_FEW = 16  # classes
_NOTHING_INSIDE: Mapping[int, frozenset[int]] = {}


def mask_to_shapes(mask: NDArray[np.bool_], *, class_id: int, first_group: int = 1) -> tuple[Shape, ...]:
    """Trace a mask exactly along its pixels' edges: painting the shapes gives the same mask.

    Pixels are connected by their four edges, so two parts that meet at a corner are two outlines. A part with holes
    gets a group, which joins its outline and its holes. A part without holes has no group.

    Args:
        mask: `(height, width)` bool.
        class_id: The class of the shapes.
        first_group: The number of the first group; further groups follow.

    Returns:
        Outlines and holes, each a ring of corners without points in a straight line.

    Raises:
        ValueError: It is no mask: not of two dimensions, or of other values than 0 and 1.

    Example:
        >>> mask = np.zeros((100, 200), bool)
        >>> mask[10:30, 10:40] = True
        >>> (shape,) = dmr.mask_to_shapes(mask, class_id=1)
        >>> sorted(shape.points)
        [(10.0, 10.0), (10.0, 30.0), (40.0, 10.0), (40.0, 30.0)]
    """
    groups = _Groups(first_group)
    mask = np.asarray(mask)
    if mask.ndim != 2 or not (mask.dtype == np.bool_ or (mask.dtype.kind in "iu" and np.isin(mask, (0, 1)).all())):
        raise ValueError(f"a mask of {mask.dtype} {mask.shape}: expected (height, width) of bool, or of 0 and 1")
    parts = mask_parts(mask.astype(np.bool_))
    return tuple(shape for part in parts for shape in groups.shapes(class_id, part.outer, part.holes))


def index_to_shapes(
    index: NDArray[np.uint8],
    *,
    tolerance: float = 0.0,
    most_points: int | None = None,
    contains: Mapping[int, frozenset[int]] = _NOTHING_INSIDE,
    drop_below: float = 0.0,
) -> tuple[Shape, ...]:
    """Trace every class of a class-index mask; 0 is background.

    Args:
        index: `(height, width)` uint8 of class ids.
        tolerance: Px. 0 traces exactly. Above 0, outlines get as few points as keep their shape, no further than this
            from the exact one; a border between two classes stays one line. See `simplify`.
        most_points: Most points of each ring; for it, the tolerance may be exceeded. None for no limit.
        contains: Class id to the ids of all classes that lie inside it: the class's outline encloses the
            pixels of all of them.
        drop_below: Specks of fewer px² are given to the neighbour with the most pixels (often the background).

    Returns:
        Outlines and holes by ascending class id; groups are numbered from 1 over the whole frame.

    Raises:
        ValueError: The tolerance is negative or no finite number, or the index is not one of class ids.

    Example:
        >>> index = np.zeros((100, 200), np.uint8)
        >>> index[10:30, 10:40] = 2
        >>> [shape.class_id for shape in dmr.index_to_shapes(index)]
        [2]
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance {tolerance}: expected 0 or more pixels")
    index = np.asarray(index)
    if index.ndim != 2 or (index.dtype != np.uint8 and (index.dtype.kind not in "iu" or not _is_byte(index))):
        raise ValueError(f"an index of {index.dtype} {index.shape}: expected (height, width) of class ids, 0 to 255")
    index = np.ascontiguousarray(index, dtype=np.uint8)
    if drop_below > 1:
        index = _without_specks(index, math.ceil(drop_below))
    present = _values(index)
    members = {c: contains.get(c, frozenset()) | {c} for c in present | set(contains)}
    members = {c: ids for c, ids in sorted(members.items()) if ids & present}
    groups = _Groups(1)
    found: list[Shape] = []
    if tolerance > 0:
        simple = _simplified(index, tolerance, most_points)
        for class_id, ids in members.items():
            own = [polygon for value, polygon in simple if value in ids]
            for polygon in own if ids & present == {class_id} else _union(own):
                found += groups.shapes(class_id, *polygon_rings(polygon))
        return tuple(found)
    for class_id, ids in members.items():
        there = ids & present
        mask = index == class_id if there == {class_id} else np.isin(index, list(there))
        for part in mask_parts(mask):
            found += groups.shapes(class_id, part.outer, part.holes)
    return tuple(found)


@dataclass(slots=True)
class _Groups:
    """Gives out group numbers."""

    following: int

    def shapes(self, class_id: int, outer: Ring, holes: tuple[Ring, ...]) -> list[Shape]:
        if not holes:
            return [Shape(class_id, outer)]
        group = self.following
        self.following += 1
        return [Shape(class_id, outer, group=group), *(Shape(class_id, hole, hole=True, group=group) for hole in holes)]


def _is_byte(index: NDArray[np.generic]) -> bool:
    return index.size == 0 or (int(index.min()) >= 0 and int(index.max()) <= 255)


def _values(index: NDArray[np.uint8]) -> set[int]:
    """The values above 0 in the mask."""
    highest = int(index.max(initial=0))
    if highest <= _FEW:  # many times faster than counting
        return {value for value in range(1, highest + 1) if (index == value).any()}
    return set(np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist()) - {0}


def _simplified(
    index: NDArray[np.uint8], tolerance: float, most_points: int | None
) -> list[tuple[int, shapely.Polygon]]:
    """All parts of all values, simplified together."""
    parts = [(value, part) for value in sorted(_values(index)) for part in mask_parts(index == value)]
    simple = simplify_parts(
        [part for _, part in parts], border_nodes(index), tolerance=tolerance, most_points=most_points
    )
    return [(value, polygon) for (value, _), polygon in zip(parts, simple, strict=True)]


def _union(polygons: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """The parts of the union of faces, without points left over where a border ended."""
    if not polygons:
        return []
    union = shapely.union_all(polygons).simplify(0)
    parts = [part for part in shapely.get_parts(union) if isinstance(part, shapely.Polygon) and part.area > 0]
    return sorted(parts, key=lambda part: part.bounds)


def _without_specks(index: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Merge parts of fewer than `size` pixels, of the background too, into their largest neighbour."""
    if index.size <= size:  # in a picture of a few pixels, specks mean nothing
        return index
    with quietly(ignored=NotGeoreferencedWarning):
        return np.asarray(sieve(index, size=size, connectivity=4), dtype=np.uint8)
