"""Tables of the simulated labelling: Dice by frames, paired differences to the baseline, minutes to a Dice.

PYTHONPATH=benchmarks python -m simulation.table
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pandas as pd
from simulation.grid import RESULTS
from simulation.network import NAME

from dmr.active.selection.strategies import BASELINE
from dmr.active.simulation.curves import mean_dice, to_goals
from dmr.active.simulation.differences import differences
from dmr.active.simulation.lines import budget_rows, read_lines

NOT_REACHED: Final = "not reached"


def load(path: Path, *, steps: int, network: str = NAME) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trainings on budgets, and those on the whole pool, of one network and length."""
    table = read_lines(path)
    return budget_rows(table[(table["steps"] == steps) & (table["network"] == network)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--steps", type=int, default=600)
    args = parser.parse_args()
    rows, full = load(args.results, steps=args.steps)
    pd.set_option("display.width", 200, "display.max_columns", 30, "display.max_rows", 100, "display.precision", 3)
    print(f"whole pool: Dice {full['dice_mean'].mean():.4f}, {len(full)} trainings\n")
    dice = mean_dice(rows)
    order = dice.mean(axis=1).sort_values(ascending=False).index
    print("mean Dice over seeds, by frames\n", dice.loc[order].round(3).to_string(na_rep=""), "\n")
    print("nerve\n", mean_dice(rows, "dice_nerve").loc[order].round(3).to_string(na_rep=""), "\n")
    print("minutes\n", mean_dice(rows, "minutes").loc[order].round(1).to_string(na_rep=""), "\n")
    later = sorted(set(rows["budget"]))[1:]
    # The baseline against each other strategy, turned round.
    found = [asdict(d) for d in differences(rows, of=BASELINE, to=list(order), budgets=later)]
    if found:
        told = pd.DataFrame(found)
        told["value"], told["low"], told["high"] = -told["value"], -told["high"], -told["low"]
        told["wins"], told["losses"] = told["losses"], told["wins"]
        told = told.drop(columns=["holm_low", "level"]).sort_values("value", ascending=False)
        print(f"difference to {BASELINE}, same seed and budget\n", told.round(4).to_string(index=False), "\n")
    goals = to_goals(rows, full, against=["random", BASELINE])
    print("to a share of the whole pool's Dice\n", goals.round(2).to_string(na_rep=NOT_REACHED))


if __name__ == "__main__":
    main()
