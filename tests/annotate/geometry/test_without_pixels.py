"""An outline that holds no pixel is told from one that does, however its ring runs."""

from __future__ import annotations

import pytest

from dmr.annotate.geometry.raster import polygons_to_mask, unseen
from dmr.annotate.shapes import Shape

BOX = ((5.0, 5.0), (20.0, 5.0), (20.0, 20.0), (5.0, 20.0))


@pytest.mark.parametrize(
    ("ring", "empty"),
    [
        pytest.param(BOX, False, id="a box"),
        pytest.param(BOX + BOX, True, id="a box traced twice"),
        pytest.param(((-30.0, 10.0), (5.0, -30.0), (-30.0, -30.0)), True, id="beside the frame, its box within"),
        pytest.param(((5.0, 5.1), (20.0, 5.1), (20.0, 5.2)), True, id="between two rows"),
    ],
)
def test_a_ring_without_pixels_is_told(ring: tuple[tuple[float, float], ...], empty: bool) -> None:
    shape = Shape(1, ring)
    assert bool(polygons_to_mask([shape], height=40, width=60).any()) is not empty
    assert unseen([shape], height=40, width=60)[:2] == ((frozenset({1}),) * 2 if empty else (frozenset(),) * 2)
