"""A corpus of malformed Labelme files, each under a name that says what is wrong with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def good() -> Json:
    """A file with nothing wrong."""
    shape: Json = {
        "label": "nerve",
        "points": [[10.0, 10.0], [40.0, 10.0], [40.0, 40.0], [10.0, 40.0]],
        "group_id": None,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
        "mask": None,
    }
    return {
        "version": "6.3.1",
        "flags": {},
        "shapes": [shape],
        "imagePath": "good.png",
        "imageData": None,
        "imageHeight": 64,
        "imageWidth": 64,
    }


def changed(place: str, value: Any) -> bytes:
    content = good()
    target = content["shapes"][0] if place.startswith("shape.") else content
    target[place.removeprefix("shape.")] = value
    return json.dumps(content).encode()


def lacking(place: str) -> bytes:
    content = good()
    target = content["shapes"][0] if place.startswith("shape.") else content
    del target[place.removeprefix("shape.")]
    return json.dumps(content).encode()


ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -3,
    "fraction": 2.5,
    "huge": 10**400,
    "text": "odd",
    "empty_text": "",
    "list": [],
    "nested_list": [[[]]],
    "object": {"a": 1},
}

POINTS: dict[str, Any] = {
    "none": [],
    "one": [[10, 10]],
    "two": [[10, 10], [20, 20]],
    "same_three": [[10, 10]] * 3,
    "in_a_line": [[10, 10], [20, 20], [30, 30]],
    "under_a_pixel": [[10, 10], [10.5, 10], [10, 10.5]],
    "single_numbers": [10, 20, 30],
    "triples": [[10, 10, 1], [20, 10, 1], [20, 20, 1]],
    "texts": [["10", "10"], ["20", "10"], ["20", "20"]],
    "nulls": [[None, None], [20, 10], [20, 20]],
    "booleans": [[True, False], [20, 10], [20, 20]],
    "objects": [{"x": 1, "y": 2}] * 3,
    "overflow": [[1e308, 1e308], [-1e308, 1e308], [0, -1e308]],
    "huge_integers": [[10**400, 1], [20, 10], [20, 20]],
    "far_away": [[1e6, 1e6], [2e6, 1e6], [2e6, 2e6]],
    "before_the_frame": [[-50, -50], [-10, -50], [-10, -10]],
    "past_the_frame": [[50, 50], [90, 50], [90, 90]],
    "figure_of_eight": [[10, 10], [40, 40], [40, 10], [10, 40]],
    "spike": [[10, 10], [40, 10], [60, 10], [40, 10], [40, 40]],
    "repeated": [[10, 10], [10, 10], [40, 10], [40, 10], [40, 40]],
    "closed_again": [[10, 10], [40, 10], [40, 40], [10, 10]],
}

PATHS: dict[str, Any] = {
    "parent": "../../../etc/passwd",
    "parent_backslash": "..\\..\\secret.png",
    "absolute": "/etc/hostname",
    "drive": "C:\\Users\\ward\\scan.png",
    "share": "\\\\server\\share\\scan.png",
    "zero_byte": "a\0b.png",
    "dots": "..",
    "dot": ".",
    "folder": "folder/",
    "very_long": "x" * 5000 + ".png",
    "device": "CON.png",
    "address": "http://127.0.0.1/scan.png",
    "surrogate": "\ud800.png",
    "home": "~/scan.png",
}

NUMBERS = {"nan": "NaN", "infinity": "Infinity", "minus_infinity": "-Infinity", "exponent": "1e999"}


def corpus() -> Iterator[tuple[str, bytes]]:
    """Name and content of each file."""
    whole = json.dumps(good()).encode()
    yield "empty", b""
    yield "blank", b" \n\t"
    yield "zeros", b"\0" * 64
    yield "binary", bytes(range(256))
    yield (
        "png",
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
        ),
    )
    yield "utf16", whole.decode().encode("utf-16")
    yield "utf32", whole.decode().encode("utf-32")
    yield "two_marks", b"\xef\xbb\xbf\xef\xbb\xbf" + whole
    yield "cut_mark", b"\xef\xbb" + whole
    yield "bad_bytes", whole.replace(b"nerve", b"\xff\xfe\x81")
    yield "cut_gbk", whole.replace(b"nerve", b"\xc9\xf1\xbe")
    for share in (1, 3, 5, 7, 9):
        yield f"cut_at_{share}0_percent", whole[: len(whole) * share // 10]
    yield "twice_over", whole + whole
    yield "text_behind", whole + b"the editor died here"
    yield "single_quotes", whole.replace(b'"', b"'")
    yield "comma_at_the_end", whole[:-1] + b",}"
    yield "comment", b"// saved by hand\n" + whole
    for name, value in ODD.items():
        yield f"file_is_{name}", json.dumps(value).encode()
        yield f"shapes_is_{name}", changed("shapes", value)
        yield f"shape_is_{name}", changed("shapes", [value])
        yield f"label_is_{name}", changed("shape.label", value)
        yield f"points_is_{name}", changed("shape.points", value)
        yield f"shape_type_is_{name}", changed("shape.shape_type", value)
        yield f"group_is_{name}", changed("shape.group_id", value)
        yield f"shape_flags_is_{name}", changed("shape.flags", value)
        yield f"height_is_{name}", changed("imageHeight", value)
        yield f"image_path_is_{name}", changed("imagePath", value)
        yield f"image_data_is_{name}", changed("imageData", value)
        yield f"flags_is_{name}", changed("flags", value)
    for name, points in POINTS.items():
        yield f"points_{name}", changed("shape.points", points)
    for name, path in PATHS.items():
        yield f"path_{name}", changed("imagePath", path)
    for name, number in NUMBERS.items():
        yield f"coordinate_{name}", whole.replace(b"[10.0, 10.0]", f"[{number}, 10.0]".encode(), 1)
        yield f"height_{name}", whole.replace(b'"imageHeight": 64', f'"imageHeight": {number}'.encode())
    for place in ("shapes", "imagePath", "imageHeight", "shape.label", "shape.points", "shape.shape_type"):
        yield f"without_{place}", lacking(place)
    for kind in (
        "rectangle",
        "circle",
        "mask",
        "line",
        "point",
        "linestrip",
        "points",
        "oriented_rectangle",
        "Polygon",
    ):
        yield f"kind_{kind}_with_a_polygons_points", changed("shape.shape_type", kind)
    for name, text in {"none": None, "text": "!!", "no_image": "AAAA", "cut": "iVBORw0KGgo="}.items():
        content = good()
        content["shapes"][0] |= {"shape_type": "mask", "points": [[1, 1], [9, 9]], "mask": text}
        yield f"mask_{name}", json.dumps(content).encode()
    yield "key_twice", whole.replace(b'"flags": {}, "shapes"', b'"flags": {}, "flags": {}, "shapes"', 1)
    yield "shapes_twice", whole[:-1] + b', "shapes": []}'
    yield "deep_list", b"[" * 100_000
    yield "deep_in_shapes", changed("shapes", []).replace(b"[]", b"[" * 50_000 + b"]" * 50_000, 1)
    yield "deep_object", b'{"a":' * 50_000
    yield "size_of_a_planet", changed("imageHeight", 10**9)
    yield "many_shapes", changed("shapes", good()["shapes"] * 300)
    yield "long_label", changed("shape.label", "n" * 100_000)
    yield "label_of_controls", changed("shape.label", "nerve\r\n\x1b[31mred\x00")
    yield "label_of_blanks", changed("shape.label", "   ")
    yield "hole_alone", changed("shape.flags", {"hole": True})
