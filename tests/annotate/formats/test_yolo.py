"""YOLO's outlines out and in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.yolo import read_yolo_list, read_yolo_names, shapes_to_yolo, yolo_names, yolo_to_drawing
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.shapes import Shape

SIZE: dict[str, Any] = {"height": 37, "width": 53}
INNER = st.tuples(st.integers(0, 53_000), st.integers(0, 37_000)).map(lambda p: (p[0] / 1000, p[1] / 1000))


def box(x: float, y: float, w: float, h: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + w, y), (x + w, y + h), (x, y + h))


def walks_back(ring: list[tuple[float, float]]) -> bool:
    steps = list(zip(ring, (*ring[1:], ring[0]), strict=True))
    return any((b, a) in steps for a, b in steps)


@given(st.lists(st.lists(INNER, min_size=3, max_size=9, unique=True), max_size=4))
def test_outlines_come_back_to_the_last_digit(rings: list[list[tuple[float, float]]]) -> None:
    shapes = [Shape(1 + k % 2, tuple(ring)) for k, ring in enumerate(rings)]
    text, cut = shapes_to_yolo(shapes, numbers={1: 0, 2: 1}, **SIZE)
    back = yolo_to_drawing(text, class_ids=[1, 2], **SIZE)
    assert not cut and back.lost == frozenset()
    # A ring that walks one stretch in both directions is read as one with a seam.
    if not any(walks_back(ring) for ring in rings):
        assert list(back.shapes) == shapes


def test_a_hole_comes_back_as_a_hole() -> None:
    shapes = [Shape(1, box(2, 2, 30, 20), group=4), Shape(1, box(8, 8, 5, 5), hole=True, group=4)]
    text, _ = shapes_to_yolo(shapes, numbers={1: 0}, **SIZE)
    assert text.count("\n") == 1
    back = yolo_to_drawing(text, class_ids=[7], **SIZE)
    assert sorted(s.hole for s in back.shapes) == [False, True]
    assert polygons_to_mask(back.shapes, **SIZE).sum() == 600 - 25


def test_parts_that_other_programs_join_in_a_line_stay_parts() -> None:
    parts = [box(2, 2, 20, 20), box(30, 5, 8, 8)]
    there = [point for part in parts for point in (*part, part[0])]
    line = " ".join(f"{x / SIZE['width']:.6f} {y / SIZE['height']:.6f}" for x, y in (*there, parts[0][0]))
    back = yolo_to_drawing(f"0 {line}\n", class_ids=[7], **SIZE)
    assert [(s.hole, s.group) for s in back.shapes] == [(False, 1), (False, 1)]
    assert polygons_to_mask(back.shapes, **SIZE).sum() == 400 + 64


def test_what_reaches_past_the_frame_is_cut_off_there() -> None:
    shapes = [Shape(1, box(40, -5, 30, 20), group=1), Shape(1, box(45, 5, 4, 4), hole=True, group=1)]
    text, cut = shapes_to_yolo(shapes, numbers={1: 0}, **SIZE)
    assert cut
    assert all(0 <= float(word) <= 1 for word in text.split()[1:])
    back = yolo_to_drawing(text, class_ids=[1], **SIZE)
    np.testing.assert_array_equal(polygons_to_mask(back.shapes, **SIZE), polygons_to_mask(shapes, **SIZE))


@pytest.mark.parametrize(
    ("line", "why", "lost"),
    [
        ("0 0.5 0.5 0.2 0.2", "line 1 is a box and no outline", 1),
        ("0 0.1 0.1 nan 0.1 0.2 0.2", "line 1 has a coordinate that is no number", 1),
        ("0 a b c d e f", "line 1 has a coordinate that is no number", 1),
        ("0 12 10 40 10 40 30", "line 1 has the coordinate 12, far outside 0 to 1: are these pixels? Divide x by", 1),
        ("0 0.1 0.1 0.2 -1.5 0.2 0.2", "line 1 has the coordinate -1.5, far outside 0 to 1", 1),
        ("0 0.1 0.1 0.2 0.2 0.3 0.1 0.4", "line 1 has 7 numbers", 1),
        ("0 0.1 0.1 0.1 0.1 0.1 0.1", "line 1 has 1 different point", 1),
        ("9 0.1 0.1 0.2 0.1 0.2 0.2", "line 1 is of class '9'", None),
        ("-1 0.1 0.1 0.2 0.1 0.2 0.2", "line 1 is of class '-1'", None),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_rest_goes_on(line: str, why: str, lost: int | None) -> None:
    good = "1 0.1 0.1 0.5 0.1 0.5 0.5\n"
    found = yolo_to_drawing(f"{line}\n{good}", class_ids=[1, 2], **SIZE)
    assert found.notes[0].startswith(why)
    assert [s.class_id for s in found.shapes] == [2]
    assert found.lost == {lost}


def test_an_outline_that_reaches_a_little_past_the_frame_is_read_as_it_is() -> None:
    found = yolo_to_drawing("0 -0.1 0.1 1.1 0.1 0.5 1.25\n", class_ids=[1], height=40, width=100)
    assert [s.points for s in found.shapes] == [((-10, 4), (110, 4), (50, 50))]
    assert found.lost == frozenset()


@given(st.lists(st.tuples(st.integers(0, 640), st.integers(0, 480)), min_size=3, max_size=20, unique=True))
def test_pixels_are_never_taken_for_parts_of_an_image(points: list[tuple[int, int]]) -> None:
    line = "0 " + " ".join(f"{x} {y}" for x, y in [*points, (640, 3)])
    found = yolo_to_drawing(line, class_ids=[1], height=480, width=640)
    assert not found.shapes
    assert found.unread == {1}


@given(st.text(alphabet="0123 .e-+\n#naif", max_size=80))
def test_whatever_a_file_holds_its_other_lines_come_through(text: str) -> None:
    found = yolo_to_drawing(f"{text}\n1 0.1 0.1 0.5 0.1 0.5 0.5\n", class_ids=[1, 2], **SIZE)
    assert found.shapes[-1].class_id == 2


@given(st.lists(st.text(min_size=1, max_size=8).filter(lambda t: t.isprintable() and t.strip() == t), min_size=1))
def test_names_come_back(names: list[str]) -> None:
    assert read_yolo_names(yolo_names(names), where="data.yaml") == names


@pytest.mark.parametrize(
    "text",
    [
        "names: [nerve, 'muscle']\n",
        "nc: 2\nnames:\n- nerve\n- muscle\n",
        "names:\n  0: nerve  # one\n  1: muscle\n",
        'names:\n- "nerve"   # left\n- muscle\nnc: 2\n',
        "names: ['nerve', \"muscle\",] # 'a', [b]\n",
        "names:\r\n- nerve\r\n- 'muscle'",
    ],
)
def test_names_are_read_as_other_programs_write_them(text: str) -> None:
    assert read_yolo_names(text, where="data.yaml") == ["nerve", "muscle"]


@pytest.mark.parametrize("text", ["", "names:\n", "names:\n  1: nerve\n"])
def test_a_list_without_names_is_refused(text: str) -> None:
    with pytest.raises(BrokenInput, match="has no names"):
        read_yolo_names(text, where="data.yaml")


@pytest.mark.parametrize("text", ["", "\n", "nerve\n\nmuscle\n"])
def test_a_list_with_an_empty_line_is_refused(text: str) -> None:
    with pytest.raises(BrokenInput, match="has no name in some line"):
        read_yolo_list(text, where="classes.txt")


def test_a_comma_in_quotes_is_part_of_a_name() -> None:
    assert read_yolo_names("names: ['nerve, left', \"it's\"]", where="data.yaml") == ["nerve, left", "it's"]


@pytest.mark.parametrize(
    "names",
    [
        "\n- >-\n  nerve\n- muscle",
        "\n- nerve\n  left\n- muscle",
        "\n- nerve: left",
        "\n- &a nerve\n- *a",
        "\n- 'nerve' left",
        '\n- "\\x41"',
        "\n  0: nerve\n  0: muscle",
        "\n- nerve\n  1: muscle",
        " [nerve, [muscle]]",
        " [nerve,\n  muscle]",
        " [nerve # one, muscle]",
        " [a: b]",
        " [nerve] muscle",
        " {0: nerve}",
        " names.txt",
        "\n- nerve\nnames:\n- muscle",
        "\n- nerve\x1cmuscle",
    ],
)
def test_names_in_a_spelling_that_is_not_read_are_refused(names: str) -> None:
    with pytest.raises(BrokenInput):
        read_yolo_names(f"names:{names}\n", where="data.yaml")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "gb18030"])
def test_a_list_in_another_encoding_is_refused(encoding: str) -> None:
    text = "神经\n肌肉\n".encode(encoding).decode("utf-8-sig", errors="replace")
    with pytest.raises(BrokenInput, match="no text in UTF-8"):
        read_yolo_list(text, where="classes.txt")
