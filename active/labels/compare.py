"""Compare what is drawn of each class in a frame with what a model sees there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

TOLERANCE: Final = 1 / 64  # of the grid's side: how far a border may be off without any disagreement
SURE: Final = 0.5  # probability from which the model sees a class
FULL: Final = 255  # the byte of probability 1

Masks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One class in one frame. Areas are shares of the grid.

    Attributes:
        class_id: The class.
        drawn: Area that is drawn; 0 where the class is not drawn.
        seen: Area in which the model sees the class.
        unseen: Share of the drawn area in which the model does not see the class, borders aside.
        extra: Area in which the model sees the class and nothing is drawn, borders aside.
        peak: The highest probability of the class.
        other: The other class that the model sees most of where this one is drawn; None for none.
        other_share: Share of the drawn area in which it sees that class.
        apart: Mean distance between the drawn border and the one that the model sees, as a share of the grid's side.
    """

    class_id: int
    drawn: float
    seen: float
    unseen: float
    extra: float
    peak: float
    other: int | None
    other_share: float
    apart: float


def compare(
    probabilities: NDArray[np.uint8],
    drawn: Masks,
    *,
    class_ids: Sequence[int],
    contains: Mapping[int, frozenset[int]] | None = None,
) -> list[Comparison]:
    """Compare a prediction with an annotation.

    Args:
        probabilities: `(C, S, S)` the probability of each class's layer, times 255.
        drawn: `(C, S, S)` what is drawn of each class.
        class_ids: The classes, in the order of both.
        contains: Class id to the ids of the classes inside it: these are never taken for one another.

    Returns:
        A comparison for each class.
    """
    side = probabilities.shape[-1]
    reach = max(1, round(TOLERANCE * side))
    near = _largest_near(probabilities, reach)
    around = _largest_near(drawn, reach)
    found = []
    for k, class_id in enumerate(class_ids):
        own, area = drawn[k], int(drawn[k].sum())
        seen = probabilities[k] >= SURE * FULL
        other, other_share = _other(probabilities, own, k, class_ids, contains or {}) if area else (None, 0.0)
        found.append(
            Comparison(
                class_id=class_id,
                drawn=area / side**2,
                seen=float(seen.mean()),
                unseen=float(1 - near[k][own].mean() / FULL) if area else 0.0,
                extra=float((seen & ~around[k]).mean()),
                peak=float(probabilities[k].max() / FULL),
                other=other,
                other_share=other_share,
                apart=_apart(own, seen) / side if area and seen.any() else 0.0,
            )
        )
    return found


def _largest_near(layers: NDArray[np.generic], reach: int) -> NDArray[np.generic]:
    """`(C, S, S)`: the largest value up to `reach` pixels away, in rows and columns."""
    for axis in (1, 2):
        padded = np.pad(layers, [(reach, reach) if a == axis else (0, 0) for a in range(3)])
        size = layers.shape[axis]
        shifted = [np.take(padded, range(k, k + size), axis=axis) for k in range(2 * reach + 1)]
        layers = np.maximum.reduce(shifted)
    return layers


def _other(
    probabilities: NDArray[np.uint8],
    own: Masks,
    k: int,
    class_ids: Sequence[int],
    contains: Mapping[int, frozenset[int]],
) -> tuple[int | None, float]:
    """The other class that the model sees most of in a mask, and in which share of it."""
    share = (probabilities[:, own] >= SURE * FULL).mean(1)
    for j, other in enumerate(class_ids):
        if j == k or other in contains.get(class_ids[k], ()) or class_ids[k] in contains.get(other, ()):
            share[j] = 0
    most = int(np.argmax(share))
    return (class_ids[most], float(share[most])) if share[most] > 0 else (None, 0.0)


def _apart(own: Masks, seen: Masks) -> float:
    """Mean distance of two borders, pixels: the area between them over their mean length."""
    length = (_edge(own) + _edge(seen)) / 2
    return float((own ^ seen).sum() / max(1, length))


def _edge(mask: Masks) -> int:
    """How many of a mask's pixels have a neighbour outside it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return int((mask & ~inner).sum())
