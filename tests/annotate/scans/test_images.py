from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.images import decode_frames, encode_png, image_size, read_frames
from dmr.annotate.scans.similarity import hamming, perceptual_hash
from dmr.annotate.shapes import Frame

GREY = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=format, **options)
    return out.getvalue()


def decode(data: bytes, suffix: str | None = None) -> list[Frame]:
    return list(decode_frames(data, where="scan", source_sha256="0" * 64, suffix=suffix))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_a_grey_image_keeps_its_pixels(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"scan.{format.lower()}"
    path.write_bytes(saved(Image.fromarray(GREY), format))
    (frame,) = read_frames(path)
    np.testing.assert_array_equal(frame.pixels, GREY)
    assert frame.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (frame.index, frame.spacing_mm, frame.notes) == (0, None, ())


def test_a_jpeg_is_read_nearly_as_it_was() -> None:
    (frame,) = decode(saved(Image.fromarray(np.full((9, 8), 77, dtype=np.uint8)), "JPEG"), ".jpg")
    assert np.abs(frame.pixels.astype(int) - 77).max() <= 1
    assert frame.notes == ()


@pytest.mark.parametrize(
    ("mode", "color", "grey"),
    [
        ("RGB", (255, 0, 0), 76),
        ("RGB", (0, 255, 0), 150),
        ("RGB", (0, 0, 255), 29),
        ("RGBA", (255, 255, 255, 0), 0),
        ("RGBA", (200, 200, 200, 128), 100),
        ("LA", (200, 128), 100),
        ("1", 1, 255),
    ],
)
def test_colour_becomes_luma_and_transparency_lies_on_black(mode: str, color: Any, grey: int) -> None:
    (frame,) = decode(saved(Image.new(mode, (4, 3), color)))
    assert frame.pixels.tolist() == [[grey] * 4] * 3


def test_cmyk_and_palettes_are_read_as_their_colours() -> None:
    (cmyk,) = decode(saved(Image.new("CMYK", (4, 3), (0, 0, 0, 155)), "TIFF"))
    assert np.unique(cmyk.pixels).tolist() == [100]
    palette = Image.fromarray(np.array([[0, 1], [1, 2]], dtype=np.uint8))
    palette.putpalette([10, 10, 10, 90, 90, 90, 200, 200, 200])
    (frame,) = decode(saved(palette))
    assert frame.pixels.tolist() == [[10, 90], [90, 200]]
    (see_through,) = decode(saved(palette, transparency=1))
    assert see_through.pixels.tolist() == [[10, 0], [0, 200]]


@pytest.mark.parametrize(("top", "bits"), [(255, 8), (4095, 12), (65535, 16)])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_the_bits_in_use(top: int, bits: int, format: str) -> None:
    values = np.array([[0, top // 2, top]], dtype=np.uint16)
    (frame,) = decode(saved(Image.fromarray(values), format))
    assert frame.pixels[0, [0, 2]].tolist() == [0, 255]
    assert abs(int(frame.pixels[0, 1]) - 127) <= 1
    assert frame.notes == (f"{bits}-bit grey in 16 bits (scaled to 8)",)


@pytest.mark.parametrize("tops", [(200, 3000), (3000, 200), (200, 60_000, 3000)], ids=str)
def test_16_bit_pages_of_a_file_have_one_scale(tops: tuple[int, ...]) -> None:
    pages = [Image.fromarray(np.array([[0, 100, top]], dtype=np.uint16)) for top in tops]
    frames = decode(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    bits = 16 if max(tops) > 4095 else 12
    assert [frame.pixels[0].tolist() for frame in frames] == [
        [0, round(100 * 255 / (2**bits - 1)), round(top * 255 / (2**bits - 1))] for top in tops
    ]
    assert {frame.notes for frame in frames} == {(f"{bits}-bit grey in 16 bits (scaled to 8)",)}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_the_orientation_is_applied_once(format: str) -> None:
    flat = np.zeros((16, 32), dtype=np.uint8)
    flat[:, :16] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter clockwise
    data = saved(Image.fromarray(flat), format, exif=exif)
    (frame,) = decode(data)
    assert frame.pixels.shape == (32, 16)
    assert frame.pixels[:15].min() > 150 and frame.pixels[17:].max() < 50
    assert frame.notes == ("turned by its EXIF orientation",)
    assert image_size(data, where="scan") == (32, 16)


def test_the_pages_of_a_tiff_are_frames() -> None:
    pages = [Image.fromarray(np.full((4 + n, 5), 10 * n, dtype=np.uint8)) for n in range(3)]
    frames = decode(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert [(frame.index, frame.height, int(frame.pixels[0, 0])) for frame in frames] == [
        (0, 4, 0),
        (1, 5, 10),
        (2, 6, 20),
    ]


def test_the_content_decides_and_another_suffix_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "scan.jpg"
    path.write_bytes(saved(Image.fromarray(GREY), "TIFF"))
    (frame,) = read_frames(path)
    assert frame.notes == ("TIFF inside a .jpg",)
    np.testing.assert_array_equal(frame.pixels, GREY)


def noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_refused_in_one_line(format: str, part: float) -> None:
    data = saved(noise(64), format)
    with pytest.raises(BrokenInput) as refused:
        decode(data[: int(len(data) * part)])
    assert str(refused.value).startswith("scan: ") and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", "scan: is empty", id="empty"),
        pytest.param(b"GIF89a", "scan: begins as a GIF image and is damaged or cut short", id="gif"),
        pytest.param(b"%PDF-1.4", "scan: is a PDF file, not a PNG, JPEG, BMP, TIFF, GIF or WebP image", id="pdf"),
        pytest.param(b"\x00" * 200, "scan: is no PNG, JPEG, BMP, TIFF, GIF or WebP image, or is damaged", id="zeros"),
        pytest.param(b"\x00" * 128 + b"DICM", "scan: is a DICOM file, not an image", id="dicom"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "scan: begins as a PNG image and is damaged or cut short", id="png"),
    ],
)
def test_what_is_no_image_is_refused_as_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(BrokenInput) as refused:
        decode(data)
    assert str(refused.value).startswith(what)


@pytest.mark.parametrize("name", ["100_25", "100_25.dat", "Doe.Jane"])
def test_an_image_without_an_image_s_ending_is_read_and_the_ending_is_not_quoted(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(saved(Image.fromarray(GREY), "PNG"))
    (frame,) = read_frames(tmp_path / name)
    assert frame.notes == ("PNG without the ending of an image",)


def test_a_folder_or_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(BrokenInput, match="cannot be opened"):
            list(read_frames(path))


@pytest.mark.parametrize(
    "side", [6400, 9600, 20000], ids=["over the cap", "where Pillow warns", "where Pillow refuses"]
)
def test_a_picture_that_would_fill_the_memory_is_refused_before_decoding(side: int) -> None:
    header = bytearray(saved(Image.new("1", (8, 8))))
    header[16:24] = side.to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with pytest.raises(BrokenInput, match="more than 40 million pixels"):
        decode(bytes(header))


def test_32_bit_pixels_are_refused() -> None:
    with pytest.raises(BrokenInput, match="32 bits"):
        decode(saved(Image.fromarray(np.full((2, 2), 70000, dtype=np.int32)), "TIFF"))
    with pytest.raises(BrokenInput, match="no whole numbers"):
        decode(saved(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"))


def test_a_png_is_written_from_the_pixels_alone() -> None:
    data = encode_png(GREY)
    (frame,) = decode(data)
    np.testing.assert_array_equal(frame.pixels, GREY)
    kinds = [
        data[i : i + 4] for i in range(len(data)) if data[i : i + 4] in (b"tEXt", b"eXIf", b"iTXt", b"zTXt", b"tIME")
    ]
    assert kinds == []
    color = np.dstack([GREY, GREY[::-1], GREY])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(color)))), color)


def test_near_identical_frames_nearly_share_their_perceptual_hash() -> None:
    rng = np.random.default_rng(1)
    scene = np.asarray(noise(8).resize((160, 120), Image.Resampling.BICUBIC))
    again = np.clip(scene.astype(int) + rng.integers(-4, 5, scene.shape) + 6, 0, 255).astype(np.uint8)
    other = np.asarray(noise(12).resize((160, 120), Image.Resampling.BICUBIC))
    first = perceptual_hash(scene)
    assert len(first) == 16 and int(first, 16) >= 0
    assert hamming(first, first) == 0
    assert hamming(first, perceptual_hash(again)) <= 4
    assert hamming(first, perceptual_hash(other)) >= 16
    assert hamming("0" * 16, "f" * 16) == 64
