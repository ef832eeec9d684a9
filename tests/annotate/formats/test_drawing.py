"""What a reader left out is never called absent; holes and shape types as other programs write them."""

from __future__ import annotations

from typing import Any

import pytest
from labelme_json import labelme, shape

from dmr.annotate.formats.drawing import Drawing
from dmr.annotate.formats.labelme import labelme_to_drawing, parse_labelme, without_labels
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.shapes import Shape

IDS = {"nerve": 1, "muscle": 2}
ALL = (1, 2)
BOX = [[10, 10], [30, 10], [30, 20], [10, 20]]
INNER = [[15, 12], [25, 12], [25, 18], [15, 18]]


def background(points: list[list[int]]) -> dict[str, Any]:
    return shape("_background_", points=points)


def hole(points: list[list[int]]) -> dict[str, Any]:
    return shape("nerve", points=points, group_id=1, flags={"hole": True})


def drawing(*shapes: dict[str, Any], ignored: str = "(none)") -> Drawing:
    file = without_labels(parse_labelme(labelme(*shapes), where="a.json"), lambda label: label == ignored)
    return labelme_to_drawing(file, resolve=IDS.get, height=40, width=60)


def area(found: Drawing) -> int:
    return int(polygons_to_mask(found.shapes, height=40, width=60).sum())


def test_a_class_that_lost_something_is_not_covered_and_the_others_are() -> None:
    ring = ((0.0, 0.0), (5.0, 0.0), (5.0, 5.0))
    found = Drawing((Shape(1, ring), Shape(2, ring)), lost=frozenset({2, 3}))

    assert found.covered() == {1}
    assert found.covered((1, 2, 3, 4)) == {1, 4}
    assert Drawing((Shape(1, ring),), lost=frozenset({None})).covered((1, 2)) == set()


@pytest.mark.parametrize(
    ("odd", "covered"),
    [
        pytest.param(shape("nerve", points=[[1, 1], [2, 2]]), {2}, id="too few points"),
        pytest.param(shape("nerve", points=BOX, shape_type="ellipse"), {2}, id="unknown type"),
        pytest.param(shape("nerve", points=[[1, 1]], shape_type="point"), {2}, id="without area"),
        pytest.param(shape("nerve", points=[[1, None], [2, 2], [3, 1]]), {2}, id="no number"),
        pytest.param(shape("nerve", points=[[99, 9], [99, 8], [98, 9]]), {2}, id="outside the frame"),
        pytest.param(shape("nerve", points=[[1, 1], [1.2, 1], [1, 1.2]]), {2}, id="a slip"),
        pytest.param(shape("nerve", points=[[1, 1], [9, 9]], shape_type="mask"), {2}, id="mask without pixels"),
        pytest.param(shape("nerve", points=BOX, flags={"hole": True}), {2}, id="hole of nothing"),
        pytest.param(shape("Nerv", points=BOX), set(), id="unknown label"),
        pytest.param(shape("", points=BOX), set(), id="empty label"),
        pytest.param({"points": BOX}, set(), id="no label"),
        pytest.param("nerve", set(), id="no object"),
    ],
)
def test_what_was_left_out_takes_its_class_out_of_what_is_covered(odd: Any, covered: set[int]) -> None:
    assert drawing(odd, shape("muscle", points=BOX)).covered(ALL) == covered


@pytest.mark.parametrize("points", [BOX, [[1, 1]]], ids=["whole", "broken"])
def test_an_ignored_label_takes_nothing_away(points: list[list[int]]) -> None:
    found = drawing(shape("jizhu", points=points), shape("muscle", points=BOX), ignored="jizhu")

    assert found.covered(ALL) == {1, 2}


@pytest.mark.parametrize("kind", ["rectangle", "rotation", "oriented_rectangle"])
def test_corners_that_are_written_row_by_row_are_a_rectangle_and_no_figure_of_eight(kind: str) -> None:
    found = drawing(shape("nerve", points=[[5, 5], [25, 5], [5, 15], [25, 15]], shape_type=kind))
    assert (area(found), found.notes) == (200, ())


