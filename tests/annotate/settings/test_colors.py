"""The colours of a new workspace can be told apart over a grey image, by colour-blind eyes too."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from dmr.annotate.settings.template import SHAMROCK_CLASSES

OPACITY = 0.25  # of the areas in Label Studio
GREYS = (60, 120)  # of muscle and fat
# How full dichromats see linear RGB: Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, severity 1.
EYES = {
    "usual": np.eye(3),
    "no red": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
    "no green": np.array([[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
    "no blue": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])  # sRGB, D65
WHITE = np.array([0.9505, 1.0, 1.0888])
TOUCH = [
    ("psoas_major", "quadratus_lumborum"),
    ("psoas_major", "transverse_process"),
    ("psoas_major", "vertebral_body"),
    ("quadratus_lumborum", "erector_spinae"),
    ("quadratus_lumborum", "transverse_process"),
    ("erector_spinae", "transverse_process"),
    ("transverse_process", "vertebral_body"),
]
COLORS = {c.name: c.color for c in SHAMROCK_CLASSES}


def lab(color: str, eye: NDArray[np.float64], grey: int) -> NDArray[np.float64]:
    """CIELAB of a colour laid over grey, as an eye sees it."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    mixed = (OPACITY * rgb + (1 - OPACITY) * grey) / 255
    linear = np.where(mixed <= 0.04045, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eye @ linear, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str) -> float:
    """The smallest CIE76 difference of two classes' areas; 2.3 can just be seen."""
    a, b = COLORS[one], COLORS[other]
    seen = [(lab(a, eye, grey), lab(b, eye, grey)) for eye in EYES.values() for grey in GREYS]
    return min(float(np.linalg.norm(x - y)) for x, y in seen)


def test_a_structure_inside_another_stands_out_from_it() -> None:
    names = {c.name for c in SHAMROCK_CLASSES}
    inner = [(c.name, c.inside) for c in SHAMROCK_CLASSES if c.inside]
    assert inner
    assert all(outer in names and distance(name, outer) > 20 for name, outer in inner)


def test_the_plexus_is_like_no_other_structure() -> None:
    assert all(distance("lumbar_plexus", name) > 9 for name in COLORS if name != "lumbar_plexus")


@pytest.mark.parametrize(("one", "other"), TOUCH)
def test_structures_that_touch_can_be_told_apart(one: str, other: str) -> None:
    assert distance(one, other) > 5


def test_no_two_classes_have_one_color() -> None:
    assert all(a != b for a, b in combinations(COLORS.values(), 2))
