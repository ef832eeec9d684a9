from __future__ import annotations

import warnings
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize

from dmr.annotate.geometry.raster import (
    hidden_pixels,
    layers_to_index,
    polygons_to_mask,
    shapes_to_index,
    shapes_to_layers,
)
from dmr.annotate.geometry.trace import index_to_shapes, mask_to_shapes
from dmr.annotate.shapes import Ring, Shape, ring_area

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
INDEX_MASKS = hnp.arrays(np.uint8, SIZES, elements=st.integers(0, 3))
MASKS = hnp.arrays(np.bool_, SIZES)


def box(left: float, top: float, right: float, bottom: float) -> Ring:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def repaint(shapes: tuple[Shape, ...], ids: list[int], like: NDArray[Any]) -> NDArray[Any]:
    layers = shapes_to_layers(shapes, class_ids=ids, height=like.shape[0], width=like.shape[1])
    index, hidden = layers_to_index(layers, class_ids=ids, paint_order=ids)
    assert hidden == 0
    return index


def test_a_pixel_belongs_to_an_outline_when_its_centre_lies_inside() -> None:
    mask = polygons_to_mask([Shape(1, box(0.6, 0.4, 2.6, 1.6))], height=3, width=4)
    assert mask.astype(int).tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


@given(
    cut=st.integers(0, 40).map(lambda n: n / 4),
    slant=st.integers(-20, 20).map(lambda n: n / 4),
    turned=st.booleans(),
    backwards=st.booleans(),
)
def test_neighbours_that_share_an_edge_share_no_pixel_and_leave_no_gap(
    cut: float, slant: float, turned: bool, backwards: bool
) -> None:
    ends = ((cut, -1.0), (cut + slant, 11.0))
    left: Ring = ((-9.0, -1.0), ends[0], ends[1], (-9.0, 11.0))
    right: Ring = (ends[0], (29.0, -1.0), (29.0, 11.0), ends[1])
    if turned:
        left, right = (tuple((y, x) for x, y in ring) for ring in (left, right))
    if backwards:
        right = right[::-1]
    layers = shapes_to_layers([Shape(1, left), Shape(2, right)], class_ids=[1, 2], height=10, width=10)
    assert (layers.sum(axis=0) == 1).all()


@given(
    st.lists(st.tuples(*[st.floats(-6, 26, allow_nan=False, width=32)] * 2), min_size=3, max_size=9, unique=True),
    st.sampled_from([None, 0.25]),
)
def test_painting_agrees_with_rasterio(points: list[tuple[float, float]], step: float | None) -> None:
    if step is not None:  # many centres then lie on an edge; but on a level edge, GDAL gives them to both sides
        points = [(round(x / step) * step, round(y / step) * step + 0.125) for x, y in points]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        polygon = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        expected = rasterize([(polygon, 1)], out_shape=(20, 18), fill=0, dtype="uint8")
    mask = polygons_to_mask([Shape(1, tuple(points))], height=20, width=18)
    np.testing.assert_array_equal(mask, np.asarray(expected, dtype=np.bool_))


@given(INDEX_MASKS, st.permutations([1, 2, 3]))
def test_painting_at_once_is_painting_layers_and_flattening_them(index: NDArray[Any], order: list[int]) -> None:
    height, width = index.shape
    shapes = [Shape(4 - s.class_id, s.points, s.hole, s.group) for s in index_to_shapes(index)]
    shapes += [Shape(1, box(0.2, 0.4, width / 2, height / 2)), Shape(1, box(0.2, 1.4, width / 3, height))]
    for chosen in (shapes, [s for s in shapes if not s.hole]):
        layers = shapes_to_layers(chosen, class_ids=[1, 2, 3], height=height, width=width)
        flat, hidden = layers_to_index(layers, class_ids=[1, 2, 3], paint_order=order)
        size = {"height": height, "width": width}
        np.testing.assert_array_equal(shapes_to_index(chosen, paint_order=order, **size), flat)
        assert hidden_pixels(chosen, paint_order=order, **size) == hidden


def test_outlines_may_reach_far_past_the_grid() -> None:
    for far in (1e3, 1e9, 1e300):
        assert polygons_to_mask([Shape(1, box(-far, 1, far, 2))], height=3, width=3).sum() == 3


def test_an_outline_that_crosses_itself_is_filled_by_the_even_odd_rule() -> None:
    twice_round = (*box(0, 0, 6, 6), *box(0, 0, 3, 6))
    mask = polygons_to_mask([Shape(1, twice_round)], height=6, width=6)
    assert mask[:, 3:].all() and not mask[:, :3].any()


def test_a_hole_is_taken_out_of_its_own_class_and_group_only() -> None:
    whole, hole = box(0, 0, 6, 6), box(1, 1, 5, 5)
    island = Shape(1, box(2, 2, 4, 4))
    shapes = [Shape(1, whole, group=1), Shape(1, hole, hole=True, group=1), island, Shape(2, whole, group=1)]
    layers = shapes_to_layers(shapes, class_ids=[1, 2, 3], height=6, width=6)
    assert layers.sum(axis=(1, 2)).tolist() == [36 - 16 + 4, 36, 0]
    other_group = [Shape(1, whole, group=2), Shape(1, hole, hole=True, group=1)]
    assert polygons_to_mask(other_group, height=6, width=6).all()


