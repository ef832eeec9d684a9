"""Instance masks out and in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.instance_mask import (
    instance_png,
    instance_table,
    instances_to_drawing,
    read_instance_png,
    read_instance_table,
    shapes_to_instances,
)
from dmr.annotate.shapes import Shape

NUMBERS = st.integers(0, 7).flatmap(lambda seed: st.just(np.random.default_rng(seed).integers(0, 5, (9, 11)) * 100))
NAMES = {1: "nerve", 2: "muscle"}
SIZE = {"height": 20, "width": 24}


def box(x: float, y: float, side: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


@given(NUMBERS)
def test_numbers_survive_the_png_and_the_outlines(numbers: NDArray[np.int64]) -> None:
    values = numbers.astype(np.uint16)
    read = read_instance_png(instance_png(values), where="a.png")
    np.testing.assert_array_equal(read, values)
    labels = {n: "nerve" if n % 200 else "muscle" for n in np.unique(values).tolist() if n}
    drawing = instances_to_drawing(read, labels, resolve={"nerve": 1, "muscle": 2}.get)
    again, ids, hidden = shapes_to_instances(drawing.shapes, order=(1, 2), height=9, width=11)
    assert hidden == 0
    assert len(ids) == len(labels), "an instance of several parts is one"
    for number in labels:
        assert len(np.unique(again[values == number])) == 1
    np.testing.assert_array_equal(again > 0, values > 0)


def test_higher_classes_lie_over_lower_ones_and_hidden_pixels_are_counted() -> None:
    shapes = [Shape(2, box(0, 0, 10)), Shape(1, box(5, 5, 10))]
    numbers, ids, hidden = shapes_to_instances(shapes, order=(1, 2), **SIZE)
    assert ids == [1, 2]
    assert hidden == 25
    assert np.count_nonzero(numbers == 2) == 100


def test_the_table_says_classes_and_what_was_lost() -> None:
    data = instance_table([2, 1], names=NAMES, lost=frozenset({1}))
    assert read_instance_table(data, where="t") == ({1: "muscle", 2: "nerve"}, ("nerve",), 0)
    assert read_instance_table(instance_table([], names=NAMES, lost=frozenset({None})), where="t")[1] == (None,)


@pytest.mark.parametrize("row", [None, 3, {}, {"number": "x", "class": "nerve"}, {"number": 1, "class": None}])
def test_a_row_that_cannot_be_read_counts_and_leaves_no_class_covered(row: object) -> None:
    data = json.dumps({"instances": [row, {"number": 2, "class": "nerve"}]}).encode()
    labels, told, unread = read_instance_table(data, where="t")
    assert (labels, told, unread) == ({2: "nerve"}, (), 1)
    drawing = instances_to_drawing(np.zeros((9, 9), np.uint16), labels, resolve={"nerve": 1}.get, unread_rows=unread)
    assert not drawing.covered((1, 2))
    assert drawing.unread == {None}
    assert drawing.notes[0] == "1 row of its table cannot be read (left out)"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"instances": 3}', b"\xff"])
def test_what_is_no_table_and_no_png_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenInput):
        read_instance_table(data, where="t")
    with pytest.raises(BrokenInput):
        read_instance_png(data, where="a.png")


def test_a_number_without_a_class_takes_the_coverage_away() -> None:
    numbers = np.zeros((9, 9), np.uint16)
    numbers[1:4, 1:4], numbers[5:8, 5:8] = 1, 300
    drawing = instances_to_drawing(numbers, {1: "nerve"}, resolve={"nerve": 1}.get)
    assert drawing.notes == ("instance 300 has no class (left out)",)
    assert drawing.covered((1, 2)) == set()
