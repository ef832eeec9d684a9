"""The picture of a training is readable from its first look on."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dmr.model.training.curves import training_curves
from dmr.model.training.trainer import Check

NAMES = ["psoas_major", "lumbar_plexus"]


def picture(checks: list[Check]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(training_curves(checks, NAMES))).convert("RGB"))


def colourful(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """Pixels that are neither ink nor paper: of markers and lines, beside the legend too."""
    spread = pixels.max(-1).astype(int) - pixels.min(-1)
    return int((spread > 60).sum())


def test_one_look_shows_a_mark_in_the_loss_and_one_a_class() -> None:
    one = picture([Check(30, 9.0, 1.3, 0.5, (0.8, 0.2))])
    left = one[:, : 43 * one.shape[1] // 100]

    assert colourful(left) > 20, "the loss"
    assert colourful(one) - colourful(left) > 100, "the classes and their legend"


@pytest.mark.parametrize("dice", [None, 0.0, 1.0])
def test_without_validation_patients_and_at_the_ends_of_the_scale_it_is_drawn_too(dice: float | None) -> None:
    made = picture([Check(1, 9.0, 0.0, dice, (dice, None))])
    assert made.shape[1] > made.shape[0] > 300


def test_no_look_at_all_is_an_empty_picture() -> None:
    assert colourful(picture([])) == 0
