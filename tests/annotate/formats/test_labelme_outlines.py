"""From the shapes of a Labelme file to outlines of classes."""

from __future__ import annotations

import base64
import json
import math

import numpy as np
import pytest
from labelme_json import TRIANGLE, labelme, shape

from dmr.annotate.formats.labelme import labelme_to_annotation, labelme_to_drawing, parse_labelme
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, ring_area

IDS = {"nerve": 1, "肌肉": 2}


def annotate(data: bytes, covered: frozenset[int] = frozenset()) -> tuple[Annotation, tuple[str, ...]]:
    file = parse_labelme(data, where="a.json")
    return labelme_to_annotation(file, resolve=IDS.get, height=10, width=12, covered=covered)


def test_rectangles_and_circles_become_polygons() -> None:
    annotation, notes = annotate(
        labelme(
            shape(points=[[8, 6], [2, 3]], shape_type="rectangle"),
            shape(points=[[5, 5], [5, 9]], shape_type="circle"),
            shape(points=[[5, 1], [9, 5], [5, 9], [1, 5]], shape_type="oriented_rectangle"),
        )
    )
    assert notes == ()
    assert [round(ring_area(s.points), 1) for s in annotation.shapes[::2]] == [18.0, 32.0]
    assert ring_area(annotation.shapes[1].points) == pytest.approx(math.pi * 16, rel=0.03)


def test_a_mask_shape_becomes_outlines_with_its_holes_and_islands() -> None:
    pixels = np.full((7, 7), 255, dtype=np.uint8)
    pixels[1:6, 1:6] = 0
    pixels[3, 3] = 255
    mask = base64.b64encode(encode_png(pixels)).decode()
    annotation, notes = annotate(
        labelme(shape(points=[[2, 1], [8, 7]], shape_type="mask", mask=mask), shape("肌肉", group_id=3))
    )
    wanted = np.zeros((10, 12), dtype=np.bool_)
    wanted[1:8, 2:9] = pixels > 0
    nerve = [s for s in annotation.shapes if s.class_id == 1]
    np.testing.assert_array_equal(polygons_to_mask(nerve, height=10, width=12), wanted)
    assert notes == ()


@pytest.mark.parametrize("mask", [None, "*", base64.b64encode(b"no PNG").decode()], ids=["none", "no base64", "no PNG"])
def test_a_mask_shape_without_readable_pixels_is_left_out_with_a_note(mask: str | None) -> None:
    annotation, notes = annotate(labelme(shape(points=[[2, 1], [8, 7]], shape_type="mask", mask=mask)))
    assert annotation.shapes == ()
    assert len(notes) == 1 and notes[0].endswith("(left out)")


def test_what_is_odd_about_outlines_is_noted_once() -> None:
    bow_tie = [[1, 1], [9, 8], [9, 1], [1, 8]]
    annotation, notes = annotate(
        labelme(
            shape("spine"),
            shape("spine"),
            shape(points=bow_tie),
            shape(points=[[-3, 1], [5, 1], [5, 8]]),
            shape(points=[[1, 1], [1.5, 1], [1, 1.5]]),
            shape("肌肉", points=[[20, 1], [25, 1], [20, 9]]),
        )
    )
    assert [s.points[0] for s in annotation.shapes] == [(1, 1), (-3, 1)]
    assert annotation.shapes[0].points == tuple((float(x), float(y)) for x, y in bow_tie)
    assert annotation.covered == set()  # nobody knows what a spine is: perhaps a nerve
    assert notes == (
        "label 'spine' is no class (left out)",
        "an outline crosses itself (kept)",
        "an outline reaches past the frame (kept)",
        "an outline of less than 1 px² (left out)",
        "an outline outside the frame (left out)",
    )


def test_holes_are_read_from_flags_and_a_hole_without_an_outline_is_noted() -> None:
    hole = shape(points=[[3, 2], [7, 2], [5, 5]], flags={"hole": True}, group_id=1)
    annotation, notes = annotate(labelme(shape(group_id=1), hole), covered=frozenset({1, 2}))
    assert [s.hole for s in annotation.shapes] == [False, True]
    assert (set(annotation.covered), notes) == ({1, 2}, ())
    assert annotate(labelme(shape(), hole))[1] == ("a hole belongs to no outline",)


def test_a_ring_that_repeats_its_first_point_is_closed_once() -> None:
    annotation, _ = annotate(labelme(shape(points=[*TRIANGLE, TRIANGLE[0]])))
    assert len(annotation.shapes[0].points) == 3


def test_a_tangle_and_a_mask_without_pixels_are_no_slips() -> None:
    rng = np.random.default_rng(0)
    empty = base64.b64encode(encode_png(np.zeros((6, 6), np.uint8))).decode()
    shapes = [
        {"label": "nerve", "shape_type": "polygon", "points": rng.uniform(0, 60, (300, 2)).tolist()},
        {"label": "artery", "shape_type": "mask", "points": [[1, 1], [6, 6]], "mask": empty},
        {"label": "muscle", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]},
    ]
    file = parse_labelme(json.dumps({"shapes": shapes, "imageHeight": 64, "imageWidth": 64}).encode(), where="a.json")
    classes = {"nerve": 1, "muscle": 2, "artery": 3}
    drawing = labelme_to_drawing(file, resolve=classes.get, height=64, width=64)

    assert drawing.unread == {1, 3}, "a mask of the frame is not written, and an import ends with 1"
    assert drawing.covered((1, 2, 3)) == {2}
    assert "a mask without pixels (left out)" in drawing.notes
