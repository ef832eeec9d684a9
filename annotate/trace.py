"""Masks to polygons: outlines along the pixels' edges, exact, or simplified with shared borders kept shared. Pure."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes as polygonize
from rasterio.features import sieve

from .shapes import Point, Ring, Shape, ring_area

# A face that loses more of its area than this to simplification has collapsed (a pixel left as a triangle holds no
# pixel's centre for sure), and keeps its exact outline.
_COLLAPSED = 0.5

_NOTHING_INSIDE: Mapping[int, frozenset[int]] = {}


def mask_to_shapes(mask: NDArray[np.bool_], *, class_id: int, first_group: int = 1) -> tuple[Shape, ...]:
    """Trace a mask along its pixels' edges, exactly: painting the shapes gives the mask again.

    Pixels hang together by their four edges, so two parts that meet at a corner are two outlines. A part with holes
    gets a group of its own, which joins its outline and its holes; a part without has none.

    Args:
        mask: `(height, width)` bool.
        class_id: The class of the shapes made.
        first_group: The number of the first group; later ones follow it.

    Returns:
        Outlines and holes, each a ring of corners without points in a straight line.
    """
    groups = _Groups(first_group)
    faces = _faces(np.asarray(mask, dtype=np.bool_).astype(np.uint8))
    return tuple(shape for face in faces for shape in groups.shapes(class_id, face.outer, face.holes))


def index_to_shapes(
    index: NDArray[np.uint8],
    *,
    tolerance: float = 0.0,
    contains: Mapping[int, frozenset[int]] = _NOTHING_INSIDE,
    drop_below: float = 0.0,
) -> tuple[Shape, ...]:
    """Trace every class of a class-index mask; 0 is background.

    Args:
        index: `(height, width)` uint8 of class ids.
        tolerance: 0 traces exactly. Above, corners whose triangle with their neighbours is smaller than about
            `tolerance`² px² are left out (Visvalingam and Whyatt 1993); all outlines are simplified together, so a
            border between two classes stays one line. A part that would collapse keeps its exact outline.
        contains: Class id to the ids of the classes that lie inside it, at any depth: its outline goes round the
            pixels of all of them.
        drop_below: Specks of fewer px² are given to the neighbour with the most pixels (often the background).

    Returns:
        Outlines and holes by ascending class id; groups are numbered from 1 over the whole frame.

    Raises:
        ValueError: The tolerance is negative or no finite number.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance {tolerance}: expected 0 or more pixels")
    index = np.ascontiguousarray(index, dtype=np.uint8)
    if drop_below > 1:
        index = _without_specks(index, math.ceil(drop_below))
    present = set(np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist()) - {0}
    members = {c: contains.get(c, frozenset()) | {c} for c in present | set(contains)}
    members = {c: ids for c, ids in sorted(members.items()) if ids & present}
    groups = _Groups(1)
    found: list[Shape] = []
    if tolerance > 0:
        simple = _simplified(index, tolerance)
        for class_id, ids in members.items():
            for polygon in _union([polygon for value, polygon in simple if value in ids]):
                outer, *holes = (_open(ring) for ring in (polygon.exterior, *polygon.interiors))
                found += groups.shapes(class_id, outer, tuple(holes))
        return tuple(found)
    by_value: dict[int, list[_Face]] = defaultdict(list)
    for face in _faces(index):
        by_value[face.value].append(face)
    for class_id, ids in members.items():
        faces = by_value[class_id] if ids & present == {class_id} else _faces(np.isin(index, list(ids)).view(np.uint8))
        for face in faces:
            found += groups.shapes(class_id, face.outer, face.holes)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Face:
    """One part of one value: its outline, and the holes in it."""

    value: int
    outer: Ring
    holes: tuple[Ring, ...]


@dataclass(slots=True)
class _Groups:
    """Hands out group numbers."""

    following: int

    def shapes(self, class_id: int, outer: Ring, holes: tuple[Ring, ...]) -> list[Shape]:
        if not holes:
            return [Shape(class_id, outer)]
        group = self.following
        self.following += 1
        return [Shape(class_id, outer, group=group), *(Shape(class_id, hole, hole=True, group=group) for hole in holes)]


