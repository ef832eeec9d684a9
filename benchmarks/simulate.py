"""What the simulation's trainings say of the selector: `results/simulate.json` and `simulate.png`, from `simulate.csv`.

It trains nothing: it takes whatever lines are there. A figure that cannot be computed yet is null.

    python benchmarks/simulate.py
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from record import RESULTS, record
from simulation.network import NAME

from dmr.active.forecast.correction import coverage, learn, past_forecasts
from dmr.active.forecast.families import LEAST_POINTS, Point
from dmr.active.forecast.forecast import pays
from dmr.active.selection.strategies import BASELINE
from dmr.active.simulation.curves import areas, curve_points, full_dice, mean_dice, to_goals
from dmr.active.simulation.differences import Difference, differences
from dmr.active.simulation.figures import budget_panels
from dmr.active.simulation.lines import budget_rows, read_lines
from dmr.annotate.render.plot import draw_png
from dmr.annotate.render.text_table import text_table

MAIN: Final = ("informative", "random", BASELINE, "entropy", "power-bald", "clasp-pe")
BUDGETS: Final = (16, 32, 64, 128, 256)

Row = dict[str, Any]


def value(number: float | None) -> float | None:
    """A number for JSON; None where it is not known or not reached."""
    return None if number is None or math.isnan(number) else round(float(number), 4)


def complete_seeds(rows: pd.DataFrame, strategies: tuple[str, ...]) -> int:
    """Seeds in which all of these strategies have all budgets."""
    found = [
        {s for s, b in own.groupby("seed")["budget"] if set(BUDGETS) <= set(b)}
        for name in strategies
        if len(own := rows[rows["strategy"] == name])
    ]
    return len(set.intersection(*found)) if len(found) == len(strategies) else 0


def whole_curves(rows: pd.DataFrame, full: pd.DataFrame) -> Iterator[tuple[int, list[Point]]]:
    """Each chain's points, with the training on the whole pool as the last one."""
    for (_, seed), own in rows.groupby(["strategy", "seed"]):
        points = [(float(n), float(d)) for n, d in zip(own["frames"], own["dice_mean"], strict=True)]
        last = full[full["seed"] == seed]
        points += [(float(n), float(d)) for n, d in zip(last["frames"][:1], last["dice_mean"][:1], strict=True)]
        if len(points) > LEAST_POINTS:
            yield int(np.asarray(seed)), points


def forecast_rows(rows: pd.DataFrame, full: pd.DataFrame) -> tuple[float | None, Row]:
    """Back-testing of forecasts, and what stopping by the rule would have lost."""
    curves = list(whole_curves(rows, full))
    past = past_forecasts(curves)
    held, judged = coverage(past)
    if not judged:
        return None, {"what": "forecast", "judged": 0}
    correction = learn(past)
    lost, stopped = [], 0
    for _, points in curves:
        at = next((k for k in range(1, len(points)) if pays(points[:k]) is False), None)
        stopped += at is not None
        lost.append(0.0 if at is None else points[-1][1] - points[at - 1][1])
    return held / judged, {
        "what": "forecast",
        "held": held,
        "judged": judged,
        "kept": value(correction.kept),
        "width": value(correction.width),
        "mean_interval": value(float(np.mean([2 * correction.width * p.raw.unit for p in past]))),
        "raw_error": value(float(np.mean([p.truth - p.raw.mean for p in past]))),
        "curves": len(curves),
        "stopped": stopped,
        "dice_lost_by_stopping": value(float(np.mean(lost))),
    }


def difference_row(found: Difference, *, of: str, budgets: str) -> Row:
    """A comparison for JSON."""
    figures = ("value", "low", "high", "p", "holm", "holm_low")
    return {
        "what": "difference",
        "strategy": of,
        "to": found.to,
        "budgets": budgets,
        "seeds": found.seeds,
        "cells": found.cells,
        **{name: value(getattr(found, name)) for name in figures},
        "wins": found.wins,
        "ties": found.ties,
        "losses": found.losses,
        "drawn": found.level,
    }


def curve_rows(table: pd.DataFrame, *, what: str) -> list[Row]:
    """A row a strategy and budget, for each network and number of steps."""
    found = []
    for (network, steps), own in table.groupby(["network", "steps"]):
        fixed = {"what": what, "network": str(network), "steps": int(np.asarray(steps))}
        for line in curve_points(budget_rows(own)[0]).to_dict("records"):
            figures = {name: value(line[name]) for name in ("frames", "minutes", "dice", "low", "high")}
            at = {"strategy": line["strategy"], "budget": line["budget"], "seeds": line["seeds"]}
            found.append({**fixed, **at, **figures})
    return found


