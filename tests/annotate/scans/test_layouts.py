"""What is kept of screens of other layouts: two images, a small one beside a large one, a linear probe, no margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dmr.annotate.phantom.scanner import SCANNERS, SIDE
from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.scans.deidentify import NO_MARGIN, SECOND_IMAGE, plan_cleaning

LINES = ("ST MARY HOSPITAL  DOE^JOHN  1970-01-02", "ID 1234567  L12-3  MSK")


@pytest.fixture(scope="module", params=sorted(SCANNERS))
def sector(request: pytest.FixtureRequest) -> tuple[NDArray[Any], NDArray[Any]]:
    """A phantom frame on black without words, and the pixels of its sector."""
    clip = PhantomSet(1, 1, seed=6, scanners=(request.param,)).clip(6001)
    inside = np.zeros((SIDE, SIDE), np.bool_)
    inside.flat[clip.view.sampling[0]] = True
    return np.where(inside, next(clip.frames()).pixels, 0).astype(np.uint8), inside


@pytest.fixture(scope="module")
def rectangle(sector: tuple[NDArray[Any], NDArray[Any]]) -> NDArray[Any]:
    """The image of a linear probe: the phantom's sector, each of its rows stretched to the same width."""
    pixels, inside = sector
    rows = [y for y in range(SIDE) if inside[y].sum() > 60]
    rows = [y for y in rows if np.ptp(np.flatnonzero(inside[y])) + 1 == inside[y].sum()]
    wide = [np.interp(np.linspace(0, 1, 420), np.linspace(0, 1, inside[y].sum()), pixels[y, inside[y]]) for y in rows]
    image = Image.fromarray(np.array(wide).astype(np.uint8)).resize((420, 360))
    return np.asarray(image)


def on_screen(image: NDArray[Any], *, top: int, left: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """A screen with words on all sides of an image; also the image's pixels, and those of the words."""
    words = Image.new("L", (640, 480), 0)
    pen, font = ImageDraw.Draw(words), ImageFont.load_default(12)
    for number, line in enumerate(LINES):
        pen.text((6, 4 + 16 * number), line, fill=220, font=font)
    for number in range(8):
        pen.text((6, 100 + 30 * number), f"Gain {number}", fill=200, font=font)
        pen.text((590, 100 + 30 * number), f"{number} cm", fill=200, font=font)
    pen.text((200, 460), "DOE^JOHN  12:44:01", fill=220, font=font)
    inside = np.zeros((480, 640), np.bool_)
    inside[top : top + image.shape[0], left : left + image.shape[1]] = True
    pixels = np.asarray(words).copy()
    pixels[inside] = image.ravel()
    return pixels, inside, (np.asarray(words) > 0) & ~inside


@pytest.mark.parametrize("name", sorted(SCANNERS))
def test_of_a_phantom_s_sector_next_to_nothing_is_blanked_and_of_its_words_all(name: str) -> None:
    clip = PhantomSet(1, 3, seed=7, scanners=(name,)).clip(7001)
    inside = np.zeros((SIDE, SIDE), np.bool_)
    inside.flat[clip.view.sampling[0]] = True
    words = write_screen(np.zeros((SIDE, SIDE), np.uint8), clip.view, lines=LINES[1:]) > 0
    assert np.count_nonzero(words) > 300
    for frame in clip.frames():
        kept = plan_cleaning([write_screen(frame.pixels, clip.view, lines=LINES[1:])]).kept
        assert kept[inside].mean() > 0.99
        assert not kept[words].any()


def test_the_image_of_a_linear_probe_is_kept_and_all_words_around_it_are_blanked(rectangle: NDArray[Any]) -> None:
    pixels, inside, words = on_screen(rectangle, top=60, left=110)
    cleaning = plan_cleaning([pixels])

    assert cleaning.by == "sector" and not cleaning.unsure
    assert not cleaning.kept[words].any()
    assert cleaning.kept[inside].mean() > 0.99
    assert cleaning.kept[~inside].mean() < 0.1


def test_an_image_that_fills_the_frame_is_unsure(rectangle: NDArray[Any]) -> None:
    assert plan_cleaning([rectangle]).unsure == NO_MARGIN


def test_two_images_side_by_side_are_unsure(sector: tuple[NDArray[Any], NDArray[Any]]) -> None:
    pixels, _ = sector
    assert plan_cleaning([np.hstack([pixels, pixels])]).unsure == SECOND_IMAGE


def test_a_split_screen_of_a_linear_probe_is_unsure(rectangle: NDArray[Any]) -> None:
    half = np.asarray(Image.fromarray(rectangle).resize((280, 360)))
    pixels = np.zeros((480, 640), np.uint8)
    pixels[60:420, 20:300] = pixels[60:420, 330:610] = half
    assert plan_cleaning([pixels]).unsure == SECOND_IMAGE


def test_a_small_image_beside_a_large_one_is_blanked_and_one_of_a_quarter_waits_whole(
    sector: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    pixels, inside = sector
    for side, unsure in ((100, ""), (300, SECOND_IMAGE)):
        thumbnail = np.asarray(Image.fromarray(pixels).resize((side, side)))
        wide = np.hstack([pixels, np.zeros((SIDE, side + 20), np.uint8)])
        wide[20 : 20 + side, -side:] = thumbnail
        cleaning = plan_cleaning([wide])
        assert cleaning.unsure == unsure
        beside = cleaning.kept[:, -side:][20 : 20 + side][thumbnail > 20]
        assert beside.all() if unsure else not beside.any(), "nothing is blanked by a guess"
        assert cleaning.kept[:, :SIDE][inside].mean() > 0.98
