"""Tables of the simulated labelling: Dice by frames, paired differences to the baseline, minutes to a Dice.

PYTHONPATH=benchmarks python -m simulation.table
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from simulation.grid import FULL, INITIAL, RESULTS

BASELINE: Final = "foreground"
SHARES: Final = (0.90, 0.95)
RESAMPLES: Final = 10_000
NOT_REACHED: Final = "not reached"


def load(path: Path, *, steps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Budgets' trainings, the shared first round repeated for every strategy, and those on the whole pool."""
    table = pd.read_csv(path, dtype={"budget": str})
    table = table[table["steps"] == steps]
    full, first = table[table["strategy"] == FULL], table[table["strategy"] == INITIAL]
    own = table[~table["strategy"].isin([FULL, INITIAL])]
    keys = own[["strategy", "seed"]].drop_duplicates()
    shared = keys.merge(first.drop(columns="strategy"), on="seed")
    rows = pd.concat([shared, own], ignore_index=True)
    return rows.astype({"budget": int}), full


def mean_dice(rows: pd.DataFrame, value: str = "dice_mean") -> pd.DataFrame:
    """Strategies by budgets, the mean over seeds."""
    return rows.pivot_table(index="strategy", columns="budget", values=value)


def differences(rows: pd.DataFrame, *, to: str = BASELINE, budgets: list[int] | None = None) -> pd.DataFrame:
    """Paired by seed and budget: mean difference to another strategy, over budgets, with a 95 % interval over seeds.

    The first round is left out: it is the same for all.
    """
    wide = rows[rows["budget"] > 16].pivot_table(index=["seed", "budget"], columns="strategy", values="dice_mean")
    if budgets is not None:
        wide = wide[wide.index.get_level_values("budget").isin(budgets)]
    rng = np.random.default_rng(0)
    found = []
    for name in wide.columns:
        both = wide[[name, to]].dropna() if name != to else wide[[name]].dropna()
        if name == to or both.empty:
            continue
        by_seed = (both[name] - both[to]).groupby("seed").mean().to_numpy()
        drawn = by_seed[rng.integers(len(by_seed), size=(RESAMPLES, len(by_seed)))].mean(1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        cells = (both[name] - both[to]).to_numpy()
        found.append(
            {
                "strategy": name,
                "seeds": len(by_seed),
                "cells": len(cells),
                "difference": cells.mean(),
                "low": low,
                "high": high,
                "wins": int((cells > 0.01).sum()),
                "ties": int((np.abs(cells) <= 0.01).sum()),
                "losses": int((cells < -0.01).sum()),
            }
        )
    return pd.DataFrame(found).sort_values("difference", ascending=False) if found else pd.DataFrame()


def reached(rows: pd.DataFrame, goal: float, *, axis: str) -> float:
    """Where the curve, averaged over seeds and made monotone, reaches a Dice; by interpolation over the logarithm.

    Args:
        rows: Of one strategy.
        goal: A Dice.
        axis: `minutes` or `frames`.

    Returns:
        Minutes or frames; nan where it is not reached.
    """
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


def to_goals(rows: pd.DataFrame, full: float) -> pd.DataFrame:
    """Minutes and frames to shares of the whole pool's Dice, and as a share of what random and the baseline need."""
    found = []
    for name, own in rows.groupby("strategy"):
        row: dict[str, Any] = {"strategy": name}
        for share in SHARES:
            for axis in ("minutes", "frames"):
                need = reached(own, share * full, axis=axis)
                row[f"{axis} {share:.0%}"] = need
                for other in ("random", BASELINE):
                    theirs = rows[rows["strategy"] == other]
                    their = reached(theirs, share * full, axis=axis) if len(theirs) else float("nan")
                    row[f"{axis} {share:.0%} / {other}"] = need / their
        found.append(row)
    return pd.DataFrame(found).set_index("strategy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--steps", type=int, default=600)
    args = parser.parse_args()
    rows, full = load(args.results, steps=args.steps)
    goal = float(full["dice_mean"].mean())
    pd.set_option("display.width", 200, "display.max_columns", 30, "display.max_rows", 100, "display.precision", 3)
    print(f"whole pool: Dice {goal:.4f}, {len(full)} trainings\n")
    dice = mean_dice(rows)
    order = dice.mean(axis=1).sort_values(ascending=False).index
    print("mean Dice over seeds, by frames\n", dice.loc[order].round(3).to_string(na_rep=""), "\n")
    print("nerve\n", mean_dice(rows, "dice_nerve").loc[order].round(3).to_string(na_rep=""), "\n")
    print("minutes\n", mean_dice(rows, "minutes").loc[order].round(1).to_string(na_rep=""), "\n")
    if BASELINE in set(rows["strategy"]):
        told = differences(rows).round(4).to_string(index=False)
        print(f"difference to {BASELINE}, same seed and budget\n", told, "\n")
    print("to a share of the whole pool's Dice\n", to_goals(rows, goal).round(2).to_string(na_rep=NOT_REACHED))


if __name__ == "__main__":
    main()
