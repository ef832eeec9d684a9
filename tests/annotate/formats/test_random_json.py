"""Whatever JSON stands in a place of a file, the other items come through and nothing but our own errors is raised."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.coco_reading import from_coco
from dmr.annotate.formats.labelme import labelme_to_drawing, parse_labelme

NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**70, 10**300, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=4) | st.sampled_from(["nerve", "rectangle", "mask"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
RING = [2, 2, 8, 2, 8, 7, 2, 7]


def data_set() -> dict[str, Any]:
    images = [{"id": k, "file_name": f"{k}.png", "height": 20, "width": 20} for k in (1, 2)]
    runs = {"size": [20, 20], "counts": [40, 5, 355]}
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [RING, list(RING)]},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": runs},
        {"id": 3, "image_id": 2, "category_id": 2, "segmentation": [list(RING)]},
    ]
    categories = [{"id": 1, "name": "nerve"}, {"id": 2, "name": "muscle"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead there."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path] * bool(path) + [place for key, value in items for place in places(value, (*path, key))]


def changed(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    content = json.loads(json.dumps(content))  # no list is in it twice
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


@given(st.sampled_from(places(data_set())), JSON)
def test_a_coco_file_with_anything_in_one_place_gives_the_rest(path: tuple[Any, ...], value: Any) -> None:
    try:
        read = from_coco(changed(data_set(), path, value), where="c.json")
    except BrokenInput:
        assert path in (("images",), ("annotations",))
        return
    second = next((image for image in read.images if image.name == "2.png"), None)
    if path[:2] in (("images", 0), ("annotations", 0), ("annotations", 1), ("categories", 0)):
        # An id that was changed may be the other one's.
        doubled = path[-1] == "id" and value in (2, "2") and value is not True
        moved = path[-1] == "image_id"
        assert second is not None or doubled
        if second is not None and not moved and not doubled:
            (outline,) = second.drawing.shapes
            assert outline.points == ((2, 2), (8, 2), (8, 7), (2, 7))
    for failure in read.failures:
        assert "object" not in str(failure) and "Error" not in str(failure)


@given(st.sampled_from(places(data_set()["annotations"][0], ("annotations", 0))), JSON)
def test_what_a_coco_annotation_lost_is_never_covered(path: tuple[Any, ...], value: Any) -> None:
    whole = from_coco(data_set(), where="c.json").images[0].drawing
    read = from_coco(changed(data_set(), path, value), where="c.json").images[0].drawing
    if len(read.shapes) < len(whole.shapes) and (path[-1] != "image_id" or value is None):
        assert 1 not in read.covered((1, 2)) or (path[-1] == "category_id" and value in (2, 2.0, "2"))


def labelme_file() -> dict[str, Any]:
    points = [[10, 10], [30, 10], [30, 20], [10, 20]]
    shape = {"label": "nerve", "points": points, "group_id": 1, "shape_type": "polygon", "flags": {"hole": False}}
    size = {"imageHeight": 40, "imageWidth": 60}
    other = {**shape, "label": "muscle", "group_id": None}
    return {"shapes": [shape, other], "imagePath": "a.png", "imageData": None, "flags": {}, **size, "dmr_lost": []}


@given(st.sampled_from(places(labelme_file())), JSON)
def test_a_labelme_file_with_anything_in_one_place_gives_the_rest(path: tuple[Any, ...], value: Any) -> None:
    data = json.dumps(changed(labelme_file(), path, value)).encode()
    try:
        file = parse_labelme(data, where="a.json")
    except BrokenInput as error:
        is_number = isinstance(value, float) or "Infinity" in data.decode() or "NaN" in data.decode()
        assert path == ("shapes",) or is_number, error
        return
    drawing = labelme_to_drawing(file, resolve={"nerve": 1, "muscle": 2}.get, height=40, width=60)
    if path[:2] == ("shapes", 0):
        assert any(s.class_id == 2 and len(s.points) == 4 for s in drawing.shapes)
        if not any(s.class_id == 1 for s in drawing.shapes):
            assert 1 not in drawing.covered((1, 2)) or (path[-1] == "label" and value in ("muscle",))


@pytest.mark.parametrize("value", [None, 3, {"nerve": True}, [3]])
def test_a_lost_list_that_says_no_labels_covers_nothing(value: Any) -> None:
    file = parse_labelme(json.dumps(labelme_file() | {"dmr_lost": value}).encode(), where="a.json")
    drawing = labelme_to_drawing(file, resolve={"nerve": 1, "muscle": 2}.get, height=40, width=60)
    assert drawing.covered((1, 2)) == set()