def _faces(index: NDArray[np.uint8]) -> list[_Face]:
    """The parts of every value above 0, hanging together by pixel edges."""
    rows, columns = np.flatnonzero(index.any(axis=1)), np.flatnonzero(index.any(axis=0))
    if not len(rows):
        return []
    # Structures fill a part of a frame, and GDAL's time goes with the pixels.
    top, left = int(rows[0]), int(columns[0])
    index = np.ascontiguousarray(index[top : rows[-1] + 1, left : columns[-1] + 1])
    with warnings.catch_warnings():
        # GDAL expects a map; a frame's pixels are its own coordinates.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        traced = list(polygonize(index, mask=index > 0, connectivity=4))
    faces = []
    for geometry, value in traced:
        rings = [part for ring in geometry["coordinates"] for part in _split_at_touching(ring[:-1], left, top)]
        # The outline is the largest: GDAL may run an outline through a hole that touches it at a corner.
        rings.sort(key=ring_area, reverse=True)
        faces.append(_Face(int(value), rings[0], tuple(rings[1:])))
    return faces


def _split_at_touching(ring: Iterable[Point], left: int, top: int) -> list[Ring]:
    """Move a ring to its place, and cut it at the corners that it passes twice, so that no ring touches itself."""
    done: list[Ring] = []
    path: list[Point] = []
    places: dict[Point, int] = {}
    for x, y in ring:
        point = (float(x) + left, float(y) + top)
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


def _simplified(index: NDArray[np.uint8], tolerance: float) -> list[tuple[int, shapely.Polygon]]:
    """Every face with its value, simplified together."""
    faces = _faces(index)
    corners = np.zeros((index.shape[0] + 1, index.shape[1] + 1), dtype=np.bool_)
    for face in faces:
        for ring in (face.outer, *face.holes):
            xy = np.asarray(ring, dtype=np.intp)
            corners[xy[:, 1], xy[:, 0]] = True
    exact = [
        shapely.Polygon(_with_corners(face.outer, corners), [_with_corners(hole, corners) for hole in face.holes])
        for face in faces
    ]
    simple: list[Any] = list(shapely.coverage_simplify(exact, tolerance)) if exact else []
    kept = []
    for face, before, after in zip(faces, exact, simple, strict=True):
        whole = isinstance(after, shapely.Polygon) and len(after.interiors) == len(before.interiors) and after.is_valid
        kept.append((face.value, after if whole and after.area >= _COLLAPSED * before.area else before))
    return kept


def _with_corners(ring: Ring, corners: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Add the corners of other faces that lie on a ring's edges: simplification takes only what is matched as shared.

    Args:
        ring: Corners, its edges along the axes.
        corners: `(height + 1, width + 1)` bool, True at every corner of every face.
    """
    start = np.asarray(ring, dtype=np.intp)
    step = np.roll(start, -1, axis=0) - start
    length = np.abs(step).sum(axis=1)
    edge = np.repeat(np.arange(len(start)), length)
    along = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    points = start[edge] + np.sign(step)[edge] * along[:, None]
    return np.asarray(points[corners[points[:, 1], points[:, 0]]], dtype=np.float64)


def _union(polygons: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """The parts of the union of faces, without the points left over where a border ended."""
    if not polygons:
        return []
    union = shapely.union_all(polygons).simplify(0)
    parts = [part for part in shapely.get_parts(union) if isinstance(part, shapely.Polygon) and part.area > 0]
    return sorted(parts, key=lambda part: part.bounds)


def _open(ring: shapely.LinearRing) -> Ring:
    """A ring without its repeated last point."""
    return tuple((float(x), float(y)) for x, y in shapely.get_coordinates(ring)[:-1])


def _without_specks(index: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Give the parts of fewer than `size` pixels, background among them, to their largest neighbour."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return np.asarray(sieve(index, size=size, connectivity=4), dtype=np.uint8)
