"""Pixels with their centres inside outlines, as runs along rows: exact scan conversion without a pixel loop. Pure.

Only the crossings of outlines with rows of centres are computed, in double precision. Sorted within a row, a run begins
at one crossing and ends at the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..shapes import Ring

# Coordinates beyond this are cut. No frame is as wide, and differences stay exact enough.
_FAR = 1e7


class Runs(NamedTuple):
    """Pixels of a grid as stretches of its flat array, row by row.

    Attributes:
        starts: Index of each run's first pixel, `(n,)`.
        ends: Index after its last, `(n,)`.
        counts: Number of runs of each ring, `(rings,)`; runs come ring by ring.
    """

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    counts: NDArray[np.intp]


def ring_runs(rings: Sequence[Ring], *, height: int, width: int) -> Runs:
    """The pixels with their centres inside each ring, by the even-odd rule.

    A centre on an edge belongs to the side below it, or left of it. So if two rings share the edge, it belongs to
    exactly one.

    Args:
        rings: Rings in pixels; they may reach past the grid. All rings of a frame at once is fastest.
        height: Rows of the grid.
        width: Columns of the grid.
    """
    if not rings:
        return Runs(*np.zeros((3, 0), np.intp))
    sizes = np.array([len(ring) for ring in rings])
    begins = np.add.accumulate(sizes) - sizes
    xy = np.array(list(chain.from_iterable(rings)), np.float64)
    if not -_FAR < xy.min() <= xy.max() < _FAR:
        xy = xy.clip(-_FAR, _FAR)
    following = np.arange(1, len(xy) + 1)
    following[begins + sizes - 1] = begins
    x0, y0 = xy.T
    x1, y1 = xy[following].T
    # Rows with centres from an edge's upper end (included) to its lower end (excluded). Level edges have none.
    level = np.minimum(np.maximum(np.ceil(y0 - 0.5), 0), height).astype(np.intp)
    beyond = level[following]
    first = np.minimum(level, beyond)
    count = np.abs(level - beyond)
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - (np.add.accumulate(count) - count - first)[edge]
    # Always from the upper to the lower end, whichever way the ring goes, so that neighbours compute the same.
    down = y0 < y1
    top_x, top_y = np.where(down, x0, x1), np.minimum(y0, y1)
    run, rise = np.where(down, x1, x0) - top_x, np.maximum(y0, y1) - top_y
    crossing = (row + 0.5 - top_y[edge]) * run[edge] / rise[edge] + top_x[edge]
    # The first pixel with its centre right of the crossing.
    column = np.minimum(np.maximum(np.floor(crossing + 0.5), 0), width).astype(np.intp)
    crossings = np.add.reduceat(count, begins)
    pixel = row * width + column
    # The ring's number is put in front, so that crossings are sorted within each ring.
    far = np.repeat(np.arange(len(rings)) * (height * width + 1), crossings)
    order = np.sort(pixel + far) - far
    starts, ends, counts = order[0::2], order[1::2], crossings // 2
    # Two crossings at one place, or both outside the grid, hold no centre between them.
    held = starts < ends
    if not held.all():
        ring = np.repeat(np.arange(len(rings)), counts)
        starts, ends, counts = starts[held], ends[held], np.bincount(ring[held], minlength=len(rings))
    return Runs(starts, ends, counts)
