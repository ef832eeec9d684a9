"""The learning curve of a workspace: what its models were judged at, and how many frames each learnt from."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Final

import sqlalchemy as sa

from ...annotate.catalogue import tables as t
from ...annotate.errors import ModelError
from ...annotate.formats.card_json import read_card_json
from ...annotate.workspace import Session
from .correction import Correction
from .families import LEAST_POINTS, Point
from .forecast import DEVELOPMENT_SET, joined, outlook, told, too_few

CORRECTION: Final = "simulation/correction.json"  # in reports/: what the workspace's own simulation taught
_LEAST_TIMES: Final = 5  # measured times from which their median is used


def learning_points(s: Session) -> dict[str, Point]:
    """By model: the training frames that it learnt from, and its mean Dice on the test patients, newest judgement."""
    dice: dict[str, float] = {}
    for cycle in s.catalogue.cycles():
        for model, key in ((cycle.candidate, "candidate_dice"), (cycle.incumbent, "incumbent_dice")):
            mean = (cycle.bounds.get(key) or {}).get("mean")
            if model is not None and mean is not None:
                dice[model] = float(mean)
    found = {}
    for model, mean in dice.items():
        frames = _frames_learnt(s.workspace.models_folder / model / "card.json")
        if frames:
            found[model] = (float(frames), mean)
    return found


def _frames_learnt(card: Path) -> int | None:
    try:
        return int(read_card_json(card)["data"]["train"]["frames"])
    except (ModelError, KeyError, TypeError, ValueError):
        return None  # the commands that use the model say what is wrong with its card


def measured_seconds(s: Session) -> float | None:
    """Median seconds that a frame took in Label Studio; None where too few are measured."""
    column = t.revision.c.lead_time_s
    with s.catalogue.reading() as connection:
        times = list(connection.scalars(sa.select(column).where(column > 0)))
    return float(median(times)) if len(times) >= _LEAST_TIMES else None


def own_correction(reports: Path) -> Correction:
    """What the workspace's own simulation taught; without one, what the development set did."""
    try:
        values = json.loads((reports / CORRECTION).read_text(encoding="utf-8"))
        return Correction(float(values["kept"]), float(values["width"]), int(values["count"]))
    except (OSError, ValueError, KeyError, TypeError):
        return DEVELOPMENT_SET


def forecast_lines(s: Session) -> list[str]:
    """What `dmr status` says of more frames; the report gets the same for programs. Nothing before the first model."""
    if not s.catalogue.models():
        return []
    points = list(learning_points(s).values())
    correction = own_correction(s.workspace.reports_folder)
    found = outlook(points, correction=correction) if len(joined(points)) >= LEAST_POINTS else None
    s.report.data["forecast"] = found and {
        **found.as_json(),
        "correction": "development set" if correction is DEVELOPMENT_SET else "this workspace's simulation",
    }
    if found is None:
        return [too_few(len(joined(points)))]
    return told(found, seconds_a_frame=measured_seconds(s))
