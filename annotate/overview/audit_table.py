"""The audit slice in `dmr status`: figures for programs, and lines for people."""

from __future__ import annotations

from typing import Any

from ..classes import Classes
from ..render.text_table import text_table
from ..wording import counted
from .audit_figures import LEAST_FRAMES, LEAST_PATIENTS, LEAST_TOLD, AuditFigures, Figure, Kind

_KINDS: tuple[Kind, ...] = ("blind", "shown")


def audit_data(figures: AuditFigures, classes: Classes) -> dict[str, Any]:
    """The figures as JSON values."""

    def told(value: Figure | None) -> dict[str, Any] | None:
        if value is None:
            return None
        return {"value": value.value, "low": value.low, "high": value.high, "frames": value.frames}

    return {
        "drawn": figures.drawn,
        "outlined": {kind: len(figures.frames[kind]) for kind in _KINDS},
        "dice": {kind: told(figures.dice(kind)) for kind in _KINDS},
        "classes": {c.name: {kind: told(figures.dice(kind, c.id)) for kind in _KINDS} for c in classes.active},
        "automation_bias": told(figures.bias),
        "choosing_pays": figures.benefit,
    }


def audit_lines(figures: AuditFigures, classes: Classes) -> list[str]:
    """What to print; nothing where nothing was drawn at random yet."""
    if not figures.drawn:
        return []
    done = {kind: len(figures.frames[kind]) for kind in _KINDS}
    lines = [
        "",
        f"Audit: {counted(figures.drawn, 'frames')} drawn at random; outlined {done['shown']} over the model's draft "
        f"and {done['blind']} without seeing it",
    ]
    overall = {kind: figures.dice(kind) for kind in _KINDS}
    if not any(overall.values()):
        need = f"{LEAST_TOLD} of a kind, of {LEAST_PATIENTS} patients"
        return [*lines, f"Too few yet to say how good the drafts are: it takes {need}."]
    rows = [["Dice of drafts", "not shown", "frames", "shown", "frames"]]
    for c in classes.active:
        own = [figures.dice(kind, c.id) for kind in _KINDS]
        if any(own):
            rows.append([c.name, *_cells(own)])
    rows.append(["mean", *_cells([overall[kind] for kind in _KINDS])])
    lines.append(text_table(rows))
    lines.append(_bias_line(figures))
    if (line := figures.no_benefit_line()) is not None:
        lines.append(line)
    return lines


def _bias_line(figures: AuditFigures) -> str:
    bias = figures.bias
    if bias is None:
        need = f"{LEAST_FRAMES} frames with the draft and {LEAST_FRAMES} without"
        return f"Too few yet to say whether drafts lead physicians: it takes {need}."
    if bias.low > 0:
        what = "outlines are nearer to the draft where it was shown"
    elif bias.high < 0:
        what = "outlines are farther from the draft where it was shown"
    else:
        what = "no sign that drafts lead physicians"
    return f"Automation bias: {bias.told(signed=True)} Dice; {what}."


def _cells(figures: list[Figure | None]) -> list[str]:
    return [cell for f in figures for cell in (("-", "-") if f is None else (f.told(), str(f.frames)))]