def phantom_rows(table: pd.DataFrame, *, ours: str) -> tuple[float | None, list[Row]]:
    """On synthetic frames: our minutes to 95 % as a share of random's, and the rows of goals and curves."""
    rows, full = budget_rows(table)
    goals = to_goals(rows, full, against=["random", BASELINE])
    ratio = goals["minutes 95% / random"].get(ours) if len(goals) else None
    made = goal_rows(goals, areas(rows), what="phantom goal")
    return value(ratio), [*made, *curve_rows(table, what="phantom curve")]


def goal_rows(goals: pd.DataFrame, area: pd.Series[Any], *, what: str) -> list[Row]:
    """A row a strategy: what it needs to reach shares of the Dice with all frames."""
    made = []
    for name, row in goals.to_dict("index").items():
        figures = {str(k).replace(" ", "_"): int(v) if k == "seeds" else value(v) for k, v in row.items()}
        made.append({"what": what, "strategy": name, "area": value(area.get(name)), **figures})
    return made


def headline(
    rows: pd.DataFrame, full: pd.DataFrame, *, ours: str, phantom: pd.DataFrame | None
) -> tuple[dict[str, float | None], list[Row]]:
    """The headline, and the rows that it is computed from."""
    goals = to_goals(rows, full, against=["random", BASELINE])
    own = {str(k): float(goals[k][ours]) for k in goals.columns} if ours in goals.index else {}
    main = (ours, *MAIN[1:])
    compared = [d for d in differences(rows, of=ours, to=main, budgets=BUDGETS) if d.seeds >= 2]
    held, forecast = forecast_rows(rows[rows["strategy"].isin(main)], full)
    other, on_phantom = phantom_rows(phantom, ours=ours) if phantom is not None else (None, [])
    found = {
        "minutes_vs_random_95_ubpd": value(own.get("minutes 95% / random")),
        "minutes_vs_random_95_phantom": other,
        "frames_vs_random_95_ubpd": value(own.get("frames 95% / random")),
        "minutes_vs_baseline_95_ubpd": value(own.get(f"minutes 95% / {BASELINE}")),
        "worst_margin_low": value(min((d.holm_low for d in compared), default=None)),
        "forecast_coverage": value(held),
        "seeds": complete_seeds(rows, main),
    }
    made = [difference_row(d, of=ours, budgets="16 to 256") for d in compared]
    made += [
        difference_row(d, of=BASELINE, budgets="after the first")
        for d in differences(rows, of=BASELINE, to=sorted(set(rows["strategy"])), budgets=BUDGETS[1:])
    ]
    made += goal_rows(goals, areas(rows[rows["strategy"].isin(main)]), what="goal")
    return found, [*made, forecast, *on_phantom]


def show(rows: pd.DataFrame, figures: dict[str, float | None], made: list[Row]) -> None:
    """Print the curves and the headline."""
    dice = mean_dice(rows).round(3)
    cells = [
        [name, *("" if math.isnan(d) else f"{d:.3f}" for d in own)]
        for name, own in zip(dice.index, dice.to_numpy(), strict=True)
    ]
    print(text_table([["mean Dice", *map(str, dice.columns)], *cells]), "\n")
    told = [r for r in made if r["what"] == "difference" and r["budgets"] == "16 to 256"]
    head = ["against", "seeds", "difference", "95 % interval", "Holm p", "lower bound, Holm"]
    lines = [
        [
            r["to"],
            str(r["seeds"]),
            f"{r['value']:+.4f}",
            f"{r['low']:+.4f} to {r['high']:+.4f}",
            *map(str, (r["holm"], r["holm_low"])),
        ]
        for r in told
    ]
    print(text_table([head, *lines]), "\n")
    print(text_table([[k, "not measured or not reached" if v is None else f"{v:g}"] for k, v in figures.items()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS / "simulate.csv")
    parser.add_argument("--phantom", type=Path, default=RESULTS / "simulate-phantom.csv")
    parser.add_argument("--network", default=NAME)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--ours", default=MAIN[0], help="the strategy that is judged")
    args = parser.parse_args()
    table = read_lines(args.results)
    chosen = table[(table["network"] == args.network) & (table["steps"] == args.steps)]
    rows, full = budget_rows(chosen)
    phantom = read_lines(args.phantom) if args.phantom.exists() else None
    figures, made = headline(rows, full, ours=args.ours, phantom=phantom)
    whole = {"what": "all frames", "trainings": len(full), "dice": value(full["dice_mean"].mean())}
    whole["sd"] = value(full["dice_mean"].std())
    show(rows, figures, made)
    shown = [name for name in dict.fromkeys((args.ours, *MAIN)) if name in set(rows["strategy"])]
    seeds = [int(s) for s in rows[rows["strategy"] == args.ours]["seed"].unique()]
    png = draw_png(budget_panels(rows, strategies=shown, full=full_dice(full, seeds)))
    (RESULTS / "simulate.png").write_bytes(png)
    print("\n", record("simulate", headline=figures, rows=[whole, *made, *curve_rows(table, what="curve")]))


if __name__ == "__main__":
    main()
