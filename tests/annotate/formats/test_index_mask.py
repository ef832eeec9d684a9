"""Reading masks whose pixels are indices of classes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.index_mask import read_index_mask


def image_bytes(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=format, **options)
    return out.getvalue()


def test_the_kinds_of_mask_that_keep_indices_are_read() -> None:
    index = np.array([[0, 1, 2], [200, 1, 0]], dtype=np.uint8).repeat(4, axis=0)
    grey = Image.fromarray(index)
    palette = grey.copy()
    palette.putpalette([n for value in range(256) for n in (value, 255 - value, 7)])
    opaque = Image.merge("RGBA", [grey, grey, grey, Image.new("L", grey.size, 255)])
    for image in (grey, palette, Image.merge("RGB", [grey] * 3), opaque, Image.fromarray(index.astype(np.uint16))):
        for format in ("PNG", "TIFF"):
            np.testing.assert_array_equal(read_index_mask(image_bytes(image, format), where="m"), index)
    bilevel = Image.fromarray(index > 0)
    np.testing.assert_array_equal(read_index_mask(image_bytes(bilevel), where="m"), index > 0)


GREY = Image.new("L", (8, 8), 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (image_bytes(Image.new("RGB", (8, 8), (1, 2, 3))), "holds colours"),
        (image_bytes(Image.new("RGBA", (8, 8), (1, 1, 1, 9))), "is transparent in places"),
        (image_bytes(Image.fromarray(np.full((2, 2), 300, dtype=np.uint16))), "values from 300 to 300"),
        (image_bytes(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"), "holds fractions"),
        (image_bytes(GREY, "JPEG"), "is a JPEG"),
        (image_bytes(GREY, "TIFF", save_all=True, append_images=[GREY]), "several pages"),
        (image_bytes(GREY)[:45], "is damaged"),
        (b"mask", "is no PNG"),
    ],
    ids=["colours", "transparent", "16 bits", "fractions", "jpeg", "pages", "cut short", "no image"],
)
def test_a_mask_without_indices_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenInput, match=reason):
        read_index_mask(data, where="m.png")


def test_a_mask_of_colours_is_refused_with_the_command_that_reads_it() -> None:
    colours = np.zeros((4, 4, 3), np.uint8)
    colours[1:3, 1:3, 0] = 255
    with pytest.raises(BrokenInput, match=r"holds colours \(RGB\).*dmr convert mask-to-labelme --colors nerve=#ff0000"):
        read_index_mask(image_bytes(Image.fromarray(colours)), where="a.png")
