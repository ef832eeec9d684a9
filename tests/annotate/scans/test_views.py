"""Frames that show no view of the anatomy are told from ultrasound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dmr.annotate.phantom.scanner import SCANNERS
from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.scans.decoding.pixels import coloured_share, grey_of_rgb
from dmr.annotate.scans.deidentify import plan_cleaning
from dmr.annotate.scans.images import read_frames
from dmr.annotate.scans.views import no_view

UBPD = Path(__file__).resolve().parents[4] / "shared" / "data" / "ubpd" / "images"


@pytest.fixture(scope="module")
def screens() -> list[NDArray[Any]]:
    """Whole screens of all four scanners."""
    clips = [PhantomSet(1, 1, seed=5, scanners=(name,)).clip(5001) for name in sorted(SCANNERS)]
    lines = ("DOE^JOHN  1970-01-02", "ID 1234567")
    return [write_screen(next(clip.frames()).pixels, clip.view, lines=lines) for clip in clips]


def told(pixels: NDArray[Any]) -> str | None:
    coloured = coloured_share(pixels) if pixels.ndim == 3 else 0.0
    grey = grey_of_rgb(pixels) if pixels.ndim == 3 else pixels
    return no_view(grey, kept=plan_cleaning([grey]).kept, coloured=coloured)


def page(*, paper: int = 250, ink: int = 20) -> Image.Image:
    image = Image.new("L", (600, 800), paper)
    pen = ImageDraw.Draw(image)
    for y in range(40, 700, 22):
        pen.text((40, y), "Ultrasound of the lumbar spine, normal finding", fill=ink, font=ImageFont.load_default(16))
    return image


def windows() -> Image.Image:
    image = Image.new("L", (1024, 768), 120)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for left, top, face in ((40, 60, 240), (380, 200, 200), (560, 420, 60)):
        pen.rectangle((left, top, left + 400, top + 300), fill=face, outline=90)
        pen.rectangle((left, top, left + 400, top + 24), fill=170)
        for y in range(top + 40, top + 260, 24):
            pen.text((left + 10, y), "File  Edit  Patient list  Close", fill=255 - face, font=font)
    return image


def with_flow(screen: NDArray[Any]) -> NDArray[Any]:
    """A small box of red and blue flow in the middle of a phantom frame."""
    pixels = np.repeat(screen[..., None], 3, axis=2)
    pixels[220:260, 230:260] = (220, 40, 0)
    pixels[220:260, 270:300] = (0, 60, 220)
    return pixels


def test_phantom_frames_show_a_view(screens: list[NDArray[Any]]) -> None:
    assert [told(screen) for screen in screens] == [None] * len(screens)


def test_a_box_of_flow_is_told_and_a_line_of_coloured_text_is_not(screens: list[NDArray[Any]]) -> None:
    assert {told(with_flow(screen)) for screen in screens} == {"colour Doppler"}

    image = Image.fromarray(np.repeat(screens[0][..., None], 3, axis=2))
    ImageDraw.Draw(image).text((8, 490), "FR 23 Hz  Gain 45  Res", fill=(240, 200, 0), font=ImageFont.load_default(12))
    assert coloured_share(np.asarray(image)) > 0
    assert told(np.asarray(image)) is None


@pytest.mark.parametrize(("paper", "ink"), [(250, 20), (10, 230)], ids=["dark on light", "light on dark"])
def test_a_page_of_text_is_told(paper: int, ink: int) -> None:
    assert told(np.asarray(page(paper=paper, ink=ink))) == "a page of text"


def test_a_page_with_a_small_image_is_told(screens: list[NDArray[Any]]) -> None:
    image = Image.new("L", (600, 800), 250)
    image.paste(Image.fromarray(screens[0]).resize((220, 220)), (190, 300))
    assert told(np.asarray(image)) == "a page of text"


def test_a_screen_with_windows_is_told() -> None:
    assert told(np.asarray(windows())) == "a screenshot"


@pytest.mark.parametrize("noise", [0, 3], ids=["clean", "noisy"])
def test_a_black_frame_is_told_with_a_line_of_text_too(noise: int) -> None:
    pixels = np.random.default_rng(0).integers(0, noise + 1, (480, 640)).astype(np.uint8)
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).text((8, 8), "DOE^JOHN 12:44", fill=220, font=ImageFont.load_default(14))
    assert told(pixels) == told(np.asarray(image)) == "a black frame"


@pytest.mark.parametrize("level", [60, 128, 255])
@pytest.mark.parametrize("noise", [0.0, 8.0], ids=["clean", "noisy"])
def test_a_uniform_frame_is_told(level: int, noise: float) -> None:
    values = level + noise * np.random.default_rng(0).normal(size=(480, 640))
    assert told(np.clip(values, 0, 255).astype(np.uint8)) == "a uniform frame"


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 5), (3000, 20), (2, 700)], ids=str)
def test_a_frame_of_any_size_is_judged(shape: tuple[int, int]) -> None:
    assert told(np.zeros(shape, np.uint8)) == "a black frame"
    told(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def test_faint_echoes_at_the_skin_alone_are_a_view() -> None:
    depth = np.linspace(0, 1, 480)[:, None]
    speckle = np.random.default_rng(0).rayleigh(80 * np.exp(-9 * depth), (480, 640))
    assert told(np.clip(speckle, 0, 255).astype(np.uint8)) is None


@pytest.mark.skipif(not UBPD.is_dir(), reason="the real frames are not here")
def test_real_frames_show_a_view() -> None:
    real = [frame.pixels for path in sorted(UBPD.iterdir())[::12] for frame in read_frames(path)]
    assert [told(pixels) for pixels in real] == [None] * len(real)
