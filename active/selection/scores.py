"""How much a frame can teach: pure functions of a network's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A class's plausible region is 1.5 times its expected area, so that it includes the border. Averaged over the whole
# frame, a small nerve would drown in background.
REGION_FACTOR = 1.5
REGION_LEAST = 24  # pixels of the network's grid: the area of a small nerve at 128 x 128
PLAUSIBLE = 0.05  # less likely pixels do not count towards the expected area: they are thousands, and would dominate
_LEAST_P = 1e-6  # probabilities below count as this, because logarithms end at 0

Layer = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How unsure a network is of one class in one frame.

    Attributes:
        name: The class.
        entropy: Mean binary entropy over the plausible region; 0 is certain, 1 is most uncertain.
        peak: Highest probability in the frame, 0 to 1.
        area: Share of the frame outlined as this class, 0 to 1.
    """

    name: str
    entropy: float
    peak: float
    area: float


def plausible_region(p: Layer) -> NDArray[np.intp]:
    """The most likely pixels of one layer `(h, w)`, as places in the raveled layer."""
    expected = p[p >= PLAUSIBLE].sum()
    n = int(np.clip(REGION_FACTOR * expected, min(REGION_LEAST, p.size), p.size))
    return np.argpartition(p.ravel(), p.size - n)[p.size - n :]


def plausible_entropy(p: Layer) -> float:
    """Mean binary entropy of one layer `(h, w)` over its most likely pixels, 0 to 1 bit."""
    top = p.ravel()[plausible_region(p)].astype(np.float64).clip(_LEAST_P, 1 - _LEAST_P)
    return float(-(top * np.log2(top) + (1 - top) * np.log2(1 - top)).mean())


def plausible_bald(p: Layer, spread: Layer) -> float:
    """Mutual information of a class and the look, mean over the class's most likely pixels, in bits.

    The second-order approximation by the variance between the looks: half the variance over `p (1 - p)`.

    Args:
        p: Its probability `(h, w)`, the mean over the looks.
        spread: Its standard deviation between the looks `(h, w)`.
    """
    region = plausible_region(p)
    top = p.ravel()[region].astype(np.float64).clip(_LEAST_P, 1 - _LEAST_P)
    variance = spread.ravel()[region].astype(np.float64) ** 2
    return float((variance / (2 * top * (1 - top))).mean() / np.log(2))


@dataclass(frozen=True, slots=True)
class WholeFrame:
    """How unsure a network is over the whole frame; means over all pixels.

    Attributes:
        entropy: Of the classes' probabilities, as a share of the highest that there is.
        margin: Difference of the two highest probabilities.
        bald: Mutual information of class and look, as the same share; approximated as in `plausible_bald`.
    """

    entropy: float
    margin: float
    bald: float


def whole_frame(probabilities: Layer, spread: Layer) -> WholeFrame:
    """Sum up a prediction `(1 + classes, h, w)` and the standard deviation between its looks."""
    p = np.maximum(probabilities, _LEAST_P)
    most = float(np.log(len(p)))
    top = np.partition(probabilities, len(p) - 2, axis=0)[-2:]
    return WholeFrame(
        entropy=float(-(p * np.log(p)).sum(0).mean()) / most,
        margin=float((top[1] - top[0]).mean()),
        bald=float((spread**2 / (2 * p)).sum(0).mean()) / most,
    )


def boundary_length(mask: NDArray[np.bool_]) -> int:
    """Pixels of a mask `(h, w)` that have a neighbour, of four, outside of it."""
    inner = np.pad(mask, 1)
    all_in = inner[1:-1, :-2] & inner[1:-1, 2:] & inner[:-2, 1:-1] & inner[2:, 1:-1]
    return int((mask & ~all_in).sum())


def class_scores(layers: NDArray[np.float32], drawn: NDArray[np.bool_], *, names: Sequence[str]) -> list[ClassScore]:
    """Score each class.

    Args:
        layers: `(C, h, w)` probabilities on the network's grid.
        drawn: `(C, H, W)` masks of the outlines, at the frame's own size.
        names: Names of the classes.
    """
    return [
        ClassScore(name, plausible_entropy(p), float(p.max()), float(d.mean()))
        for name, p, d in zip(names, layers, drawn, strict=True)
    ]
