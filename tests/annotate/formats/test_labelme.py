"""Writing Labelme files, and reading them back: by us and by Labelme itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.formats.labelme import (
    annotation_to_labelme,
    labelme_to_annotation,
    parse_labelme,
    read_labelme,
)
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Ring, Shape

NAMES = {1: "nerve", 2: "肌肉"}
IDS = {name: class_id for class_id, name in NAMES.items()}


@st.composite
def star(draw: st.DrawFn) -> Ring:
    """A ring round a point, so that it neither crosses itself nor shrinks to nothing."""
    x, y = draw(st.floats(0, 200)), draw(st.floats(0, 100))
    radii = draw(st.lists(st.floats(2, 50), min_size=3, max_size=12))
    turns = [2 * math.pi * n / len(radii) for n in range(len(radii))]
    return tuple((x + r * math.cos(t), y + r * math.sin(t)) for r, t in zip(radii, turns, strict=True))


SHAPES = st.builds(Shape, st.sampled_from([1, 2]), star(), hole=st.booleans(), group=st.none() | st.integers(0, 2**40))
ANNOTATIONS = st.builds(
    Annotation, st.just(100), st.just(200), st.lists(SHAPES).map(tuple), st.frozensets(st.integers(1, 5))
)


@given(ANNOTATIONS)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back_exactly(annotation: Annotation) -> None:
    data = annotation_to_labelme(annotation, names=NAMES, image_path="../frames/a.png", flags={"seen": True})
    file = parse_labelme(data, where="a.json")
    again, _ = labelme_to_annotation(file, resolve=IDS.get, height=100, width=200, covered=annotation.covered)
    assert again.shapes == annotation.shapes
    assert (file.height, file.width, file.image_path, file.flags) == (100, 200, "../frames/a.png", {"seen": True})
    assert file.notes == ()
    assert annotation_to_labelme(again, names=NAMES, image_path="../frames/a.png", flags={"seen": True}) == data


def test_the_written_file_is_a_line_a_shape_in_plain_utf_8() -> None:
    ring = ((1.0, 2.0), (3.25, 2.0), (3.0, 4.0))
    annotation = Annotation(5, 6, (Shape(2, ring, hole=True, group=7),), frozenset({2}))
    data = annotation_to_labelme(
        annotation,
        names=NAMES,
        image_path="a.png",
        shape_flags=[{"sure": False}],
        descriptions=["看"],
        extra={"dmr": {"round": 1}},
    )
    assert data.decode("utf-8") == (
        "{\n"
        '  "version": "6.3.1",\n'
        '  "flags": {},\n'
        '  "shapes": [\n'
        '    {"label": "肌肉", "points": [[1.0, 2.0], [3.25, 2.0], [3.0, 4.0]], "group_id": 7, "description": "看",'
        ' "shape_type": "polygon", "flags": {"sure": false, "hole": true}, "mask": null}\n'
        "  ],\n"
        '  "imagePath": "a.png",\n'
        '  "imageData": null,\n'
        '  "imageHeight": 5,\n'
        '  "imageWidth": 6,\n'
        '  "dmr": {"round": 1}\n'
        "}\n"
    )


def test_a_file_name_that_is_no_unicode_is_written_and_read_back() -> None:
    name = b"p\xff01.png".decode("utf-8", errors="surrogateescape")
    data = annotation_to_labelme(Annotation(1, 1, (), frozenset()), names={}, image_path=name)
    assert parse_labelme(data, where="a.json").image_path == name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": {}}, "class id 1 has no name"),
        ({"extra": {"shapes": []}}, "Labelme's own"),
        ({"descriptions": ["one", "two"]}, "2 entries for 1 shapes"),
    ],
    ids=["no name", "reserved key", "one text too many"],
)
def test_writing_refuses_what_would_be_lost(arguments: Mapping[str, Any], words: str) -> None:
    annotation = Annotation(5, 5, (Shape(1, ((0, 0), (1, 0), (1, 1))),), frozenset())
    with pytest.raises(ValueError, match=words):
        annotation_to_labelme(annotation, **{"names": NAMES, "image_path": "a.png", **arguments})


@pytest.mark.filterwarnings("ignore")
def test_labelmes_own_loader_reads_what_we_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    label_file = pytest.importorskip("labelme._label_file")
    (tmp_path / "frames").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "frames" / "a.png").write_bytes(encode_png(np.zeros((20, 30), dtype=np.uint8)))
    shapes = (
        Shape(1, ((1.0, 2.0), (10.5, 2.0), (10.0, 12.0)), group=4),
        Shape(1, ((6.0, 4.0), (9.0, 4.0), (9.0, 7.0)), hole=True, group=4),
        Shape(2, ((0.0, 0.0), (3.0, 0.0), (3.0, 3.0))),
    )
    path = tmp_path / "annotations" / "a.json"
    path.write_bytes(
        annotation_to_labelme(
            Annotation(20, 30, shapes, frozenset({1, 2})),
            names=NAMES,
            image_path="../frames/a.png",
            flags={"reviewed": False},
            shape_flags=[{"unsure": True}, {}, {}],
            extra={"dmr": {"covered": [1, 2]}},
        )
    )
    loaded = label_file.LabelFile(str(path))
    assert loaded.flags == {"reviewed": False}
    assert loaded.other_data == {"dmr": {"covered": [1, 2]}}
    assert [(s["label"], s["group_id"], s["flags"], s["shape_type"]) for s in loaded.shapes] == [
        ("nerve", 4, {"unsure": True}, "polygon"),
        ("nerve", 4, {"hole": True}, "polygon"),
        ("肌肉", None, {}, "polygon"),
    ]
    assert [[tuple(point) for point in s["points"]] for s in loaded.shapes] == [list(s.points) for s in shapes]
    # And what Labelme saves again is read as before.
    loaded.save(
        str(path),
        shapes=[{**s, "mask": None} for s in loaded.shapes],
        image_path=loaded.image_path,
        image_height=20,
        image_width=30,
        other_data=loaded.other_data,
        flags=loaded.flags,
    )
    again, notes = labelme_to_annotation(
        read_labelme(path), resolve=IDS.get, height=20, width=30, covered=frozenset({1, 2})
    )
    assert (again.shapes, notes) == (shapes, ())
