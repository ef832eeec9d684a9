"""The command `dmr check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...annotate.console import progress, reporting, show
from ...annotate.report import Report
from ...model.training.options import Minutes

if TYPE_CHECKING:
    from ...annotate.workspace import Workspace

SHOWN = 20  # doubtful labels that are printed; the table has all
STEPS = 600  # of each training


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--images/--no-images", default=True, show_default=True, help="Check the images too, their size and sector."
)
@click.option("--labels", is_flag=True, help="Check the workspace's own outlines against models instead.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="With --labels: first train so many models, each without a part of the patients.",
)
@click.option(
    "--minutes",
    type=Minutes(),
    default=10,
    show_default=True,
    help="With --folds: train each model for at most this many minutes.",
)
@click.option(
    "--input", type=int, default=128, show_default=True, help="With --folds: side of the models' grid in pixels."
)
@click.option(
    "--device",
    "device_name",
    default="auto",
    show_default=True,
    help="With --labels: where to compute: cpu, cuda or mps; auto takes a GPU if there is one.",
)
@reporting
def check(
    folders: tuple[Path, ...],
    images: bool,
    labels: bool,
    folds: int | None,
    minutes: float,
    input: int,
    device_name: str,
) -> Report:
    """List what is wrong or odd in Labelme files; change nothing.

    Inside a workspace, its aliases and its patient pattern are used. Elsewhere, each spelling is a label of its own.

    With --labels and without FOLDERS, it looks for outlines in the workspace that are perhaps wrong or forgotten. Each
    frame is compared with a model that has not learnt from its patient. --folds trains such models; Ctrl-C stops it,
    and the same command goes on.
    """
    from ...annotate.errors import UsageError, WorkspaceError
    from ...annotate.intake.check import check_outlines
    from ...annotate.workspace import Workspace

    report = Report("check")
    if labels and folders:
        raise UsageError("check", "--labels checks the workspace, and folders are named too", "Leave one of them out")
    if folds is not None and not labels:
        raise UsageError("check", f"--folds {folds} is given without --labels", "Add --labels")
    if labels:
        return _check_labels(Workspace.find(), report, folds=folds, minutes=minutes, input=input, device=device_name)
    if not folders:
        raise UsageError("check", "no folder is named", "Name one, or check the workspace's outlines: --labels")
    try:
        settings = Workspace.find().settings
    except WorkspaceError:
        settings = None
    with progress() as tell:
        check_outlines(folders, settings=settings, images=images, report=report, tell=tell)
    return report


def _check_labels(
    workspace: Workspace, report: Report, *, folds: int | None, minutes: float, input: int, device: str
) -> Report:
    from dataclasses import asdict

    from ...annotate.render.text_table import text_table
    from ...annotate.session import at_work
    from ...model.training.options import chosen_settings
    from .check import check_labels

    settings = chosen_settings(workspace.settings, "check", steps=STEPS, minutes=minutes, input=input, size="s")
    with at_work(workspace, report, device=device) as s:
        done = check_labels(s, folds=folds, settings=settings)
    report.data["labels"] = [asdict(d) for d in done.doubts]
    worst = [d for d in done.doubts if d.what]
    if not worst:
        report.say("No label is doubtful.")
        return report
    head = ["", "frame", "class", "score", "what"]
    rows = [[str(k), d.frame, d.class_name, f"{d.score:.2f}", d.what] for k, d in enumerate(worst[:SHOWN], 1)]
    show(text_table([head, *rows], align="><<><"))
    if len(worst) > SHOWN:
        show(f"and {len(worst) - SHOWN} more in {workspace.relative(done.table)}")
    report.say(f"Look at {workspace.relative(done.sheet)}. A model may be wrong: a physician decides.")
    return report
