"""What is read of a Labelme file, and what is refused or left out with a note."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from labelme_json import TRIANGLE, labelme, shape

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.labelme import parse_labelme, read_labelme
from dmr.annotate.formats.labelme_reading import MOST_BYTES


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
        (b"", "is empty"),
        (b"{", "is no JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
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
        "empty", "begun", "cut short", "a list", "no shapes", "shapes no list", "nan", "infinity", "key twice",
        "long number", "deep", "no text", "big",
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
        (shape(points=[[1, 1], [2, 2]]), "'nerve' has 2 points; the type polygon takes at least 3 different ones"),
        (shape(points=[[1, 1], [2, 2], [1, 1], [2, 2]]), "at least 3 different ones"),
        (shape(points=[[1, 1], [2, 2], [1e999, 3]]), "shape 1 'nerve' has points that are no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [1e7, 3]]), "no pairs of numbers below a million"),
        (shape(points=[[1, 1], [2, 2], ["3", 3]]), "no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [3, True]]), "no pairs of numbers"),
        (shape(points=[[1, 1], [2, 2], [3, 3, 3]]), "no pairs of numbers"),
        (shape(points=None), "no pairs of numbers"),
        (shape(shape_type="linestrip"), "shape 1 'nerve' is of the type linestrip, which has no area"),
        (shape(shape_type="rectangle"), "has 3 points; the type rectangle takes 2 or 4"),
        (shape(shape_type="oriented_rectangle"), "has 3 points; the type oriented_rectangle takes 4"),
        (shape(flags=["hole"]), "shape 1 'nerve' has flags that do not tell whether it is a hole"),
        (shape(flags={"hole": "yes"}), "flags that do not tell whether it is a hole"),
        (shape(label=5), "shape 1 has no label"),
        ("nerve", "shape 1 is no object"),
    ],
    ids=[
        "two points", "two places", "infinite", "far", "text", "truth", "three numbers", "none", "line", "rectangle",
        "oriented rectangle", "flags", "hole",
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
        shape(group_id="a", flags={"seen": "yes", "sure": True}),
        imageHeight=10.5,
        imageWidth=12.0,
        imageData="*",
        imagePath=None,
        flags=[],
    )
    file = parse_labelme(data, where="a.json")
    assert (file.height, file.width, file.image_data, file.image_path, file.flags) == (None, 12, None, None, {})
    assert (file.shapes[0].group_id, file.shapes[0].hole) == (1, False)
    assert file.shapes[0].extra["flags"] == {"sure": True}
    assert set(file.notes) == {
        "group_id is no whole number (a number stands for it)",
        "a flag is neither true nor false (left out)",
        "no imagePath",
        "imageData cannot be decoded (left out)",
        "imageHeight is no number of pixels (left out)",
        "flags are no object (left out)",
    }
