"""Learning curves of several families, fitted to (frames, Dice) points; together they give a forecast. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]
"""Labelled frames, and the Dice of the model that learnt from them."""

NOISE: Final = 0.02  # Dice by which one training differs from the next: measured on the development set
LEAST_POINTS: Final = 3
SHAPES: Final = 40  # values of each family's shape that are tried


def _power(n: Floats, shape: Floats) -> Floats:
    return np.asarray(-(n ** -(0.05 + 1.95 * shape)))


def _exponential(n: Floats, shape: Floats) -> Floats:
    return np.asarray(-np.exp(-n / 10 ** (0.7 + 2.8 * shape)))


def _logarithmic(n: Floats, shape: Floats) -> Floats:
    return np.asarray(np.log(n + 10 ** (2.5 * shape) - 1))


def _logistic(n: Floats, shape: Floats) -> Floats:
    return np.asarray(n / (n + 10 ** (0.3 + 3.2 * shape)))


def _arctan(n: Floats, shape: Floats) -> Floats:
    return np.asarray(np.arctan(n / 10 ** (0.3 + 3.2 * shape)))


FAMILIES: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "inverse power law": _power,
    "exponential": _exponential,
    "logarithmic": _logarithmic,
    "logistic": _logistic,
    "arctan": _arctan,
}
"""By name: a rising curve of frames for a shape from 0 to 1. Each is stretched and shifted to fit the points.

The families are those of Mahmood et al. (CVPR 2022), with a saturating exponential, and a logistic curve over the
logarithm of the frames in place of their algebraic root.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves of all families and shapes through some points, each with its weight.

    Attributes:
        weights: `(k,)`, sum 1: how well each fits, as likelihoods under `NOISE`. Each family starts with the same.
        family: `(k,)` the family's number.
        shape: `(k,)`.
        offset: `(k,)`.
        factor: `(k,)`, 0 or more: no curve falls.
        misfit: Root mean square of what the best one is off the points by, as far as it is more than `NOISE`.
    """

    weights: Floats
    family: NDArray[np.intp]
    shape: Floats
    offset: Floats
    factor: Floats
    misfit: float = 0.0

    def at(self, frames: float) -> tuple[float, float]:
        """The weighted mean of the curves' Dice with so many frames, and its standard deviation.

        The curves differ from one another, and all may miss the points: where Dice falls, no curve follows.
        """
        n, values = np.array(float(frames)), np.empty(len(self.shape))
        for number, curve in enumerate(FAMILIES.values()):
            own = self.family == number
            values[own] = curve(n, self.shape[own])
        dice = np.clip(self.offset + self.factor * values, 0.0, 1.0)
        mean = float(self.weights @ dice)
        return mean, float(np.sqrt(self.weights @ (dice - mean) ** 2 + self.misfit**2))


def fit_curves(points: Sequence[Point]) -> Curves:
    """Fit all families to points.

    Args:
        points: At least `LEAST_POINTS` with different numbers of frames.

    Raises:
        ValueError: There are too few.
    """
    if len({frames for frames, _ in points}) < LEAST_POINTS:
        raise ValueError(f"{len(points)} points: expected at least {LEAST_POINTS} with different numbers of frames")
    n, dice = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
    shapes = np.linspace(0, 1, SHAPES)
    rows = []
    for number, curve in enumerate(FAMILIES.values()):
        for shape in shapes:
            x = curve(n, np.array(shape))
            spread = ((x - x.mean()) ** 2).sum()
            factor = max(0.0, float(((x - x.mean()) * (dice - dice.mean())).sum() / spread)) if spread > 0 else 0.0
            offset = float(dice.mean() - factor * x.mean())
            misfit = float(((offset + factor * x - dice) ** 2).sum())
            rows.append((number, shape, offset, factor, misfit))
    table = np.array(rows)
    misfits = table[:, 4]
    weights = np.exp(-(misfits - misfits.min()) / (2 * NOISE**2))
    off = float(np.sqrt(max(0.0, misfits.min() / len(points) - NOISE**2)))
    return Curves(weights / weights.sum(), table[:, 0].astype(np.intp), table[:, 1], table[:, 2], table[:, 3], off)
