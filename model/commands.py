"""Commands around the network: train and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..annotate.console import reporting, seed_option, show
from ..annotate.report import Report
from ..annotate.session import at_work, pass_workspace
from .computing.options import computing_options
from .training.options import chosen_settings, tell_now, training_options

if TYPE_CHECKING:
    from ..annotate.settings.model import Coverage, Split
    from ..annotate.workspace import Workspace


@click.command()
@training_options
@seed_option
@computing_options
@reporting
@pass_workspace
def train(workspace: Workspace, again: bool, finish: bool, device_name: str, **options: Any) -> Report:
    """Train DMRNet on the workspace's outlines.

    Ctrl-C stops; the same command goes on from there. Ctrl-C twice, or --finish later, makes a version of what an
    interrupted training has.
    """
    from .training.interrupt import ask_again
    from .training.train import take_edits_and_train

    report = Report("train")
    settings = chosen_settings(workspace.settings, "train", **options)
    with at_work(workspace, report, device=device_name) as s:
        take_edits_and_train(s, settings=settings, again=again, finish=finish, say=tell_now, on_interrupt=ask_again())
    return report


@click.command()
@click.option("--model", help="Version [default: the active one].")
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Whose frames.",
)
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Labelme files from elsewhere; only read.")
@click.option("--map", "renames", multiple=True, metavar="LABEL=CLASS", help="What --data calls a class of yours.")
@click.option("--coverage", type=click.Choice(["drawn", "all"]), help="Of --data [default: dmr.toml].")
@computing_options
@reporting
@pass_workspace
def evaluate(
    workspace: Workspace,
    model: str | None,
    split: Split,
    data: Path | None,
    renames: tuple[str, ...],
    coverage: Coverage | None,
    device_name: str,
) -> Report:
    """Judge a model on labelled frames: figures, and a page.

    The figures of each class are printed. The page, in reports/, shows the frames worth a look.
    """
    from .evaluation.text import summary_text
    from .versions.evaluate import Outside, evaluate_version, parse_renames

    report = Report("evaluate")
    outside = None if data is None else Outside(data, parse_renames(renames), coverage)
    with at_work(workspace, report, device=device_name) as s:
        done = evaluate_version(s, model=model, split=split, outside=outside)
    report.data |= done.as_json()
    show(f"{done.title}\n")
    show(summary_text(done.summary, done.intervals))
    show("\nPer image: mean over the frames in which the class is drawn; in brackets the middle 95 % over patients. FP")
    show("rate: share of the frames that are covered and without the class, in which it is predicted; '-' without any.")
    report.say(f"Frames to look at, calibration and confusion: {done.page}")
    return report
