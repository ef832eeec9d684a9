from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.labelme import (
    LabelmeFile,
    annotation_to_labelme,
    find_image,
    labelme_to_annotation,
    parse_labelme,
    read_labelme,
)
from dmr.annotate.formats.labelme_reading import MOST_BYTES
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Ring, Shape, ring_area

NAMES = {1: "nerve", 2: "肌肉"}
IDS = {name: class_id for class_id, name in NAMES.items()}
TRIANGLE = [[1, 1], [9.5, 1], [5, 8]]


def labelme(*shapes: Any, **more: Any) -> bytes:
    content: dict[str, Any] = {
        "version": "5.0.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
    }
    return json.dumps({**content, "imageHeight": 10, "imageWidth": 12, **more}).encode()


def shape(label: Any = "nerve", points: Any = TRIANGLE, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon", "flags": {}, "group_id": None, **more}


def annotate(data: bytes, covered: frozenset[int] | None = None) -> tuple[Annotation, tuple[str, ...]]:
    file = parse_labelme(data, where="a.json")
    return labelme_to_annotation(file, resolve=IDS.get, height=10, width=12, covered=covered)


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
    assert again == annotation
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


def test_an_old_file_without_shape_types_and_sizes_is_read() -> None:
    old = {
        "version": "3.6.10",
        "flags": {},
        "shapes": [{"label": "nerve", "line_color": None, "fill_color": None, "points": TRIANGLE}],
        "lineColor": [0, 255, 0, 128],
        "fillColor": [255, 0, 0, 128],
        "imagePath": "..\\scans\\a.jpg",
        "imageData": base64.b64encode(b"jpeg").decode(),
    }
    file = parse_labelme(json.dumps(old).encode(), where="a.json")
    assert (file.height, file.width, file.image_data) == (None, None, b"jpeg")
    assert file.shapes[0].shape_type == "polygon"
    assert file.extra == {"lineColor": [0, 255, 0, 128], "fillColor": [255, 0, 0, 128]}
    assert file.notes == ("backslashes in imagePath", "imageData embedded")


@pytest.mark.parametrize(
    ("codec", "encoding", "notes"),
    [
        ("utf-8", "utf-8", ()),
        ("utf-8-sig", "utf-8-sig", ("begins with a byte order mark",)),
        ("gbk", "gb18030", ("not UTF-8 (read as gb18030)",)),
    ],
)
def test_text_is_read_in_the_encodings_that_occur(codec: str, encoding: str, notes: tuple[str, ...]) -> None:
    text = json.dumps(json.loads(labelme(shape("肌肉"))), ensure_ascii=False)
    file = parse_labelme(text.encode(codec), where="a.json")
    assert (file.shapes[0].label, file.encoding, file.notes) == ("肌肉", encoding, notes)


DEEP = b'{"shapes": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no JSON: Expecting value in line 1, column 1"),
        (b'{"shapes": [', "is no JSON"),
        (b"[]", "has no 'shapes'"),
        (b'{"labels": []}', "has no 'shapes'"),
        (b'{"shapes": {}}', "no list"),
        (b'{"shapes": [], "x": NaN}', "NaN is no number"),
        (b'{"shapes": [], "x": -Infinity}', "-Infinity is no number"),
        (b'{"shapes": [], "shapes": []}', "a key stands twice"),
        (b'{"shapes": [], "x": ' + b"1" * 5000 + b"}", "too long"),
        (DEEP, "nested too deep"),
        (b"\xff\xff\xff\x00", "neither in UTF-8 nor in GB18030"),
        (b'{"shapes": [], "x": "' + b"x" * MOST_BYTES + b'"}', "has 20 MiB"),
    ],
    ids=[
        "empty", "cut short", "a list", "no shapes", "shapes no list", "nan", "infinity", "key twice", "long number",
        "deep", "no text", "big",
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenInput) as refused:
        parse_labelme(data, where="a.json")
    assert reason in str(refused.value)
    assert str(refused.value).startswith("a.json: ") and "\n" not in str(refused.value)


def test_an_embedded_image_may_make_a_file_big() -> None:
    image = base64.b64encode(bytes(MOST_BYTES)).decode()
    file = parse_labelme(labelme(shape(), imageData=image), where="a.json")
    assert file.image_data == bytes(MOST_BYTES)


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="cannot be opened"):
        read_labelme(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("bad", "note"),
    [
        (shape(points=[[1, 1], [2, 2]]), "shape 1 'nerve' has 2 points, a polygon takes at least 3 different ones"),
        (shape(points=[[1, 1], [2, 2], [1, 1], [2, 2]]), "at least 3 different ones"),
        (shape(points=[[1, 1], [2, 2], [1e999, 3]]), "shape 1 'nerve' has points that are no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [1e7, 3]]), "no pairs of numbers below a million"),
        (shape(points=[[1, 1], [2, 2], ["3", 3]]), "no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [3, True]]), "no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [3, 3, 3]]), "no pairs of numbers"),
        (shape(points=None), "no pairs of numbers"),
        (shape(shape_type="linestrip"), "shape 1 'nerve' is a linestrip, which has no area"),
        (shape(shape_type="rectangle"), "has 3 points, a rectangle takes 2"),
        (shape(label=5), "shape 1 has no label"),
        ("nerve", "shape 1 is no object"),
    ],
    ids=[
        "two points", "two places", "infinite", "far", "text", "truth", "three numbers", "none", "line", "rectangle",
        "label", "no object",
    ],
)  # fmt: skip
def test_a_bad_shape_is_left_out_with_a_note_and_the_others_stay(bad: Any, note: str) -> None:
    data = labelme(bad, shape("肌肉")).replace(b"Infinity", b"1e999")
    file = parse_labelme(data, where="a.json")
    assert [s.label for s in file.shapes] == ["肌肉"]
    assert len(file.notes) == 1 and note in file.notes[0] and file.notes[0].endswith("left out")


