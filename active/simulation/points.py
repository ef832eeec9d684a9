"""The outline points that a simulated physician moves, adds and takes away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...annotate.geometry.trace import index_to_shapes
from ...annotate.shapes import Shape
from ..selection.seconds import GOOD_ENOUGH
from .effort import tolerance_px

_SIMPLIFIED: Final = 1.0  # px of the grid that an outline may be off, so that it has few points

Mask = NDArray[np.bool_]


def points_changed(
    truth: NDArray[np.uint8],
    draft: NDArray[np.uint8] | None,
    *,
    classes: int,
    contains: Mapping[int, frozenset[int]],
    covered: Mask,
) -> Counter[str]:
    """Count the points that turn one frame's draft into its truth.

    A draft's point that lies farther from the true boundary than the tolerance is moved to where the truth has a point
    that lies as far from the draft. Where one of the two kinds is more frequent, the rest are removed or added.

    Args:
        truth: `(S, S)`: 0 background, k the k-th class; other values are no class.
        draft: `(S, S)` likewise; None where everything is drawn from nothing.
        classes: Their number.
        contains: For each class, the classes that lie inside it.
        covered: `(classes,)`: those that the truth is complete in. Elsewhere a structure too many is not counted.

    Returns:
        `points_moved`, `points_added` and `points_removed`.
    """
    found: Counter[str] = Counter()
    outlines = index_to_shapes(np.where(truth <= classes, truth, 0), tolerance=_SIMPLIFIED, contains=contains)
    before = () if draft is None else index_to_shapes(draft, tolerance=_SIMPLIFIED, contains=contains)
    for k in range(1, 1 + classes):
        members = [k, *contains.get(k, ())]
        real = np.isin(truth, members)
        drawn = np.zeros_like(real) if draft is None else np.isin(draft, members)
        if not real.any() and not (drawn.any() and covered[k - 1]):
            continue
        if real.any() and 2 * (real & drawn).sum() / (real.sum() + drawn.sum()) >= GOOD_ENOUGH:
            continue
        new, old = _far(outlines, k, from_=drawn), _far(before, k, from_=real)
        moved = min(new, old)
        found += Counter(points_moved=moved, points_added=new - moved, points_removed=old - moved)
    return found


def _far(shapes: tuple[Shape, ...], class_id: int, *, from_: Mask) -> int:
    """Points of a class's outlines that lie farther than the tolerance from a mask's boundary."""
    side = len(from_)
    reach = 2 * tolerance_px(side) + 1
    near = ndimage.binary_dilation(from_ & ~ndimage.binary_erosion(from_), np.ones((reach, reach), bool))
    points = [p for shape in shapes if shape.class_id == class_id for p in shape.points]
    return sum(not near[min(int(y), side - 1), min(int(x), side - 1)] for x, y in points)
