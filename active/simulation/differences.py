"""Strategies against one another: paired differences with intervals, Holm's correction, and wins and losses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .resampling import Level, interval, patient_draws, seed_bootstrap

TIE: Final = 0.01  # Dice: half of what one training differs from the next by


@dataclass(frozen=True, slots=True)
class Difference:
    """One strategy's mean Dice minus another's, over the same seeds and budgets.

    Attributes:
        to: The other strategy.
        seeds: Seeds that have both.
        cells: Pairs of trainings.
        value: The mean difference.
        low: Lower bound of its 95 % interval; nan where nothing can be drawn.
        high: Upper bound.
        p: Two-sided, from the bootstrap, before Holm's correction.
        holm: p after the correction.
        holm_low: Lower bound of the interval that Holm's step of this comparison asks for.
        wins: Pairs in which it is ahead by more than `TIE`.
        ties: Pairs within `TIE`.
        losses: Pairs in which it is behind by more than `TIE`.
        level: What was drawn.
    """

    to: str
    seeds: int
    cells: int
    value: float
    low: float
    high: float
    p: float
    holm: float
    holm_low: float
    wins: int
    ties: int
    losses: int
    level: Level


def differences(
    rows: pd.DataFrame, *, of: str, to: Sequence[str], budgets: Collection[int] | None = None
) -> list[Difference]:
    """Compare a strategy with others, paired by seed and budget; the comparisons share Holm's correction.

    Args:
        rows: Trainings on budgets.
        of: The strategy.
        to: The others; those without a pair are left out.
        budgets: The budgets that count; None for all. The first one is the same for all strategies.
    """
    rows = rows if budgets is None else rows[rows["budget"].isin(budgets)]
    rows = rows.reset_index(drop=True)
    means = rows["dice_mean"].to_numpy(np.float64)
    draws = patient_draws(rows)
    named = zip(rows["strategy"].astype(str), rows["seed"].astype(int), rows["budget"].astype(int), strict=True)
    place = {key: i for i, key in enumerate(named)}
    found: list[tuple[str, NDArray[np.float64], NDArray[np.float64]]] = []
    for other in dict.fromkeys(to):
        pairs = [(s, b) for name, s, b in place if name == of and (other, s, b) in place]
        if other == of or not pairs:
            continue
        seeds = sorted({s for s, _ in pairs})
        change = {
            pair: draws.dice[place[(of, *pair)]] - draws.dice[place[(other, *pair)]] for pair in pairs
        }  # one draw of patients for both
        by_seed = np.stack([np.mean([change[p] for p in pairs if p[0] == s], axis=0) for s in seeds])
        cells = np.array([means[place[(of, *p)]] - means[place[(other, *p)]] for p in pairs])
        found.append((other, by_seed, cells))
    tested = [_p(by_seed) for _, by_seed, _ in found]
    corrected, ranks = holm(tested)
    return [
        _difference(other, by_seed, cells, p, q, share=1 - 0.05 / (len(found) - rank), level=draws.level)
        for (other, by_seed, cells), p, q, rank in zip(found, tested, corrected, ranks, strict=True)
    ]


def _difference(
    other: str,
    by_seed: NDArray[np.float64],
    cells: NDArray[np.float64],
    p: float,
    q: float,
    *,
    share: float,
    level: Level,
) -> Difference:
    low, high = interval(by_seed)
    return Difference(
        to=other,
        seeds=len(by_seed),
        cells=len(cells),
        value=float(cells.mean()),
        low=low,
        high=high,
        p=p,
        holm=q,
        holm_low=interval(by_seed, share=share)[0],
        wins=int((cells > TIE).sum()),
        ties=int((np.abs(cells) <= TIE).sum()),
        losses=int((cells < -TIE).sum()),
        level=level,
    )


def _p(by_seed: NDArray[np.float64]) -> float:
    """How often the bootstrap's mean lies on the other side of 0, two-sided; 1 where nothing can be drawn."""
    if len(by_seed) < 2 and np.ptp(by_seed) == 0:
        return 1.0
    means = seed_bootstrap(by_seed)
    return float(min(1.0, 2 * min((means <= 0).mean(), (means >= 0).mean()) + 1 / len(means)))


def holm(p: Sequence[float]) -> tuple[list[float], list[int]]:
    """Holm's step-down correction (Holm 1979).

    Returns:
        The corrected values, and each one's rank from 0, the smallest first.
    """
    order = sorted(range(len(p)), key=lambda i: p[i])
    corrected, ranks, largest = [0.0] * len(p), [0] * len(p), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i], ranks[i] = largest, rank
    return corrected, ranks


def wins_and_losses(rows: pd.DataFrame, strategies: Sequence[str], *, first: int | None = None) -> list[list[str]]:
    """Wins, ties and losses of each strategy (rows) against each other one (columns), over seeds and budgets.

    Args:
        rows: Trainings on budgets.
        strategies: The strategies, in order.
        first: The first budget, which is left out: it is the same for all.
    """
    rows = rows[rows["budget"] != first]
    wide = rows.pivot_table(index=["seed", "budget"], columns="strategy", values="dice_mean")
    cells = []
    for one in strategies:
        line = []
        for other in strategies:
            if one == other or one not in wide or other not in wide:
                line.append("")
                continue
            change = (wide[one] - wide[other]).dropna().to_numpy()
            wins, losses = int((change > TIE).sum()), int((change < -TIE).sum())
            line.append(f"{wins}-{len(change) - wins - losses}-{losses}" if len(change) else "")
        cells.append(line)
    return cells