def test_odd_fields_are_left_out_with_notes() -> None:
    data = labelme(
        shape(group_id="a", flags={"hole": "yes", "sure": True}),
        imageHeight=10.5,
        imageWidth=12.0,
        imageData="*",
        imagePath=None,
        flags=[],
    )
    file = parse_labelme(data, where="a.json")
    assert (file.height, file.width, file.image_data, file.image_path, file.flags) == (None, 12, None, None, {})
    assert (file.shapes[0].group_id, file.shapes[0].hole) == (None, False)
    assert file.shapes[0].extra["flags"] == {"sure": True}
    assert set(file.notes) == {
        "group_id is no whole number (left out)",
        "a flag is neither true nor false (left out)",
        "no imagePath",
        "imageData cannot be decoded (left out)",
        "imageHeight is no number of pixels (left out)",
        "flags are no object (left out)",
    }


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
    assert annotation.covered == {1}
    assert notes == (
        "label 'spine' is no class (left out)",
        "an outline crosses itself (kept)",
        "an outline reaches past the frame (kept)",
        "an outline of less than 1 px² (left out)",
        "an outline outside the frame (left out)",
    )


def test_holes_are_read_from_flags_and_a_hole_without_an_outline_is_noted() -> None:
    hole = shape(flags={"hole": True}, group_id=1)
    annotation, notes = annotate(labelme(shape(group_id=1), hole), covered=frozenset({1, 2}))
    assert [s.hole for s in annotation.shapes] == [False, True]
    assert (set(annotation.covered), notes) == ({1, 2}, ())
    assert annotate(labelme(shape(), hole))[1] == ("a hole belongs to no outline",)


def test_a_ring_that_repeats_its_first_point_is_closed_once() -> None:
    annotation, _ = annotate(labelme(shape(points=[*TRIANGLE, TRIANGLE[0]])))
    assert len(annotation.shapes[0].points) == 3


def file_with(image_path: str | None, image_data: bytes | None = None) -> LabelmeFile:
    return LabelmeFile((), image_path, image_data, None, None)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("in/a.png", "in/b.png", "in/sub/c.png", "out/secret.png", "in/labels/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")
    return tmp_path / "in"


WRONG = ("wrong imagePath (image found by the file's name)",)


@pytest.mark.parametrize(
    ("json_name", "image_path", "found", "notes"),
    [
        ("labels/a.json", "../a.png", "a.png", ()),
        ("labels/a.json", "..\\a.png", "a.png", ()),
        ("labels/d.json", "C:\\Users\\x\\d.png", "labels/d.png", ()),
        ("labels/d.json", "/home/x/d.png", "labels/d.png", ()),
        ("labels/a.json", "a.png", "a.png", ()),
        ("labels/a.json", "img.png", "a.png", WRONG),
        ("labels/a.json", "../b.png", "a.png", WRONG),
        ("labels/reader2.json", "../b.png", "b.png", ()),
        ("labels/reader2.json", "c.png", "sub/c.png", ()),
        ("labels/reader2.json", "../../out/secret.png", None, ()),
        ("labels/reader2.json", "link.png", None, ()),
        ("labels/reader2.json", "a\x00b.png", None, ()),
        ("labels/reader2.json", None, None, ()),
    ],
    ids=[
        "relative", "backslashes", "beside, windows", "beside, posix", "own name", "wrong name", "another's name",
        "no own image", "by the index", "out of the root", "link out of the root", "nul", "none",
    ],
)  # fmt: skip
def test_an_image_is_found_and_never_outside_the_root(
    scans: Path, json_name: str, image_path: str | None, found: str | None, notes: tuple[str, ...]
) -> None:
    try:
        (scans / "labels" / "link.png").symlink_to(scans.parent / "out" / "secret.png")
    except OSError:
        if image_path == "link.png":
            pytest.skip("no symbolic links here")
    index = {name.rpartition("/")[2][:-4]: [scans / name] for name in ("a.png", "b.png", "sub/c.png")}
    image, said = find_image(file_with(image_path), scans / json_name, roots=[scans], index=index)
    assert (image if image is None else Path(str(image)).resolve()) == (found and (scans / found).resolve())
    assert said == notes


def test_an_embedded_image_is_used_where_no_file_has_the_name(scans: Path) -> None:
    assert find_image(file_with("x.png", b"png"), scans / "x.json", roots=[scans], index={})[0] == b"png"


def test_of_several_images_of_a_name_the_one_that_image_path_names_is_taken(scans: Path) -> None:
    (scans / "sub" / "a.jpg").write_bytes(b"image")
    index = {"a": [scans / "a.png", scans / "sub" / "a.jpg"]}
    place = scans / "labels" / "a.json"
    assert find_image(file_with("a.jpg"), place, roots=[scans], index=index)[0] == scans / "sub" / "a.jpg"
    image, notes = find_image(file_with("x.jpg"), place, roots=[scans], index=index)
    assert (image, notes) == (None, ("several images of the file's name",))
