"""How often an outline crosses itself, and that no outline takes long to count."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from dmr.annotate.formats.labelme_outlines import TANGLED, ring_oddity
from dmr.annotate.geometry.crossings import MOST_CROSSINGS, crosses_too_often
from dmr.annotate.shapes import Ring

SIZE = {"height": 500, "width": 500}


def at_random(points: int) -> Ring:
    drawn = np.random.default_rng(points).uniform(0, 500, (points, 2))
    return tuple((float(x), float(y)) for x, y in drawn)


def zigzag(crossings: int) -> Ring:
    """A wave that runs right and comes back straight: it crosses itself as often as the wave crosses the line."""
    there = tuple((10.0 + k, 100.0 + (10 if k % 2 else -10)) for k in range(crossings + 1))
    return (*there, (10.5 + crossings, 300.0), (400.0, 300.0), (400.0, 100.0), (9.0, 100.0))


@pytest.mark.parametrize("crossings", [1, MOST_CROSSINGS - 2, MOST_CROSSINGS + 1])
def test_crossings_are_counted(crossings: int) -> None:
    assert crosses_too_often(zigzag(crossings)) == (crossings > MOST_CROSSINGS)


def test_a_circle_of_many_points_crosses_itself_nowhere() -> None:
    turns = [2 * math.pi * k / 20_000 for k in range(20_000)]
    assert not crosses_too_often(tuple((250 + 200 * math.cos(t), 250 + 200 * math.sin(t)) for t in turns))


def test_a_slip_of_the_hand_is_kept() -> None:
    bow_tie = ((10.0, 10.0), (60.0, 60.0), (60.0, 10.0), (10.0, 60.0))
    assert ring_oddity(bow_tie, **SIZE) == ("an outline crosses itself (kept)", True)


@pytest.mark.parametrize(
    "ring",
    [
        pytest.param(at_random(300), id="300-random"),
        pytest.param(at_random(3000), id="3000-random"),
        pytest.param(tuple((x, 0.0) for x, _ in at_random(3000)), id="3000-on-a-line"),
        pytest.param(((0.0, 0.0), (9.0, 9.0)) * 1500, id="to-and-fro"),
    ],
)
def test_a_tangle_is_refused_at_once(ring: Ring) -> None:
    began = time.perf_counter()
    assert ring_oddity(ring, **SIZE) == (TANGLED, False)
    assert time.perf_counter() - began < 1
