"""Boxes and clicks, and the way to the network's grid and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmr.annotate.shapes import ring_area
from dmr.model.refine.crop import MARGIN, Crop
from dmr.model.refine.network import ellipse_and_places
from dmr.model.refine.prompt import Box, Click
from dmr.model.refine.refiner import ellipse_mask


def test_a_box_without_a_pixel_and_a_click_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Box(10, 10, 10.5, 40)
    with pytest.raises(ValueError, match="finite"):
        Box(10, 10, math.nan, 40)
    with pytest.raises(ValueError, match="finite"):
        Click(math.inf, 3)


def test_the_sides_of_a_box_move_by_shares_of_its_own_lengths() -> None:
    assert Box(100, 100, 200, 140).moved((-0.1, 0.25, 0.05, 0)) == Box(90, 110, 205, 140)


def test_the_ellipse_of_a_box_touches_its_sides_and_has_an_ellipses_area() -> None:
    box = Box(10, 20, 90, 60)
    ring = box.ellipse()

    assert Box.around(ring).width == pytest.approx(80) and Box.around(ring).height == pytest.approx(40)
    assert ring_area(ring) == pytest.approx(math.pi * 40 * 20, rel=0.01)
    assert ellipse_mask(box, height=80, width=100).sum() == pytest.approx(math.pi * 40 * 20, rel=0.01)


def test_a_box_lies_in_the_same_place_of_the_grid_whatever_its_shape() -> None:
    for box in (Box(10, 20, 90, 60), Box(300, 5, 310, 400)):
        (left, top), (right, bottom) = Crop(box, 60).fit_ring(((box.left, box.top), (box.right, box.bottom)))

        assert (left, top, right, bottom) == pytest.approx((10, 10, 50, 50))


@pytest.mark.parametrize(
    "box", [Box(40, 30, 120, 80), Box(-20, -10, 50, 40), Box(150, 70, 230, 130)], ids=["inside", "left", "right"]
)
def test_what_goes_to_the_grid_comes_back_to_its_place(box: Box) -> None:
    pixels = ellipse_mask(box, height=100, width=200)
    crop = Crop(box, 96)
    grid = torch.from_numpy(crop.fit(pixels.astype(np.uint8) * 255).copy()).float() - 127.5

    back = crop.restore(grid, height=100, width=200)

    assert 2 * (back & pixels).sum() / (back.sum() + pixels.sum()) > 0.98


def test_a_box_beyond_the_frame_brings_black_and_no_pixel() -> None:
    crop = Crop(Box(500, 500, 560, 540), 32)

    assert not crop.fit(np.full((100, 200), 255, np.uint8)).any()
    assert not crop.restore(torch.ones(32, 32), height=100, width=200).any()


def test_the_ellipse_on_the_grid_is_the_ellipse_in_the_box() -> None:
    box = Box(40, 30, 120, 80)
    ellipse, places = ellipse_and_places(64, device=torch.device("cpu"))

    found = Crop(box, 64).restore(ellipse[0], height=120, width=200)
    truth = ellipse_mask(box, height=120, width=200)

    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.98
    assert places.abs().max() < MARGIN
