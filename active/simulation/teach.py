"""What a simulation teaches the forecast of `dmr status`, if its figures are good enough to be believed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...annotate.report import Report
from ...annotate.system.store import write_atomic
from ..forecast.correction import LEAST_PAST, coverage, learn, past_forecasts

LEAST_COVERAGE: Final = 0.8  # share of the back-tested intervals that must hold the truth


def teach(
    rows: pd.DataFrame, full: pd.DataFrame, *, path: Path, network: str, steps: int, enough: bool, report: Report
) -> None:
    """Back-test forecasts on the curves, and keep the correction for `dmr status` if it deserves belief.

    Args:
        rows: Trainings on budgets.
        full: Trainings on the whole pool.
        path: Where the correction is kept.
        network: The network and its grid.
        steps: Steps of each training.
        enough: Whether trainings of this length are long enough.
        report: Gets the figures and one line.
    """
    curves = []
    for (_, seed), own in rows.groupby(["strategy", "seed"]):
        both = pd.concat([own, full[full["seed"] == seed].head(1)])
        points = [(float(n), float(d)) for n, d in zip(both["frames"], both["dice_mean"], strict=True)]
        curves.append((int(own["seed"].iloc[0]), points))
    past = past_forecasts(curves)
    held, judged = coverage(past)
    if len(past) < LEAST_PAST or not judged:
        return
    told = f"Back-tested forecasts: {held} of {judged} intervals hold the truth."
    why = "the trainings are too short" if not enough else ""
    if enough and held < LEAST_COVERAGE * judged:
        why = f"it takes {LEAST_COVERAGE:.0%}"
    content = {**asdict(learn(past)), "held": held, "judged": judged, "network": network, "steps": steps}
    report.data["forecast"] = content | {"kept_for_status": not why}
    if why:
        _drop(path, network=network, steps=steps)
        report.say(f"{told} `dmr status` does not use this: {why}.")
        return
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode("utf-8"))
    report.say(f"{told} `dmr status` uses this.")


def _drop(path: Path, *, network: str, steps: int) -> None:
    """Take away what such a simulation taught before; what one with other settings taught stays."""
    try:
        before: Any = json.loads(path.read_text(encoding="utf-8"))
        own = (before["network"], before["steps"]) == (network, steps)
    except (OSError, ValueError, KeyError, TypeError):
        own = True  # nobody can tell what it is from
    if own:
        path.unlink(missing_ok=True)
