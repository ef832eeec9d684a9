"""Budget curves: mean Dice over frames or minutes, where a curve reaches a Dice, and the area under it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from .resampling import interval, patient_draws

SHARES: Final = (0.90, 0.95)  # of the Dice with all frames
LEAST_FULL: Final = 0.02  # Dice with all frames below which nothing was learnt: one training wobbles by as much
Axis = Literal["minutes", "frames"]


def mean_dice(rows: pd.DataFrame, value: str = "dice_mean") -> pd.DataFrame:
    """Strategies by budgets, the mean over seeds."""
    return rows.pivot_table(index="strategy", columns="budget", values=value)


def curve_points(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each strategy and budget: seeds, frames, minutes, mean Dice, and the bounds of its 95 % interval."""
    draws = patient_draws(rows).dice
    found = []
    for (strategy, budget), own in rows.groupby(["strategy", "budget"]):
        low, high = interval(draws[own.index])
        found.append(
            {
                "strategy": strategy,
                "budget": budget,
                "seeds": own["seed"].nunique(),
                "frames": own["frames"].mean(),
                "minutes": own["minutes"].mean(),
                "dice": own["dice_mean"].mean(),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(found, columns=["strategy", "budget", "seeds", "frames", "minutes", "dice", "low", "high"])


def reached(rows: pd.DataFrame, goal: float, *, axis: Axis) -> float:
    """Where the curve, averaged over seeds and made monotone, reaches a Dice; by interpolation over the logarithm.

    Args:
        rows: Of one strategy.
        goal: A Dice.
        axis: What the curve runs over.

    Returns:
        Minutes or frames; nan where it is not reached, or where the goal is no Dice above 0.
    """
    if not len(rows) or not goal > 0:
        return float("nan")
    points = rows.groupby("budget")[[axis, "dice_mean"]].mean()
    best = points["dice_mean"].cummax().to_numpy()
    at = np.log(points[axis].to_numpy())
    if goal > best[-1]:
        return float("nan")
    k = int(np.argmax(best >= goal))
    if k == 0:
        return float(np.exp(at[0]))
    share = (goal - best[k - 1]) / (best[k] - best[k - 1])
    return float(np.exp(at[k - 1] + share * (at[k] - at[k - 1])))


def full_dice(full: pd.DataFrame, seeds: Sequence[int]) -> float:
    """Mean Dice with all frames: of these seeds where each has a training, else of all seeds; nan without any."""
    by_seed = full.groupby("seed")["dice_mean"].mean()
    if not len(by_seed):
        return float("nan")
    wanted = sorted(set(seeds))
    return float(by_seed.loc[wanted].mean() if set(wanted) <= set(by_seed.index) else by_seed.mean())


def to_goals(rows: pd.DataFrame, full: pd.DataFrame, *, against: Sequence[str]) -> pd.DataFrame:
    """Minutes and frames to shares of the Dice with all frames, and as a share of what other strategies need.

    A strategy is compared on its own seeds: some seeds' patients are easier than others'. Where the networks learnt
    nothing from all frames, nothing is measured: all is nan.

    Args:
        rows: Trainings on budgets.
        full: Trainings on the whole pool.
        against: The strategies to compare with.
    """
    found = []
    for name, own in rows.groupby("strategy"):
        seeds = sorted(int(seed) for seed in own["seed"].unique())
        whole = full_dice(full, seeds)
        row: dict[str, Any] = {"strategy": name, "seeds": len(seeds), "full_dice": whole}
        for share in SHARES:
            for axis in ("minutes", "frames"):
                goal = share * whole if whole >= LEAST_FULL else float("nan")
                need = reached(own, goal, axis=axis)
                row[f"{axis} {share:.0%}"] = need
                for other in against:
                    theirs = rows[(rows["strategy"] == other) & rows["seed"].isin(seeds)]
                    complete = theirs["seed"].nunique() == len(seeds)
                    their = reached(theirs, goal, axis=axis) if complete else float("nan")
                    row[f"{axis} {share:.0%} / {other}"] = need / their
        found.append(row)
    return pd.DataFrame(found).set_index("strategy") if found else pd.DataFrame()


def areas(rows: pd.DataFrame) -> pd.Series[float]:
    """Area under each strategy's Dice over log(frames), as a mean Dice, over the budgets that all strategies have."""
    table = mean_dice(rows).dropna(axis=1)
    if table.shape[1] < 2:
        return pd.Series(np.nan, index=table.index)
    at = np.log(table.columns.to_numpy(np.float64))
    return pd.Series(np.trapezoid(table.to_numpy(), at, axis=1) / (at[-1] - at[0]), index=table.index)
