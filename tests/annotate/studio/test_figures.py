"""Ellipses, rectangles and painted masks of Label Studio become outlines with the same pixels."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from label_studio_sdk.converter.brush import decode_rle, encode_rle
from numpy.typing import NDArray
from odd_json import JSON, Path, places, replaced
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.formats.coco_rle import rle_to_mask
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.shapes import Shape
from dmr.annotate.studio.answers.painted import painted_mask
from dmr.annotate.studio.answers.raw import raw_json
from dmr.annotate.studio.answers.reading import read_regions
from dmr.annotate.studio.projects.payload import RegionError, regions_to_shapes

CLASSES = Classes([ClassDef(1, "artery", (), "#0072B2", 10)])
HEIGHT, WIDTH = 40, 50
# Drawn in Chromium on an image of 500 x 400: a drag from the centre, then a drag of the handle that turns it.
TURNED: dict[str, Any] = {
    "x": 50.016155088853,
    "y": 50.08077544426492,
    "radiusX": 29.983844911147,
    "radiusY": 12.439418416801312,
    "rotation": 29.800943685618847,
}


def drawn(kind: str, *, size: tuple[int, ...] = (HEIGHT, WIDTH), **value: Any) -> dict[str, Any]:
    """A region as Label Studio writes it."""
    return {
        "id": "drawn",
        "type": kind,
        "from_name": "ellipse",
        "to_name": "image",
        "original_width": size[1],
        "original_height": size[0],
        "image_rotation": 0,
        "value": {kind: ["artery"]} | value,
    }


def rle_of(alpha: NDArray[np.uint8]) -> list[int]:
    """Run lengths by the SDK, for an image whose four channels are all like `alpha`, as the editor writes them."""
    encode: Any = encode_rle
    return [int(byte) for byte in encode(np.repeat(alpha.ravel(), 4))]


def picture(alpha: NDArray[np.uint8]) -> str:
    """A black PNG as the page sends it; its text chunk is what a picture may hold beside its pixels."""
    image = Image.fromarray(np.dstack([*[np.zeros_like(alpha)] * 3, alpha]))
    text = PngInfo()
    text.add_text("Comment", "Müller")
    image.save(data := io.BytesIO(), "PNG", pnginfo=text)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def back(*results: dict[str, Any], height: int = HEIGHT, width: int = WIDTH) -> tuple[Shape, ...]:
    return regions_to_shapes(read_regions(results), classes=CLASSES, height=height, width=width)


def mask(shapes: tuple[Shape, ...], *, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.bool_]:
    return polygons_to_mask(shapes, height=height, width=width)


def painted(pixels: NDArray[np.bool_]) -> dict[str, Any]:
    """A painted region."""
    alpha = (pixels * 255).astype(np.uint8)
    return drawn("brushlabels", size=pixels.shape, format="rle", rle=rle_of(alpha))


def test_an_ellipse_is_turned_in_pixels_about_its_centre() -> None:
    (shape,) = back(drawn("ellipselabels", size=(400, 500), **TURNED), height=400, width=500)
    y, x = np.mgrid[0:400, 0:500] + 0.5
    x, y = x - 5 * TURNED["x"], y - 4 * TURNED["y"]
    turn = math.radians(TURNED["rotation"])
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    true = np.hypot(along / (5 * TURNED["radiusX"]), across / (4 * TURNED["radiusY"])) <= 1
    found = mask((shape,), height=400, width=500)
    assert np.count_nonzero(found != true) < 0.001 * np.count_nonzero(true)
    assert len(shape.points) <= 64
    assert found[270, 350], "clockwise on the screen: the right end is below"
    assert not found[130, 350]


def test_a_rectangle_is_turned_in_pixels_about_its_first_corner() -> None:
    value: dict[str, Any] = {"x": 40, "y": 25, "width": 20, "height": 50, "rotation": 90}
    (shape,) = back(drawn("rectanglelabels", **value))
    assert shape.points == ((20.0, 10.0), (20.0, 20.0), (0.0, 20.0), (0.0, 10.0))
    (level,) = back(drawn("rectanglelabels", **{k: v for k, v in value.items() if k != "rotation"}))
    assert level.points == ((20.0, 10.0), (30.0, 10.0), (30.0, 30.0), (20.0, 30.0))


@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_a_painted_mask_comes_back_bit_for_bit_with_its_holes_and_islands(pixels: NDArray[np.bool_]) -> None:
    height, width = pixels.shape
    if not pixels.any():
        with pytest.raises(RegionError, match="an outline of 'artery' leaves no pixel"):
            back(painted(pixels), height=height, width=width)
        return
    shapes = back(painted(pixels), height=height, width=width)
    assert (mask(shapes, height=height, width=width) == pixels).all()


@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_a_pixel_is_painted_if_the_brush_covers_half_of_it(alpha: NDArray[np.uint8]) -> None:
    height, width = alpha.shape
    rle = rle_of(alpha)
    assert (decode_rle(rle).reshape(height, width, 4)[:, :, 3] == alpha).all()
    assert (painted_mask(bytes(rle), height=height, width=width) == (alpha >= 128)).all()


@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_a_mask_of_the_bitmask_tool_comes_back_bit_for_bit_and_is_kept_without_its_picture(
    pixels: NDArray[np.bool_],
) -> None:
    pixels[0, 0] = True
    height, width = pixels.shape
    region = drawn("bitmasklabels", size=(height, width), imageDataURL=picture(pixels * np.uint8(255)))
    assert (mask(back(region, height=height, width=width), height=height, width=width) == pixels).all()
    kept = raw_json({"result": [region]}, is_known=bool)
    assert b"base64" not in kept
    assert (rle_to_mask(json.loads(kept)["result"][0]["value"]["imageDataURL"]) == pixels).all()
    assert raw_json(json.loads(kept), is_known=bool) == kept


def test_two_painted_regions_with_holes_stay_apart() -> None:
    ring = np.zeros((HEIGHT, WIDTH), np.bool_)
    ring[5:20, 5:20] = True
    ring[8:17, 8:17] = False
    other = np.roll(ring, 3, axis=1)
    shapes = back(painted(ring), painted(other) | {"id": "other"})
    assert (mask(shapes) == ring | other).all()


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (drawn("ellipselabels", x=50, y=50, radiusX=0, radiusY=10), "has no width or no height"),
        (drawn("ellipselabels", x=50, y=50, radiusX=-5, radiusY=10), "has no width or no height"),
        (drawn("ellipselabels", x=50, y=50, radiusX=10), "has no number as its radiusY"),
        (drawn("ellipselabels", x=50, y=50, radiusX=1e9, radiusY=10), "has no number as its radiusX"),
        (drawn("ellipselabels", x=float("nan"), y=50, radiusX=5, radiusY=10), "has no number as its x"),
        (drawn("ellipselabels", x=150, y=50, radiusX=5, radiusY=10), "lies outside the frame"),
        (drawn("ellipselabels", x=51, y=50, radiusX=0.2, radiusY=0.2), "leaves no pixel"),
        (drawn("ellipselabels", x=5, y=5, radiusX=2, radiusY=2, rotation="left"), "has no number as its rotation"),
        (drawn("ellipselabels", x=50, y=50, radiusX=5, radiusY=5, ellipselabels=[]), "an outline has no label"),
        (drawn("ellipselabels", x=5, y=5, radiusX=2, radiusY=2) | {"image_rotation": 90}, "turned by 90 degrees"),
        (drawn("rectanglelabels", x=5, y=5, width=5, height=0), "has no width or no height"),
        (drawn("rectanglelabels", x=5, y=5, width=True, height=4), "has no number as its width"),
        (drawn("brushlabels", format="rle"), "has run lengths that are no list of bytes"),
        (drawn("brushlabels", rle=[0, 256]), "has run lengths that are no list of bytes"),
        (drawn("brushlabels", rle=[0, 0]), "has run lengths that are cut off"),
        (drawn("brushlabels", rle=rle_of(np.zeros((3, 3), np.uint8))), "painted on an image of another size"),
        (drawn("brushlabels", rle=rle_of(np.eye(40, 50, dtype=np.uint8))[:-9]), "has run lengths that are cut off"),
        (drawn("bitmasklabels"), "has no picture of its pixels"),
        (drawn("bitmasklabels", imageDataURL="data:image/png;base64,??"), "picture of its pixels that cannot be read"),
        (drawn("bitmasklabels", imageDataURL="data:image/png;base64,AAAA"), "of its pixels that cannot be read"),
        (drawn("bitmasklabels", imageDataURL=picture(np.eye(9, dtype=np.uint8))), "on an image of another size"),
        (drawn("bitmasklabels", imageDataURL=picture(np.zeros((40, 50), np.uint8))), "leaves no pixel"),
        (drawn("brushlabels", rle=[0, 0, 31, 64, 57, 27, *[255] * 99]), "run lengths that do not fill the image"),
    ],
)
def test_a_figure_that_is_none_is_told_and_never_dropped(region: dict[str, Any], told: str) -> None:
    with pytest.raises(RegionError, match=told) as error:
        back(region)
    assert error.value.lost <= {1, None}


WHOLE = [
    drawn("ellipselabels", x=50, y=50, radiusX=20, radiusY=10, rotation=30),
    drawn("rectanglelabels", x=50, y=50, width=20, height=10, rotation=30),
    painted(np.ones((HEIGHT, WIDTH), np.bool_)),
    drawn("bitmasklabels", imageDataURL=picture(np.full((HEIGHT, WIDTH), 255, np.uint8))),
]


@given(st.sampled_from(WHOLE).flatmap(lambda w: st.tuples(st.just(w), st.sampled_from(list(places(w))))), JSON)
def test_whatever_a_figure_holds_it_is_drawn_or_refused(where: tuple[dict[str, Any], Path], odd: Any) -> None:
    whole, path = where
    region = replaced(whole, path, odd)
    if path == ("type",) and odd == "choices":
        return
    raw_json({"result": [region]}, is_known=bool)
    try:
        assert back(region)
    except RegionError as error:
        assert error.lost <= {1, None}
        assert error.lost