def test_a_hole_without_a_group_is_taken_out_of_the_shapes_without_a_group() -> None:
    shapes = [Shape(1, box(0, 0, 3, 3)), Shape(1, box(1, 1, 2, 2), hole=True)]
    assert polygons_to_mask(shapes, height=3, width=3).sum() == 8


def test_flattening_paints_higher_over_lower_and_counts_what_it_hides() -> None:
    layers = np.zeros((2, 2, 3), dtype=np.bool_)
    layers[0, :, :2] = True
    layers[1, 0, :] = True
    index, hidden = layers_to_index(layers, class_ids=[7, 4], paint_order=[4, 9, 7])
    assert index.tolist() == [[7, 7, 4], [7, 7, 0]]
    assert hidden == 2
    with pytest.raises(ValueError, match="painting order"):
        layers_to_index(layers, class_ids=[7, 4], paint_order=[7])


@given(INDEX_MASKS)
@settings(max_examples=150, deadline=None)
def test_tracing_and_painting_gives_the_same_pixels(index: NDArray[Any]) -> None:
    shapes = index_to_shapes(index)
    np.testing.assert_array_equal(repaint(shapes, [1, 2, 3], index), index)


@given(MASKS)
@settings(max_examples=150, deadline=None)
def test_traced_outlines_neither_cross_nor_touch_themselves_and_have_no_idle_points(mask: NDArray[Any]) -> None:
    shapes = mask_to_shapes(mask, class_id=1, first_group=5)
    area = 0.0
    for shape in shapes:
        assert shapely.Polygon(shape.points).is_valid
        assert shapely.get_num_coordinates(shapely.Polygon(shape.points).simplify(0)) - 1 == len(shape.points)
        area += -ring_area(shape.points) if shape.hole else ring_area(shape.points)
    assert area == mask.sum()
    groups = [shape.group for shape in shapes if not shape.hole and shape.group is not None]
    assert groups == list(range(5, 5 + len(groups)))
    assert {shape.group for shape in shapes if shape.hole} == set(groups)
    assert polygons_to_mask(shapes, height=mask.shape[0], width=mask.shape[1]).tolist() == mask.tolist()


def test_an_island_in_a_hole_survives_and_a_simple_part_has_no_group() -> None:
    mask = np.ones((9, 9), dtype=np.bool_)
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    shapes = mask_to_shapes(mask, class_id=3)
    assert sorted((shape.hole, shape.group is None, ring_area(shape.points)) for shape in shapes) == [
        (False, False, 81.0),
        (False, True, 1.0),
        (True, False, 25.0),
    ]
    np.testing.assert_array_equal(polygons_to_mask(shapes, height=9, width=9), mask)


def test_a_parent_goes_round_its_children() -> None:
    index = np.zeros((8, 8), dtype=np.uint8)
    index[1:7, 1:7] = 1
    index[3:5, 3:7] = 2
    for tolerance in (0.0, 0.4):
        shapes = index_to_shapes(index, contains={1: frozenset({2}), 5: frozenset({6})}, tolerance=tolerance)
        layers = shapes_to_layers(shapes, class_ids=[1, 2], height=8, width=8)
        np.testing.assert_array_equal(layers[0], index > 0)
        np.testing.assert_array_equal(layers[1], index == 2)
        assert [shape.class_id for shape in shapes] == [1, 2]


@given(INDEX_MASKS, st.sampled_from([0.5, 1.0, 2.0, 5.0]))
@settings(max_examples=150, deadline=None)
def test_simplifying_loses_no_part(index: NDArray[Any], tolerance: float) -> None:
    exact = index_to_shapes(index)
    simple = index_to_shapes(index, tolerance=tolerance)
    assert {shape.class_id for shape in simple} == {shape.class_id for shape in exact}
    for shape in simple:
        assert shapely.Polygon(shape.points).is_valid


def test_simplified_neighbours_keep_one_border() -> None:
    rows, columns = np.mgrid[:60, :80]
    index = np.where((rows - 30) ** 2 + (columns - 40) ** 2 < 25**2, 1, 0).astype(np.uint8)
    index[(index == 1) & (columns + rows / 3 > 50)] = 2
    shapes = index_to_shapes(index, tolerance=1.5)
    exact = index_to_shapes(index)
    assert sum(len(shape.points) for shape in shapes) < sum(len(shape.points) for shape in exact) / 3
    one, two = (shapely.Polygon(shape.points) for shape in shapes)
    assert one.intersection(two).area == 0
    assert one.intersection(two).length > 30
    again = repaint(shapes, [1, 2], index)
    assert (again != index).mean() < 0.01


def test_specks_go_to_the_neighbour_around_them() -> None:
    index = np.zeros((20, 20), dtype=np.uint8)
    index[5:15, 5:15] = 1
    index[8:10, 8:10] = 2
    index[0, 0] = 3
    shapes = index_to_shapes(index, drop_below=5)
    assert [(shape.class_id, ring_area(shape.points)) for shape in shapes] == [(1, 100.0)]
    kept = index_to_shapes(index, drop_below=4)
    assert [shape.class_id for shape in kept] == [1, 1, 2]


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")], ids=str)
def test_a_tolerance_that_is_no_distance_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        index_to_shapes(np.zeros((2, 2), dtype=np.uint8), tolerance=tolerance)


def test_an_empty_mask_has_no_shapes() -> None:
    assert index_to_shapes(np.zeros((3, 3), dtype=np.uint8)) == ()
    assert index_to_shapes(np.zeros((3, 3), dtype=np.uint8), tolerance=2) == ()
    assert not polygons_to_mask([], height=2, width=2).any()
