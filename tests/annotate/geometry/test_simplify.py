"""Outlines that can be edited: few points, near the exact ones, neighbours without gap or overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from dmr.annotate.geometry.contours import mask_parts
from dmr.annotate.geometry.raster import polygons_to_mask, shapes_to_index
from dmr.annotate.geometry.simplify import border_nodes, polygon_rings, simplify_parts
from dmr.annotate.geometry.trace import index_to_shapes
from dmr.annotate.shapes import Shape


@st.composite
def blobs(draw: st.DrawFn) -> NDArray[np.uint8]:
    """Smooth regions of up to four values, with specks and holes here and there."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(12, 70)), draw(st.integers(12, 70))
    fields = ndimage.gaussian_filter(rng.normal(size=(4, height, width)), (0, draw(st.sampled_from([1.5, 4, 9])), 5))
    index: NDArray[np.uint8] = fields.argmax(axis=0).astype(np.uint8)
    index[rng.random(index.shape) < draw(st.sampled_from([0, 0, 0.01]))] = 0
    return index


def polygons_of(index: NDArray[np.uint8], **options: Any) -> tuple[list[shapely.Polygon], list[shapely.Polygon]]:
    parts = [part for v in (1, 2, 3) for part in mask_parts(index == v)]
    exact = [shapely.Polygon(p.outer, p.holes) for p in parts]
    return exact, simplify_parts(parts, border_nodes(index), **options)


def painted(polygon: shapely.Polygon, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    outer, holes = polygon_rings(polygon)
    shapes = [Shape(1, outer, group=1), *(Shape(1, hole, hole=True, group=1) for hole in holes)]
    return polygons_to_mask(shapes, height=shape[0], width=shape[1])


@given(blobs(), st.sampled_from([0.6, 1.5, 4.0]))
def test_no_outline_strays_further_than_the_tolerance_and_none_loses_its_shape(
    index: NDArray[np.uint8], tolerance: float
) -> None:
    for before, after in zip(*polygons_of(index, tolerance=tolerance), strict=True):
        assert after.is_valid
        assert len(after.interiors) == len(before.interiors)
        wrong = np.count_nonzero(painted(before, index.shape) ^ painted(after, index.shape))
        assert wrong <= max(0.041 * before.area, 0.101 * before.length)
        assert shapely.hausdorff_distance(before.exterior, after.exterior, densify=0.2) <= tolerance + 1e-9


@given(blobs(), st.sampled_from([1.5, 4.0]))
def test_neighbours_keep_one_border_without_gap_or_overlap(index: NDArray[np.uint8], tolerance: float) -> None:
    _, drawn = polygons_of(index, tolerance=tolerance)
    overlap = sum(p.area for p in drawn) - shapely.union_all(drawn).area
    assert overlap == pytest.approx(0, abs=1e-6)
    assert shapely.coverage_is_valid(np.array(drawn, dtype=object))  # what is shared is shared point by point


def test_a_smooth_structure_takes_as_few_points_as_a_hand() -> None:
    rows, columns = np.mgrid[:200, :200]
    circle = ((rows - 100) ** 2 + (columns - 90) ** 2 < 70**2).astype(np.uint8)
    (shape,) = index_to_shapes(circle, tolerance=4.0)
    again = polygons_to_mask([shape], height=200, width=200)
    assert len(shape.points) <= 16
    assert (again & (circle > 0)).sum() / (again | (circle > 0)).sum() > 0.98


def test_a_small_nerve_keeps_its_shape_under_a_tolerance_as_wide_as_itself() -> None:
    rows, columns = np.mgrid[:60, :60]
    nerve = (((rows - 30) / 4.2) ** 2 + ((columns - 30) / 8) ** 2 < 1).astype(np.uint8)
    (shape,) = index_to_shapes(nerve, tolerance=8.0)
    again = polygons_to_mask([shape], height=60, width=60)
    assert 90 < nerve.sum() < 110
    assert len(shape.points) <= 20
    assert (again & (nerve > 0)).sum() / (again | (nerve > 0)).sum() > 0.94


@pytest.mark.parametrize("most", [6, 10, 20])
def test_a_budget_of_points_is_kept(most: int) -> None:
    rng = np.random.default_rng(3)
    field = ndimage.gaussian_filter(rng.normal(size=(160, 160)), 9)
    index = (field > 0).astype(np.uint8)
    big = [s for s in index_to_shapes(index, tolerance=2.0, most_points=most) if shapely.Polygon(s.points).area > 200]
    free = [s for s in index_to_shapes(index, tolerance=2.0) if shapely.Polygon(s.points).area > 200]
    assert big
    assert max(len(s.points) for s in free) > 20
    assert all(shapely.Polygon(s.points).is_valid for s in big)
    assert np.median([len(s.points) for s in big]) <= most


def test_a_shared_border_is_the_same_points_on_both_sides() -> None:
    rows, columns = np.mgrid[:120, :120]
    index = np.where(columns + 8 * np.sin(rows / 15) < 60, 1, 2).astype(np.uint8)
    left, right = index_to_shapes(index, tolerance=3.0)
    shared = set(left.points) & set(right.points)
    assert 4 <= len(shared) <= 16
    assert (shapes_to_index((left, right), paint_order=[1, 2], height=120, width=120) > 0).all()


def test_a_touching_corner_stays_a_corner() -> None:
    index = np.zeros((40, 40), np.uint8)
    index[5:20, 5:20] = 1
    index[20:35, 20:35] = 1
    first, second = index_to_shapes(index, tolerance=4.0)
    assert (20.0, 20.0) in first.points
    assert (20.0, 20.0) in second.points
    assert shapely.Polygon(first.points).intersection(shapely.Polygon(second.points)).area == 0


def test_shapes_of_a_class_without_group_stay_apart() -> None:
    index = np.zeros((30, 60), np.uint8)
    index[5:25, 5:25], index[5:25, 35:55] = 1, 1
    shapes = index_to_shapes(index, tolerance=4.0)
    assert [(s.class_id, s.group, s.hole) for s in shapes] == [(1, None, False)] * 2
    assert isinstance(shapes[0], Shape)
