"""The work in outlines that somebody drew, and which times were a tab left open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...annotate.shapes import Annotation
from .pool import Floats
from .seconds import GRID, fitted_pace

LEAST_OPEN_S: Final = 300.0  # seconds: no shorter time counts as a tab that was left open
MOST_TIMES: Final = 5.0  # of what drawing the same structures from nothing takes: nobody corrects for so long


def outline_work(drawn: Annotation) -> dict[int, float]:
    """Boundary pixels of each class that is drawn, on a grid of 128 x 128.

    They are counted as a line of pixels is: the longer of its two sides. Corners would not do, because a draft has
    more of them than a physician sets.
    """
    scale = GRID / drawn.width, GRID / drawn.height
    found: dict[int, float] = defaultdict(float)
    for shape in drawn.shapes:
        ring = [(x * scale[0], y * scale[1]) for x, y in shape.points]
        found[shape.class_id] += sum(max(abs(x - u), abs(y - v)) for (x, y), (u, v) in pairwise([*ring, ring[0]]))
    return dict(found)


def total_work(lengths: Mapping[int, float]) -> tuple[float, float]:
    """Structures and boundary pixels, as `Pace.seconds` takes them."""
    return float(len(lengths)), sum(lengths.values())


def left_open(work: Floats, seconds: Floats, *, from_nothing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`(n,)` the times that are no work: a tab was left open.

    They are longer than five minutes, and longer than five times what drawing the same structures from nothing takes.
    Frames with a draft and without are held against the same, or else leaving times out would change their difference.

    Args:
        work: `(n, 2)` structures and boundary pixels of what was submitted.
        seconds: `(n,)` measured.
        from_nothing: `(n,)` the frames that went out without a draft.
    """
    usual = fitted_pace(work[from_nothing], seconds[from_nothing]).seconds(work)
    return np.asarray(seconds > np.maximum(LEAST_OPEN_S, MOST_TIMES * usual))
