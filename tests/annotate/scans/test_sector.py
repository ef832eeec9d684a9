from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.scans.images import read_frames
from dmr.annotate.scans.sector import find_sector, sector_mask
from dmr.annotate.shapes import Shape

UBPD = Path(__file__).resolve().parents[4] / "shared" / "data" / "ubpd" / "images"


def speckle(height: int, width: int, *, fade: float = 0.0) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    depth = np.linspace(0, 1, height)[:, None]
    level = 90 * np.exp(-fade * depth)
    return np.clip(rng.rayleigh(level, (height, width)) - 2, 0, 255).astype(np.uint8)


def screen(region: NDArray[Any], *, fade: float = 0.0, panel: int = 0) -> NDArray[Any]:
    """A scanner's whole screen: the image in a region, and words and a colour bar round it."""
    pixels = np.where(region, speckle(*region.shape, fade=fade), panel).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    draw.text((8, 4), "HOSPITAL   DOE JOHN   1970   12:44", fill=230, font_size=18)
    for n in range(6):
        draw.text((6, 90 + 40 * n), f"Gain {n}", fill=200, font_size=14)
    for n in range(200):
        draw.line((615, 100 + n, 630, 100 + n), fill=255 - n)
    return np.asarray(image)


def agreement(pixels: NDArray[Any], region: NDArray[Any]) -> float:
    ring = find_sector(pixels)
    assert ring is not None and len(ring) <= 24
    found = sector_mask(ring, height=pixels.shape[0], width=pixels.shape[1])
    return float((found & region).sum() / (found | region).sum())


def box(top: int, bottom: int, left: int, right: int) -> NDArray[Any]:
    region = np.zeros((480, 640), dtype=np.bool_)
    region[top:bottom, left:right] = True
    return region


def fan() -> NDArray[Any]:
    rows, columns = np.mgrid[:480, :640]
    distance = np.hypot(columns - 320, rows + 60)
    angle = np.abs(np.arctan2(columns - 320, rows + 60))
    return np.asarray((distance > 130) & (distance < 500) & (angle < 0.5))


@pytest.mark.parametrize(
    "region",
    [
        pytest.param(box(40, 440, 120, 560), id="rectangle"),
        pytest.param(fan(), id="fan"),
        pytest.param(
            polygons_to_mask([Shape(1, ((180, 40), (500, 40), (580, 440), (100, 440)))], height=480, width=640),
            id="trapezoid",
        ),
    ],
)
@pytest.mark.parametrize("panel", [0, 40], ids=["black", "grey panel"])
def test_the_sector_is_found_among_the_words_of_a_screen(region: NDArray[Any], panel: int) -> None:
    assert agreement(screen(region, panel=panel), region) > 0.93


def test_black_corners_and_markers_beside_a_cropped_image_are_left_out() -> None:
    region = polygons_to_mask(
        [Shape(1, ((70, 0), (570, 0), (640, 250), (640, 480), (0, 480), (0, 250)))], height=480, width=640
    )
    pixels = np.where(region, speckle(480, 640), 0).astype(np.uint8)
    pixels[8:20, 8:20] = 120
    assert agreement(pixels, region) > 0.98


def test_what_is_dark_below_an_echo_belongs_to_the_sector() -> None:
    pixels = np.where(box(0, 480, 0, 640), speckle(480, 640, fade=9), 0).astype(np.uint8)
    assert (pixels[300:] < 5).mean() > 0.9
    assert agreement(pixels, np.ones_like(pixels, dtype=np.bool_)) > 0.98


def test_a_dark_layer_does_not_part_the_skin_from_the_rest() -> None:
    pixels = speckle(480, 640)
    pixels[40:100] = 0
    assert agreement(pixels, np.ones_like(pixels, dtype=np.bool_)) > 0.98


def test_a_large_frame_is_found_in_its_own_pixels() -> None:
    region = box(40, 440, 120, 560)
    large = np.kron(screen(region), np.ones((3, 3), dtype=np.uint8))
    assert agreement(large, np.kron(region, np.ones((3, 3))).astype(bool)) > 0.95


@pytest.mark.parametrize("level", [0, 60, 255])
def test_a_blank_frame_has_no_sector_and_then_every_pixel_counts(level: int) -> None:
    assert find_sector(np.full((200, 300), level, dtype=np.uint8)) is None
    assert sector_mask(None, height=3, width=4).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (700, 3)], ids=str)
def test_a_frame_of_any_size_is_searched(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    ring = find_sector(pixels)
    assert ring is None or all(0 <= x <= shape[1] and 0 <= y <= shape[0] for x, y in ring)


@pytest.mark.skipif(not UBPD.is_dir(), reason="the real frames are not here")
def test_real_cropped_frames_are_sector_nearly_everywhere() -> None:
    for path in sorted(UBPD.iterdir())[::40]:
        (frame,) = read_frames(path)
        found = sector_mask(find_sector(frame.pixels), height=frame.height, width=frame.width)
        assert found.mean() > 0.95
        assert found[frame.pixels > 40].mean() > 0.97
