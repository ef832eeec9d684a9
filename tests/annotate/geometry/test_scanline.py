"""Runs of pixels whose centres a ring holds: held against the rule itself, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.geometry.scanline import ring_runs
from dmr.annotate.shapes import Ring

HEIGHT, WIDTH = 7, 9
# Halves and thirds: corners and edges that lie on centres, and some that do not.
PLACE = st.integers(-12, 60).map(lambda n: n / 6)
RINGS = st.lists(st.tuples(PLACE, PLACE), min_size=3, max_size=8).map(tuple)


def painted(rings: list[Ring], k: int) -> NDArray[np.bool_]:
    """The pixels of the ring `k` of several."""
    runs = ring_runs(rings, height=HEIGHT, width=WIDTH)
    first = int(runs.counts[:k].sum())
    mask = np.zeros(HEIGHT * WIDTH, np.bool_)
    for start, end in list(zip(runs.starts, runs.ends, strict=True))[first : first + int(runs.counts[k])]:
        assert not mask[start:end].any(), "no pixel comes twice"
        mask[start:end] = True
    return mask.reshape(HEIGHT, WIDTH)


def holds(ring: Ring, x: float, y: float) -> bool:
    """Whether an odd number of edges is crossed on the way to the left."""
    crossed = 0
    for (x0, y0), (x1, y1) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y0 <= y) != (y1 <= y):
            (ax, ay), (bx, by) = sorted([(x0, y0), (x1, y1)], key=lambda point: point[1])
            crossed += (y - ay) * (bx - ax) / (by - ay) + ax <= x
    return crossed % 2 == 1


@given(st.lists(RINGS, min_size=1, max_size=4))
def test_each_ring_holds_the_pixels_that_the_even_odd_rule_gives_it(rings: list[Ring]) -> None:
    for k, ring in enumerate(rings):
        wanted = [[holds(ring, x + 0.5, y + 0.5) for x in range(WIDTH)] for y in range(HEIGHT)]
        mask = painted(rings, k)
        on_an_edge = np.array(
            [[abs(distance(ring, x + 0.5, y + 0.5)) < 1e-9 for x in range(WIDTH)] for y in range(HEIGHT)]
        )
        np.testing.assert_array_equal(mask | on_an_edge, np.array(wanted) | on_an_edge)


def distance(ring: Ring, x: float, y: float) -> float:
    """From a point to the nearest edge."""
    import shapely

    return shapely.LinearRing(ring).distance(shapely.Point(x, y))


def test_a_centre_on_an_edge_belongs_to_one_of_two_neighbours() -> None:
    upper: Ring = ((0.5, 0.5), (6.5, 0.5), (6.5, 3.5), (0.5, 3.5))
    lower: Ring = ((0.5, 3.5), (6.5, 3.5), (6.5, 6.5), (0.5, 6.5))
    both: Ring = ((0.5, 0.5), (6.5, 0.5), (6.5, 6.5), (0.5, 6.5))
    rings = [upper, lower, both]
    assert not (painted(rings, 0) & painted(rings, 1)).any()
    np.testing.assert_array_equal(painted(rings, 0) | painted(rings, 1), painted(rings, 2))


def test_no_rings_and_rings_beyond_the_grid_have_no_runs() -> None:
    assert [len(part) for part in ring_runs([], height=HEIGHT, width=WIDTH)] == [0, 0, 0]
    beyond: Ring = ((20.0, 1.0), (30.0, 1.0), (25.0, 6.0))
    assert not painted([beyond], 0).any()


@pytest.mark.parametrize("far", [1e6, 1e12, 1e300])
def test_a_ring_that_reaches_far_past_the_grid_covers_it(far: float) -> None:
    assert painted([((-far, -far), (far, -far), (far, far), (-far, far))], 0).all()
