"""The command `dmr status`: what is in a workspace, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from ..console import reporting, show
from ..report import Report
from ..session import pass_workspace
from ..wording import counted

if TYPE_CHECKING:
    from ..catalogue.catalogue import DrawnClass
    from ..workspace import Workspace


@click.command()
@reporting
@pass_workspace
def status(workspace: Workspace) -> Report:
    """Show what is in the workspace, and what to do next."""
    from .class_table import class_figures, class_table
    from .model_card import interrupted_at

    report = Report("status")
    with workspace.catalogue() as catalogue:
        counts = catalogue.counts()
        drawn, known = catalogue.drawn_classes(), catalogue.classes()
        active = catalogue.active_model()
        models = len(catalogue.models())
        cycles = catalogue.cycles()
    last = cycles[-1] if cycles else None
    report.data["status"] = {**counts, "active model": active.id if active else None}
    report.data["last_cycle"] = last and {"candidate": last.candidate, "verdict": last.verdict, **last.bounds}
    width = max(len(what) for what in counts)
    show("\n".join(f"{what:<{width}}  {n}" for what, n in counts.items() if n or what in ("frames", "frames labelled")))
    show(f"{'active model':<{width}}  {active.id if active else 'none'}")
    figures = class_figures(workspace, known, drawn, model=active.id if active else None, report=report)
    report.data |= figures
    if last is not None:
        against = f" against {last.incumbent}" if last.incumbent else ""
        show(f"{'last verdict':<{width}}  {last.candidate}{against}: {last.verdict}; {last.bounds.get('reason', '')}")
    show("\n" + class_table(figures, model=active.id if active else None))
    if (step := interrupted_at(workspace.models_folder)) is not None:
        report.say(
            f"A training was interrupted at step {step}: the same command goes on; `dmr train --finish` makes a "
            "version of what it has."
        )
    report.say(f"Next: {_next_step(counts, drawn, models=models, active=active is not None)}.")
    return report


def _next_step(counts: Mapping[str, int], drawn: Mapping[int, DrawnClass], *, models: int, active: bool) -> str:
    """What to do next, without a full stop."""
    if not counts["frames"]:
        return "`dmr import FOLDER` for outlines that you have, or `dmr prelabel FOLDER` for scans"
    if active:
        return (
            "`dmr prelabel FOLDER` for new scans; `dmr push` to correct their drafts in Label Studio, or `dmr open` in "
            "Labelme; `dmr retrain` when something new is drawn"
        )
    if not counts["frames labelled"]:
        return "`dmr open` to draw on the frames that come first"
    if not drawn:
        return (
            f"none of the {counted(counts['frames labelled'], 'labelled frames')} shows an outline of a class. `dmr "
            "import FOLDER --dry-run` says what was left out of the files, and which lines of dmr.toml to change; then "
            "import again, or draw with `dmr open`"
        )
    if not any(own.frames["train"] for own in drawn.values()):
        return "outlines of more patients, by `dmr import FOLDER` or `dmr open`; none is of a training patient"
    if models:
        return (
            "no model is active, for none has learnt enough yet: train longer (`dmr train --minutes 60`), or outline "
            "more frames"
        )
    return "`dmr train`"
