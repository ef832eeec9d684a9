"""The fewest lines along a border: how many there are, how near they lie, and which points stay."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely

from dmr.annotate.geometry.fitting import Points, fitted, polyline

REACH = 4.0


def along(corners: list[tuple[float, float]], *, closed: bool) -> Points:
    """Points half a pixel apart on a line through corners."""
    ring = np.array([*corners, corners[0]] if closed else corners, np.float64)
    parts = []
    for a, b in pairwise(ring):
        steps = round(2 * float(np.hypot(*(b - a))))
        parts.append(a + (b - a) * (np.arange(steps)[:, None] + 0.5) / steps)
    return np.concatenate(parts)


SQUARE = [(10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0)]


@pytest.mark.parametrize("turn", [0, 13, 40, 77])
def test_a_square_is_found_by_its_corners_wherever_its_border_begins(turn: int) -> None:
    points = np.roll(along(SQUARE, closed=True), turn, axis=0)
    found = fitted(points, 0.2, REACH, closed=True, least=3, most=50)
    np.testing.assert_allclose(sorted(found.tolist()), sorted(SQUARE), atol=0.1)


def test_an_open_border_s_ends_are_not_among_the_points_found() -> None:
    points = along([(0.0, 0.0), (30.0, 0.0), (30.0, 20.0)], closed=False)
    found = fitted(points, 0.2, REACH, closed=False, least=1, most=50)
    np.testing.assert_allclose(found, [[30.0, 0.0]], atol=0.1)
    straight = along([(0.0, 0.0), (30.0, 3.0)], closed=False)
    assert len(fitted(straight, 0.2, REACH, closed=False, least=1, most=50)) == 0


def circle(radius: float = 40.0, count: int = 400) -> Points:
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([60 + radius * np.cos(turns), 60 + radius * np.sin(turns)])


def test_more_points_come_nearer_and_keep_the_area() -> None:
    areas, counts = [], []
    for rms in (2.0, 1.0, 0.5, 0.25):
        found = fitted(circle(), rms, REACH, closed=True, least=3, most=200)
        counts.append(len(found))
        areas.append(shapely.Polygon(found).area / (np.pi * 40**2))
        away = shapely.distance(shapely.points(circle()), shapely.Polygon(found).exterior)
        assert np.sqrt((away**2).mean()) < 1.2 * rms
    assert counts == sorted(set(counts))
    # What is cut off on one side is added on the other.
    assert all(abs(area - 1) < 0.03 for area in areas)


def test_the_least_and_the_most_lines_go_before_the_distance() -> None:
    points = along(SQUARE, closed=True)
    assert len(fitted(points, 100.0, REACH, closed=True, least=3, most=50)) == 3
    assert len(fitted(circle(), 0.01, REACH, closed=True, least=3, most=8)) == 8


def test_noise_of_pixels_does_not_make_corners() -> None:
    rng = np.random.default_rng(0)
    points = along(SQUARE, closed=True)
    found = fitted(points + rng.normal(0, 0.3, points.shape), 0.5, REACH, closed=True, least=3, most=50)
    assert len(found) == 4
    assert np.abs(np.sort(found, axis=0) - np.sort(np.array(SQUARE), axis=0)).max() < 1.0


def test_a_line_is_the_one_that_shapely_makes() -> None:
    assert polyline(circle()).equals(shapely.LineString(circle()))
