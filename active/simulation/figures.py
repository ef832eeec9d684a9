"""The figures of a simulation: budget curves over frames and over minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from ...annotate.classes import PALETTE
from ...annotate.render.plot import Line, Panel
from .curves import Axis, curve_points

_ACROSS: Final[dict[Axis, str]] = {"frames": "labelled frames", "minutes": "minutes of the simulated physician"}


def budget_panels(rows: pd.DataFrame, *, strategies: Sequence[str], full: float) -> list[Panel]:
    """Mean Dice over frames, and over minutes. Only the first strategy has its band of 95 %: more would hide lines.

    Args:
        rows: Trainings on budgets.
        strategies: Those to show, in order; at most as many as the palette has colours.
        full: Mean Dice with all frames, a dashed reference; nan for none.
    """
    points = curve_points(rows)
    panels = []
    for axis, across in _ACROSS.items():
        lines = []
        for name, color in zip(strategies, PALETTE, strict=False):
            own = points[points["strategy"] == name].sort_values(axis)
            places = [(float(x), float(y)) for x, y in zip(own[axis], own["dice"], strict=True)]
            band = [(float(a), float(b)) for a, b in zip(own["low"], own["high"], strict=True)]
            shown = name == strategies[0] and not any(math.isnan(a) for a, _ in band)
            lines.append(Line(name, places, color, band if shown else ()))
        if not math.isnan(full) and len(points):
            ends = [float(points[axis].min()), float(points[axis].max())]
            lines.append(Line("all frames", [(x, full) for x in ends], "ink"))
        panels.append(Panel(lines, across, "mean Dice on held-out patients", doubling=True, close=True))
    return panels
