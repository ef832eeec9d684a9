"""Rings with seams: holes as we join them, and parts as other programs do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.geometry.seam import join_holes, seam_to_shapes, split_seam
from dmr.annotate.shapes import Ring, Shape

SIZE = {"height": 40, "width": 60}


def box(x: float, y: float, w: float, h: float) -> Ring:
    return ((x, y), (x + w, y), (x + w, y + h), (x, y + h))


def linked(parts: list[Ring]) -> Ring:
    """One ring through all parts, as labelformat writes a line of YOLO: by the first points there and back."""
    there = [point for part in parts for point in (*part, part[0])]
    return (*there, *(part[0] for part in reversed(parts[:-1])))


def chained(parts: list[Ring]) -> Ring:
    """One ring through all parts, as Ultralytics writes it: one side of the middle parts there, the other back."""
    first, *middle, last = parts
    there = [point for part in middle for point in part[:3]]
    back = [point for part in reversed(middle) for point in (*part[2:], part[0])]
    return (*first, first[0], *there, *last, last[0], *back)


@pytest.mark.parametrize("join", [linked, chained])
def test_parts_that_a_seam_joins_are_parts_and_no_holes(join: Callable[[list[Ring]], Ring]) -> None:
    parts = [box(2, 2, 20, 20), box(30, 5, 10, 10), box(45, 20, 5, 5)]
    shapes = seam_to_shapes(join(parts), class_id=3, group=7)
    assert [(s.class_id, s.hole, s.group) for s in shapes] == [(3, False, 7)] * 3
    assert {frozenset(s.points) for s in shapes} == {frozenset(part) for part in parts}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=2, max_size=9, unique=True))
def test_whatever_parts_are_joined_all_are_painted(cells: list[tuple[int, int]]) -> None:
    parts = [box(1 + 11 * column, 1 + 12 * row, 3 + column, 4 + row) for column, row in cells]
    painted = polygons_to_mask(seam_to_shapes(linked(parts), class_id=1, group=1), **SIZE)
    np.testing.assert_array_equal(painted, polygons_to_mask([Shape(1, part) for part in parts], **SIZE))


def test_a_hole_and_an_island_in_it_and_a_part_beside_are_told_apart() -> None:
    hole, island, beside = box(6, 6, 20, 20), box(10, 10, 5, 5), box(40, 5, 6, 6)
    ring = linked([box(2, 2, 30, 30), hole, island, beside])
    shapes = seam_to_shapes(ring, class_id=1, group=1)
    assert polygons_to_mask(shapes, **SIZE).sum() == 900 - 400 + 25 + 36
    assert [frozenset(s.points) for s in shapes if s.hole] == [frozenset(hole)]


def test_a_hole_that_reaches_past_its_outline_stays_a_hole() -> None:
    outline, hole = box(2, 2, 20, 20), box(10, 10, 20, 5)
    ((found, holes),) = split_seam(join_holes(outline, [hole]))
    assert frozenset(found) == frozenset(outline)
    assert [frozenset(h) for h in holes] == [frozenset(hole)]


@pytest.mark.parametrize("step", [1, -1], ids=["one way round", "the other"])
def test_parts_with_a_common_border_are_parts(step: int) -> None:
    parts = [box(2, 2, 20, 20), ((22.0, 2.0), (22.0, 22.0), (30.0, 10.0))[::step]]
    shapes = seam_to_shapes(linked(parts), class_id=1, group=1)
    assert not any(s.hole for s in shapes)
    assert polygons_to_mask(shapes, **SIZE).sum() == polygons_to_mask([Shape(1, p) for p in parts], **SIZE).sum()


def test_many_parts_are_told_apart_at_once() -> None:
    parts = [box(x, y, 0.4, 0.4) for x in range(25) for y in range(12)]
    assert len(split_seam(linked(parts))) == len(parts)
