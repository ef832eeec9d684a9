"""The page of `dmr simulate`: budget curves, differences, what it takes to a Dice, and what the figures cannot say."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ... import __version__
from ...annotate.render.html import Table, page, today
from ...annotate.render.plot import draw_svg
from ..selection.strategies import BASELINE
from .check import FEW_SEEDS
from .curves import LEAST_FULL, SHARES, areas, curve_points, full_dice, to_goals
from .differences import differences, wins_and_losses
from .figures import budget_panels

NOT_REACHED: Final = "not reached"
NOT_MEASURED: Final = "not measured"


def simulation_page(
    rows: pd.DataFrame,
    full: pd.DataFrame,
    *,
    strategies: Sequence[str],
    facts: Sequence[tuple[str, str]],
    check: Sequence[str],
    limits: Sequence[str],
    complete: bool,
    date: str | None = None,
) -> bytes:
    """The whole page.

    Args:
        rows: Trainings on budgets.
        full: Trainings on the whole pool.
        strategies: Those to show, the first one against the others.
        facts: What was simulated.
        check: What the protocol's check says.
        limits: What the figures cannot say.
        complete: Whether all trainings are done.
        date: The date, such as `2026-01-31`; None for today.
    """
    seeds = sorted(int(s) for s in rows["seed"].unique())
    whole = full_dice(full, seeds)
    return page(
        "simulation.html",
        package=__package__,
        title="dmr simulate",
        facts=[("Date", date or today()), ("dmr", __version__), *facts],
        complete=complete,
        check=check,
        limits=limits,
        curves=draw_svg(budget_panels(rows, strategies=strategies, full=whole)) if len(rows) else "",
        budgets=_budgets(rows, strategies),
        goals=_goals(rows, full, strategies),
        differences=_differences(rows, strategies),
        matrix=_matrix(rows, strategies),
        effort=_effort(rows, strategies),
        classes=_classes(rows, strategies),
        first=strategies[0] if strategies else "",
        baseline=BASELINE,
    )


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _budgets(rows: pd.DataFrame, strategies: Sequence[str]) -> Table:
    points = curve_points(rows)
    budgets = sorted(set(points["budget"]))
    area = areas(rows).to_dict() if len(rows) else {}
    cells = []
    for name in strategies:
        own = points[points["strategy"] == name].set_index("budget")
        line = [name]
        for budget in budgets:
            if budget not in own.index:
                line.append("-")
                continue
            at = {str(k): float(v) for k, v in own.loc[budget].items() if k != "strategy"}
            between = "one seed" if math.isnan(at["low"]) else f"{at['low']:.3f} to {at['high']:.3f}"
            line.append(f"{at['dice']:.3f}\n{between}")
        cells.append([*line, _number(float(area.get(name, math.nan)))])
    return Table(["strategy", *(f"{b} frames\n95 % interval" for b in budgets), "area\nunder the curve"], cells)


def _goals(rows: pd.DataFrame, full: pd.DataFrame, strategies: Sequence[str]) -> Table:
    found = to_goals(rows, full, against=["random", BASELINE])
    head, cells = ["strategy"], []
    for share in SHARES:
        head += [f"frames to {share:.0%}\nof random's", f"minutes to {share:.0%}\nof random's; of {BASELINE}'s"]
    for name in strategies:
        line = [name]
        for share in SHARES:
            for axis in ("frames", "minutes"):
                line.append(_need(found.loc[name].to_dict() if name in found.index else {}, f"{axis} {share:.0%}"))
        cells.append(line)
    return Table(head, cells)


def _p(value: float) -> str:
    return "-" if math.isnan(value) else "below 0.001" if value < 0.001 else f"{value:.3f}"


def _need(row: dict[Any, Any], what: str) -> str:
    need = float(row.get(what, math.nan))
    if not float(row.get("full_dice", math.nan)) >= LEAST_FULL:
        return NOT_MEASURED
    if math.isnan(need):
        return NOT_REACHED
    others = ("random",) if what.startswith("frames") else ("random", BASELINE)
    shares = (float(row[f"{what} / {other}"]) for other in others)
    return f"{need:.0f}\n" + "; ".join("-" if math.isnan(share) else f"{share:.2f}" for share in shares)


def _differences(rows: pd.DataFrame, strategies: Sequence[str]) -> Table | None:
    if len(strategies) < 2:
        return None
    later = rows[rows["budget"] > rows["budget"].min()]  # the first round is the same for all
    found = differences(later, of=strategies[0], to=strategies[1:])
    cells = [
        [
            d.to,
            f"{d.value:+.3f}\n" + ("no interval" if math.isnan(d.low) else f"{d.low:+.3f} to {d.high:+.3f}"),
            _p(d.holm) if d.seeds >= FEW_SEEDS else "-",  # of a few seeds it would tell of patients alone
            f"{d.wins}-{d.ties}-{d.losses}",
            f"{d.seeds}\n{d.level}",
        ]
        for d in found
    ]
    return Table(["against", "difference\n95 % interval", "p\nafter Holm", "wins-ties-losses", "seeds\ndrawn"], cells)


def _matrix(rows: pd.DataFrame, strategies: Sequence[str]) -> Table | None:
    if len(strategies) < 2:
        return None
    first = int(rows["budget"].min())
    cells = wins_and_losses(rows, strategies, first=first)
    return Table(["", *strategies], [[name, *own] for name, own in zip(strategies, cells, strict=True)])


def _effort(rows: pd.DataFrame, strategies: Sequence[str]) -> Table:
    last = rows[rows["budget"] == rows["budget"].max()] if len(rows) else rows
    columns = {
        "minutes": "minutes",
        "added_px": "path drawn\npx of the grid",
        "added_mm": "path drawn\nmm",
        "points_moved": "points moved",
        "points_added": "points added",
        "points_removed": "points removed",
        "accepted": "structures accepted\nas drafted",
        "touched": "structures drawn\nor corrected",
    }
    cells = []
    for name in strategies:
        own = last[last["strategy"] == name]
        means = [float(pd.to_numeric(own[c], errors="coerce").mean()) if len(own) else math.nan for c in columns]
        cells.append([name, *("-" if math.isnan(m) else f"{m:,.0f}" for m in means)])
    return Table(["strategy", *columns.values()], cells)


def _classes(rows: pd.DataFrame, strategies: Sequence[str]) -> Table:
    last = rows[rows["budget"] == rows["budget"].max()] if len(rows) else rows
    parsed = [
        (str(n), json.loads(d), json.loads(h))
        for n, d, h in zip(last["strategy"], last["dice_classes"], last["hd95_classes"], strict=True)
    ]
    names = list(dict.fromkeys(name for _, dice, _ in parsed for name in dice))
    cells = []
    for strategy in strategies:
        line = [strategy]
        for name in names:
            dice, far = (
                [v for s, *both in parsed if s == strategy and (v := both[k].get(name)) is not None] for k in (0, 1)
            )
            line.append(f"{_mean(dice, 3)}\n{_mean(far, 1)} px")
        cells.append(line)
    return Table(["strategy", *(f"{name}\nHD95, px of the grid" for name in names)], cells)


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{sum(values) / len(values):.{digits}f}" if values else "-"
