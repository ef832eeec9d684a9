"""What goes to Label Studio comes back: points, holes, labels; what cannot be taken over is told."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.geometry.raster import polygons_to_mask, shapes_to_layers
from dmr.annotate.geometry.seam import join_holes, split_seam
from dmr.annotate.geometry.trace import mask_to_shapes
from dmr.annotate.settings.model import ImportSettings, Settings
from dmr.annotate.shapes import Ring, Shape
from dmr.annotate.studio.answers.reading import count_notes, read_regions
from dmr.annotate.studio.interface.config import label_config, read_interface
from dmr.annotate.studio.projects.payload import (
    DraftRegion,
    RegionError,
    region_to_json,
    regions_to_shapes,
    shapes_to_regions,
)
from dmr.annotate.studio.projects.queues import with_labels
from dmr.annotate.studio.pulling.submission import without_ignored

CLASSES = Classes(
    [
        ClassDef(1, "psoas", ("yaodaji",), "#0072B2", 10),
        ClassDef(2, "plexus", (), "#E69F00", 30, inside="psoas"),
        ClassDef(3, "bone", (), "#D55E00", 20),
    ]
)
INTERFACE = read_interface(label_config(CLASSES), classes=CLASSES)
SQUARE: Ring = ((10.0, 10.0), (50.0, 10.0), (50.0, 40.0), (10.0, 40.0))


def sent(shapes: tuple[Shape, ...], *, height: int = 60, width: int = 80) -> list[DraftRegion]:
    return shapes_to_regions(
        shapes, interface=INTERFACE, order=CLASSES.paint_order(), height=height, width=width, key="k"
    )


def payload(drafts: list[DraftRegion]) -> list[dict[str, Any]]:
    """As it is sent, by way of a text as on the wire."""
    sent: list[dict[str, Any]] = json.loads(json.dumps([region_to_json(d.region, interface=INTERFACE) for d in drafts]))
    return sent


def back(results: list[Any], *, height: int = 60, width: int = 80, **more: Any) -> tuple[Shape, ...]:
    return regions_to_shapes(read_regions(results), classes=CLASSES, height=height, width=width, **more)


def test_a_new_project_offers_the_classes_with_their_colours_the_inner_one_last() -> None:
    root = ElementTree.fromstring(label_config(CLASSES))
    for control in ("PolygonLabels", "EllipseLabels"):
        labels = [(label.get("value"), label.get("background")) for label in root.findall(f".//{control}/Label")]
        assert labels == [("psoas", "#0072B2"), ("bone", "#D55E00"), ("plexus", "#E69F00")]
    assert (INTERFACE.control, INTERFACE.image, INTERFACE.strangers) == ("label", "image", ())
    assert INTERFACE.labels == {1: "psoas", 3: "bone", 2: "plexus"}


def test_an_interface_that_somebody_changed_is_read_by_names_and_aliases() -> None:
    config = label_config(CLASSES).replace('"psoas"', '"Yaodaji"').replace('"bone"', '"Knochen"')
    found = read_interface(config.replace('name="label"', 'name="poly"'), classes=CLASSES)
    assert (found.control, found.image, found.strangers) == ("poly", "image", ("Knochen",))
    assert found.labels == {1: "Yaodaji", 2: "plexus"}
    more = read_interface(with_labels(config, [CLASSES.by_id(3)]), classes=CLASSES)
    assert more.labels == {1: "Yaodaji", 2: "plexus", 3: "bone"}


@pytest.mark.parametrize(("config", "told"), [("<View>", "no XML"), ("<View/>", "no PolygonLabels")])
def test_an_interface_without_polygons_is_refused(config: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_interface(config, classes=CLASSES)


def test_points_are_percent_and_inner_classes_come_first_so_that_they_can_be_clicked() -> None:
    inner = Shape(2, ((20.0, 20.0), (30.0, 20.0), (30.0, 30.0)))
    first, second = payload(sent((Shape(1, SQUARE), inner)))
    assert first["value"]["polygonlabels"] == ["plexus"]
    assert second["value"]["polygonlabels"] == ["psoas"]
    assert second["value"]["points"][0] == [12.5, 100 * 10 / 60]
    assert (second["original_width"], second["original_height"]) == (80, 60)
    assert first["id"] != second["id"]


@given(
    st.lists(
        st.tuples(st.integers(0, 80 * 64), st.integers(0, 60 * 64)).map(lambda p: (p[0] / 64, p[1] / 64)),
        min_size=3,
        max_size=12,
        unique=True,
    ),
    st.integers(60, 2000),
    st.integers(80, 2000),
)
def test_a_polygon_comes_back_with_the_very_same_points(points: list[tuple[float, float]], h: int, w: int) -> None:
    shape = Shape(1, tuple(points))
    regions = payload(sent((shape,), height=h, width=w))
    try:
        (returned,) = back(regions, height=h, width=w)
    except ValueError as error:
        assert "line without area" in str(error) or "leaves no pixel" in str(error)
        return
    assert returned.points == shape.points or set(returned.points) <= set(shape.points)  # a spike falls away


@given(arrays(np.bool_, st.tuples(st.integers(3, 14), st.integers(3, 14))))
def test_a_mask_with_holes_and_islands_comes_back_bit_for_bit(mask: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    shapes = mask_to_shapes(mask, class_id=1)
    regions = payload(sent(shapes, height=height, width=width))
    assert len(regions) == sum(not s.hole for s in shapes)
    returned = back(regions, height=height, width=width)
    assert (shapes_to_layers(returned, class_ids=[1], height=height, width=width)[0] == mask).all()


def test_a_seam_is_found_again_and_the_hole_with_it() -> None:
    hole: Ring = ((20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 30.0))
    other: Ring = ((35.0, 20.0), (45.0, 20.0), (45.0, 30.0), (35.0, 30.0))
    ring = join_holes(SQUARE, [hole, other])
    assert len(ring) == 4 + 2 * (4 + 2)
    ((outline, holes),) = split_seam(ring)
    assert set(outline) == set(SQUARE)
    assert {frozenset(h) for h in holes} == {frozenset(hole), frozenset(other)}
    assert split_seam(SQUARE) == ((SQUARE, ()),)


def test_what_nobody_moved_is_exactly_what_was_sent_and_the_rest_is_what_was_drawn() -> None:
    third = Shape(1, ((1 / 3, 1 / 7), (20.1, 2 / 3), (10.7, 19.9)))
    hole = Shape(1, ((20.0, 20.0), (30.0, 20.0), (25.0, 30.0)), hole=True, group=7)
    regions = sent((third, Shape(1, SQUARE, group=7), hole))
    answer = payload(regions)
    returned = back(answer, sent=regions)
    assert returned[0].points == third.points  # to the last bit, though a third has no end in percent
    assert [(s.points, s.hole) for s in returned[1:]] == [(SQUARE, False), (hole.points, True)]
    assert returned[1].group == returned[2].group
    moved = dict(answer[-1], value=dict(answer[-1]["value"], points=[[0, 0], [50, 0], [50, 50]]))
    assert back([moved], sent=regions)[0].points == ((0.0, 0.0), (40.0, 0.0), (40.0, 30.0))


def change(**changes: Any) -> dict[str, Any]:
    (region,) = payload(sent((Shape(1, SQUARE),)))
    value = dict(region["value"]) | {k: v for k, v in changes.items() if k in ("points", "polygonlabels", "closed")}
    return region | {k: v for k, v in changes.items() if k not in value} | {"value": value}


def more(**values: Any) -> dict[str, Any]:
    """A region whose value holds more."""
    return change() | {"value": change()["value"] | values}


@pytest.mark.parametrize(
    ("region", "told"),
    [
        pytest.param(change(polygonlabels=["Nerv"]), "the label 'Nerv' is no class", id="renamed label"),
        pytest.param(change(polygonlabels=[]), "an outline has no label", id="no label"),
        pytest.param(change(points=[[0, 0], [1, 1]]), "has 2 corners", id="two corners"),
        pytest.param(change(points=[[0, 0], [1, 1], [2, 2]]), "a line without area", id="a line"),
        pytest.param(change(points=[[150, 150], [160, 150], [160, 160]]), "lies outside the frame", id="outside"),
        pytest.param(change(points=[[0, 0], [1, float("nan")], [2, 0]]), "no number", id="not a number"),
        pytest.param(change(points=[[0, 0], [1, None], [2, 0]]), "corner that is no number", id="a null"),
        pytest.param(change(points=[[0, 0], [1, "5"], [2, 0]]), "corner that is no number", id="a text"),
        pytest.param(change(points=[[0, 0], [1, 10**400], [2, 0]]), "corner that is no number", id="beyond any float"),
        pytest.param(change(points=[[0, 0], [1, True], [2, 0]]), "corner that is no number", id="a truth value"),
        pytest.param(change(points=[[0, 0], [1], [2, 0]]), "corner that is no number", id="half a corner"),
        pytest.param(change(points=[[0, 0], None, [2, 0]]), "corner that is no number", id="no corner"),
        pytest.param(change(points="none"), "corner that is no number", id="no list of corners"),
        pytest.param(change(points=None), "has 0 corners", id="no corners"),
        pytest.param(change(points=[[0, 0], [1, 1e9], [2, 0]]), "corner that is no number", id="miles away"),
        pytest.param(change(original_height="tall"), 'the original_height "tall"', id="a text for a height"),
        pytest.param(change(original_height=61, original_width=None), "0 x 61 px, and the", id="another height"),
        pytest.param(change(polygonlabels=["psoas", "lumbar_plexus"]), "has 2 labels, 'psoas', ", id="two labels"),
        pytest.param(change(image_rotation="left"), 'turned by "left"', id="turned by a word"),
        pytest.param(change(original_width=81), "81 x 60 px, and the frame is 80 x 60", id="another image"),
        pytest.param(change(image_rotation=90), "turned by 90 degrees", id="turned"),
        pytest.param(change(polygonlabels=[None]), "an outline has no label", id="null for a label"),
        pytest.param(change(polygonlabels=[" "]), "an outline has no label", id="a blank for a label"),
        pytest.param(change(polygonlabels="psoas"), 'has the labels "psoas"', id="a text for labels"),
        pytest.param(change(polygonlabels=5), "has the labels 5", id="a number for labels"),
        pytest.param(change(points=[[1, 1], [9, 9], [1, 1], [9, 9]]), "a line without area", id="there and back"),
        pytest.param(change(closed=False), "is not closed", id="open"),
        pytest.param(change(type=None), "a region has the type null", id="no type"),
        pytest.param(change(type="choices"), "of type 'choices', which dmr does not read", id="a choice for a region"),
        pytest.param(change() | {"value": None}, "a region has the value null", id="no value"),
        pytest.param(more(holes=[[[2, 2], [3, 2], [3, 3]]]), "has more than corners: 'holes'", id="holes beside it"),
        pytest.param(more(curves={"0": [1, 2]}), "has more than corners: 'curves'", id="an object beside it"),
        pytest.param(more(rotation=30), "has more than corners: 'rotation'", id="turned by itself"),
        pytest.param(change(to_name="other"), "drawn on another image of the task, 'other'", id="second image"),
        *(
            pytest.param(
                {"id": "r", "type": f"{kind}labels", "value": {f"{kind}labels": ["psoas"], "x": 1}} | size,
                f"a region of 'psoas' is of type '{kind}labels', which dmr does not read",
                id=f"{kind}, {'with' if size else 'without'} a size",
            )
            for kind in ("hypertext", "hyper")
            for size in ({}, {"original_width": 80, "original_height": 60})
        ),
    ],
)
def test_what_cannot_be_taken_over_is_told_and_never_dropped(region: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        back([region])


def test_a_line_is_told_with_the_remedy_that_fits() -> None:
    mark = {"id": "k", "type": "vectorlabels", "value": {"vertices": [], "vectorlabels": ["psoas"]}}
    with pytest.raises(RegionError, match="a line of 'psoas' has no area") as told:
        back([mark])
    assert told.value.remedy == "Outline the structure by a polygon, or delete what marks it,"
    assert told.value.elsewhere == "", "no alias gives it an area"


def test_each_refusal_says_which_class_may_be_drawn_there() -> None:
    cases: list[tuple[dict[str, Any], set[int | None]]] = [
        (change(closed=False), {1}),
        (change(polygonlabels=["psoas", "lumbar_plexus"]), {1, None}),
        (change(polygonlabels=["ganglion"]), {None}),
        (change(polygonlabels=[]), {None}),
    ]
    for region, lost in cases:
        with pytest.raises(RegionError) as told:
            back([region])
        assert told.value.lost == lost


def test_a_figure_of_eight_has_the_area_of_its_two_lobes_and_is_taken() -> None:
    """They cancel in the shoelace formula."""
    corners = [[10, 10], [30, 30], [30, 10], [10, 30]]
    (shape,) = back([change(points=corners)])
    assert shape.points == ((8.0, 6.0), (24.0, 18.0), (24.0, 6.0), (8.0, 18.0))
    assert polygons_to_mask([shape], height=60, width=80).sum() == pytest.approx(16 * 12 / 2, abs=16)


@pytest.mark.parametrize("turns", [360, -360, 720, 360.0])
def test_an_image_that_was_turned_all_round_is_not_turned(turns: float) -> None:
    assert back([change(image_rotation=turns)]) == back([change()])


def test_a_region_with_an_ignored_label_is_left_out_and_one_with_a_class_or_without_a_label_is_not() -> None:
    regions = read_regions([change(polygonlabels=[label] if label else []) for label in ("jizhu", "psoas", "Nerv", "")])
    settings = Settings(CLASSES, ImportSettings(ignore=("Jizhu",)))

    assert without_ignored(regions, settings) == (regions[1:], 1)


@pytest.mark.parametrize("whole", [more(holes=[], note="typed", tags=["a"], rotation=0), change(to_name=None)])
def test_what_changes_no_outline_is_passed_over(whole: dict[str, Any]) -> None:
    assert back([whole]) == back([change()])
    assert back([change(to_name="scan")], image="scan") == back([change()])


def test_a_note_on_an_outline_is_left_out_and_one_without_its_outline_is_told() -> None:
    note = change(type="textarea") | {"value": change()["value"] | {"text": ["typed"]}}
    assert back([change(), note]) == back([note, change()]) == back([change()])
    assert (count_notes([change(), note]), count_notes([change()])) == (1, 0)
    for alone in ([note], [change(), note | {"id": "another"}], [{"value": note["value"], "type": "choices"}]):
        with pytest.raises(ValueError, match="which dmr does not read"):
            back(alone)


def test_a_choice_about_the_whole_frame_is_no_outline() -> None:
    assert back([{"id": "c", "type": "choices", "from_name": "quality", "value": {"choices": ["poor"]}}]) == ()


@pytest.mark.parametrize("size", [{}, {"original_width": None, "original_height": None}, {"original_height": 60}])
def test_an_outline_without_the_size_of_its_image_is_taken_by_its_percents(size: dict[str, Any]) -> None:
    whole = change()
    bare = {k: v for k, v in whole.items() if not k.startswith("original_")} | size
    assert back([bare]) == back([whole]) != ()


def test_a_label_that_comes_twice_in_a_region_is_one_and_an_ignored_one_hides_no_other() -> None:
    assert back([change(polygonlabels=["psoas", "psoas"])]) == back([change(polygonlabels=["psoas"])])
    regions = read_regions([change(polygonlabels=["jizhu", "psoas"])])
    assert without_ignored(regions, Settings(CLASSES, ImportSettings(ignore=("jizhu",)))) == (regions, 0)
