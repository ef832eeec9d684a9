"""An ellipse as sides has the pixels of the ellipse, and a turned rectangle those of the rectangle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.geometry.figures import ellipse_ring, rectangle_ring
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.shapes import Ring, Shape, ring_area

HEIGHT, WIDTH = 120, 160
PLACES = st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT))
LENGTHS = st.tuples(st.floats(0.5, 90), st.floats(0.5, 90))
TURNS = st.floats(-math.pi, math.pi)
OFF = 0.0011  # of the radius: how far 64 sides of the same area leave an ellipse


def mask(ring: Ring) -> NDArray[np.bool_]:
    return polygons_to_mask([Shape(1, ring)], height=HEIGHT, width=WIDTH)


def seen_from(place: tuple[float, float], turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pixels' centres from a place, turned back: x and y along the figure's own axes."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    x, y = x - place[0], y - place[1]
    return x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)


@given(PLACES, LENGTHS, TURNS)
def test_the_pixels_of_an_ellipse_are_those_inside_it(
    place: tuple[float, float], radii: tuple[float, float], turn: float
) -> None:
    ring = ellipse_ring(place, radii, turn=turn)
    x, y = seen_from(place, turn)
    distance = np.hypot(x / radii[0], y / radii[1])
    found = mask(ring)
    assert len(ring) == 64
    assert found[distance < 1 - OFF].all()
    assert not found[distance > 1 + OFF].any()
    assert ring_area(ring) == pytest.approx(math.pi * radii[0] * radii[1])


@pytest.mark.parametrize("radii", [(8.3, 8.3), (20.0, 12.0), (60.0, 41.0), (210.0, 95.0), (900.0, 700.0)])
@pytest.mark.parametrize("turn", [0.0, 0.3, 1.2])
def test_of_an_ellipses_pixels_less_than_half_a_percent_change(radii: tuple[float, float], turn: float) -> None:
    size = math.ceil(2 * max(radii)) + 8
    place = (size / 2 + 0.31, size / 2 - 0.17)
    y, x = np.mgrid[0:size, 0:size] + 0.5
    x, y = x - place[0], y - place[1]
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    true = np.hypot(along / radii[0], across / radii[1]) <= 1
    found = polygons_to_mask([Shape(1, ellipse_ring(place, radii, turn=turn))], height=size, width=size)
    assert np.count_nonzero(found != true) <= 0.005 * np.count_nonzero(true)


@given(PLACES, LENGTHS, TURNS)
def test_the_pixels_of_a_turned_rectangle_are_those_inside_it(
    place: tuple[float, float], lengths: tuple[float, float], turn: float
) -> None:
    x, y = seen_from(place, turn)
    inner = (x > 1e-6) & (x < lengths[0] - 1e-6) & (y > 1e-6) & (y < lengths[1] - 1e-6)
    outer = (x > -1e-6) & (x < lengths[0] + 1e-6) & (y > -1e-6) & (y < lengths[1] + 1e-6)
    found = mask(rectangle_ring(place, lengths, turn=turn))
    assert found[inner].all()
    assert not found[~outer].any()
