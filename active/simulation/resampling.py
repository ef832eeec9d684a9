"""The hierarchical bootstrap of simulated trainings: seeds are drawn, and patients within each seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .lines import patients_of_line

Floats = NDArray[np.float64]
RESAMPLES: Final = 10_000
PATIENT_DRAWS: Final = 400  # draws of patients for each training
BOUNDS: Final = (0.025, 0.975)

Level = Literal["patients within seeds", "seeds"]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Mean Dice of each training under each draw of its held-out patients.

    Attributes:
        dice: `(trainings, PATIENT_DRAWS)`; where the lines have no patients, a training's draws are all the same.
        level: What the bootstrap draws.
    """

    dice: Floats
    level: Level


def patient_draws(rows: pd.DataFrame) -> Draws:
    """Draw the held-out patients of each training; trainings of one seed share their draws, so they stay paired."""
    means = rows["dice_mean"].to_numpy(np.float64)
    constant = np.repeat(means[:, None], PATIENT_DRAWS, 1)
    cells = rows["patients_dice"] if "patients_dice" in rows else pd.Series([None] * len(rows), dtype=object)
    known = [patients_of_line(cell) for cell in cells]
    if not known or any(k is None for k in known):
        return Draws(constant, "seeds")
    found = np.empty_like(constant)
    for place, (seed, patients) in enumerate(zip(rows["seed"], known, strict=True)):
        assert patients is not None
        names = sorted(patients)
        figures = np.array([patients[name] for name in names], np.float64)  # (patients, classes, sum and count)
        rng = np.random.default_rng([int(seed), len(names)])
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=PATIENT_DRAWS)
        sums, counts = (np.tensordot(drawn, figures[..., k], 1) for k in (0, 1))
        dice = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        shown = ~np.isnan(dice)
        mean = np.where(shown, dice, 0).sum(1) / shown.sum(1).clip(min=1)
        found[place] = np.where(shown.any(1), mean, means[place])
    return Draws(found, "patients within seeds")


def seed_bootstrap(by_seed: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Means over drawn seeds, `(resamples,)`.

    Args:
        by_seed: `(seeds, draws)` a figure of each seed under each draw of its patients.
        resamples: How many means.
        seed: Random seed.
    """
    rng = np.random.default_rng(seed)
    shape = (resamples, len(by_seed))
    drawn = by_seed[rng.integers(len(by_seed), size=shape), rng.integers(by_seed.shape[1], size=shape)]
    means: Floats = drawn.mean(1)
    return means


def interval(by_seed: Floats, *, share: float = 0.95) -> tuple[float, float]:
    """An interval of the mean over seeds; nan where nothing varies: one seed, and no patients to draw."""
    if len(by_seed) < 2 and np.ptp(by_seed) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(seed_bootstrap(by_seed), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
