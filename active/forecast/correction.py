"""How far forecasts of learning curves were off in the past, and what follows for the next one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .families import LEAST_POINTS, NOISE, Curves, Point, fit_curves

HELD: Final = 0.9  # share of the intervals that are to hold the truth
LEAST_PAST: Final = 10  # past forecasts from which a correction is worth learning


@dataclass(frozen=True, slots=True)
class Raw:
    """A forecast without a correction.

    Attributes:
        doublings: How far ahead of the last point it is, in doublings of the frames.
        base: The Dice of the fitted curves at the last point.
        mean: Their Dice with the frames that were asked for.
        spread: Standard deviation between the curves there.
    """

    doublings: float
    base: float
    mean: float
    spread: float

    @classmethod
    def of(cls, curves: Curves, *, last: float, frames: float) -> Raw:
        """The forecast of fitted curves for `frames` frames; `last` are those of the last point."""
        mean, spread = curves.at(frames)
        return cls(math.log2(frames / last), curves.at(last)[0], mean, spread)

    @property
    def unit(self) -> float:
        """What an error is measured in: the noise of a training, what the curves differ by, and how far ahead it is."""
        return math.hypot(NOISE, self.spread, NOISE * self.doublings / 2)


@dataclass(frozen=True, slots=True)
class Past:
    """A forecast whose truth is known; forecasts with the same `seed` are judged without each other."""

    seed: int
    raw: Raw
    truth: float


@dataclass(frozen=True, slots=True)
class Correction:
    """What past forecasts teach.

    Attributes:
        kept: The share of a forecast gain that came true; below 1, because fitted curves are optimistic.
        width: Half of an interval, in the forecast's units.
        count: Past forecasts that it was learnt from.
    """

    kept: float
    width: float
    count: int

    def middle(self, raw: Raw) -> float:
        """The corrected Dice."""
        return min(1.0, max(0.0, raw.base + self.kept * (raw.mean - raw.base)))

    def interval(self, raw: Raw) -> tuple[float, float]:
        """The bounds of its interval, within 0 to 1."""
        half = self.width * raw.unit
        return max(0.0, self.middle(raw) - half), min(1.0, self.middle(raw) + half)


def past_forecasts(curves: Iterable[tuple[int, Sequence[Point]]]) -> list[Past]:
    """Forecast each curve's later points from its first ones, from `LEAST_POINTS` on.

    Args:
        curves: Of each: its seed and its points, fewest frames first.
    """
    found = []
    for seed, points in curves:
        for known in range(LEAST_POINTS, len(points)):
            fitted = fit_curves(points[:known])
            for frames, truth in points[known:]:
                found.append(Past(seed, Raw.of(fitted, last=points[known - 1][0], frames=frames), truth))
    return found


def learn(past: Sequence[Past]) -> Correction:
    """Learn the share of a forecast gain that comes true, then the width that holds `HELD` of the truths.

    Raises:
        ValueError: There are no past forecasts.
    """
    if not past:
        raise ValueError("no past forecasts to learn from")
    gains = np.array([p.raw.mean - p.raw.base for p in past])
    came = np.array([p.truth - p.raw.base for p in past])
    kept = float(np.clip((gains @ came) / (gains @ gains), 0.0, 1.0)) if gains.any() else 1.0
    off = np.abs(came - kept * gains) / np.array([p.raw.unit for p in past])
    rank = min(len(off), math.ceil(HELD * (len(off) + 1)))  # as in split conformal prediction
    return Correction(kept, float(np.sort(off)[rank - 1]), len(past))


def coverage(past: Sequence[Past]) -> tuple[int, int]:
    """How many intervals hold the truth, and of how many; each is made without the forecasts of its own seed."""
    held = judged = 0
    for seed in sorted({p.seed for p in past}):
        others = [p for p in past if p.seed != seed]
        if not others:
            continue
        correction = learn(others)
        for p in past:
            if p.seed == seed:
                low, high = correction.interval(p.raw)
                judged += 1
                held += low <= p.truth <= high
    return held, judged