@pytest.mark.parametrize("kind", ["rectangle", "rotation", "quadrilateral", "ai_polygon", "oriented_rectangle"])
def test_four_corners_are_an_outline_whatever_the_program_calls_them(kind: str) -> None:
    found = drawing(shape("nerve", points=BOX, shape_type=kind))

    assert (area(found), found.notes) == (200, ())


def test_an_unknown_type_is_named_and_not_said_to_have_no_area() -> None:
    file = parse_labelme(labelme(shape("nerve", points=BOX, shape_type="ellipse")), where="a.json")

    assert file.notes == ("shape 1 'nerve' is of the unknown type 'ellipse': left out",)


def test_a_background_shape_is_a_hole_in_what_it_lies_in() -> None:
    found = drawing(shape("nerve", points=BOX), shape("muscle", points=[[0, 0], [9, 0], [9, 9]]), background(INNER))

    assert area(Drawing(tuple(s for s in found.shapes if s.class_id == 1))) == 140
    assert found.covered(ALL) == {1, 2}
    assert found.notes == ("_background_ shapes are cut out of the shapes that they lie in",)


def test_a_background_shape_that_lies_partly_outside_takes_coverage_away() -> None:
    found = drawing(shape("nerve", points=BOX), background([[25, 12], [40, 12], [40, 18], [25, 18]]))

    assert (area(found), found.covered(ALL)) == (200, frozenset({2}))


def test_a_shape_marked_difficult_in_another_one_of_its_group_is_a_hole() -> None:
    outer, inner = shape("nerve", points=BOX, group_id=1), shape("nerve", points=INNER, group_id=1, difficult=True)

    assert area(drawing(outer, inner)) == 140
    assert area(drawing(shape("nerve", points=INNER, difficult=True))) == 60  # hard to see, and no hole


def test_a_shape_marked_difficult_in_another_one_without_a_group_is_not_guessed_at() -> None:
    found = drawing(shape("nerve", points=BOX), shape("nerve", points=INNER, difficult=True))

    assert (area(found), found.covered(ALL)) == (200, frozenset({2}))


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param([shape("nerve", points=BOX, group_id=1), hole(BOX)], id="a hole as large as its outline"),
        pytest.param([shape("nerve", points=BOX, group_id=1, flags={"hole": True})], id="the outline is the hole"),
        pytest.param([shape("nerve", points=[[9, 9.6], [50, 9.6], [50, 9.7], [9, 9.7]])], id="a sliver"),
        pytest.param([shape("nerve", points=[[1, 1], [1.2, 1], [1, 1.2]])], id="a speck"),
        pytest.param([shape("nerve", points=BOX), background(BOX)], id="background as large as its outline"),
    ],
)
def test_a_class_that_was_drawn_and_leaves_no_pixel_is_not_covered_and_told(shapes: list[dict[str, Any]]) -> None:
    found = drawing(*shapes, shape("muscle", points=[[40, 20], [50, 20], [50, 30]]))

    assert found.covered(ALL) == {2} and found.unread == {1}
    assert found.notes


def test_a_drawing_on_a_smaller_frame_loses_what_lies_outside_of_it() -> None:
    ring = ((20.0, 20.0), (30.0, 20.0), (30.0, 30.0))
    found = Drawing((Shape(1, ring),)).annotation(height=10, width=10, asserted=ALL)

    assert found.covered == {2}


@pytest.mark.parametrize("groups", [("a", "b"), (1.5, 2.5), ("1", 1), ([1], [2])], ids=str)
def test_equal_groups_of_any_kind_are_one_and_others_are_left_alone(groups: tuple[Any, Any]) -> None:
    one, other = groups
    found = drawing(
        shape("nerve", points=BOX, group_id=one),
        shape("nerve", points=INNER, group_id=other),
        shape("nerve", points=INNER, group_id=one, flags={"hole": True}),
    )

    outer, inner, cut = (s.group for s in found.shapes)
    assert outer == cut != inner
    assert area(found) == 200  # the part of another group stays in the hole
