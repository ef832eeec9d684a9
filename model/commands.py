"""Commands around the network: train and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..annotate.console import reporting, seed_option, show
from ..annotate.report import Report
from ..annotate.session import at_work, pass_workspace
from ..annotate.wording import counted
from .computing.options import computing_options
from .training.options import chosen_settings, tell_now, training_options

if TYPE_CHECKING:
    from ..annotate.settings.model import Coverage, Split
    from ..annotate.workspace import Workspace


@click.command()
@training_options
@click.option(
    "--refine",
    is_flag=True,
    help="Train what answers a box and clicks with an outline instead: at most 10 minutes, if no other limit is set.",
)
@seed_option
@computing_options
@reporting
@pass_workspace
def train(workspace: Workspace, again: bool, finish: bool, refine: bool, device_name: str, **options: Any) -> Report:
    """Train DMRNet on the workspace's outlines.

    Ctrl-C stops it, and the same command goes on from there. To make a version of what it has learnt so far, press
    Ctrl-C twice, or use --finish later. With --refine, Ctrl-C ends it and nothing is kept.
    """
    from .training.interrupt import ask_again
    from .training.train import take_edits_and_train

    report = Report("train")
    if refine:
        from .refine.options import refine_settings
        from .refine.train import train_refiner

        chosen = refine_settings(workspace.settings, finish=finish, **options)
        with at_work(workspace, report, device=device_name) as s:
            train_refiner(s, settings=chosen, again=again)
        return report
    settings = chosen_settings(workspace.settings, "train", **options)
    with at_work(workspace, report, device=device_name) as s:
        take_edits_and_train(s, settings=settings, again=again, finish=finish, say=tell_now, on_interrupt=ask_again())
    return report


@click.command()
@click.option("--model", help="Model version [default: the active one].")
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Patients whose frames are scored.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help="Score Labelme files from elsewhere instead; they are only read.",
)
@click.option(
    "--map",
    "renames",
    multiple=True,
    metavar="LABEL=CLASS",
    help="A label in the --data files, and the class of yours that it means.",
)
@click.option(
    "--coverage",
    type=click.Choice(["drawn", "all"]),
    help="Classes that the --data files are complete in: those drawn, or all [default: as in dmr.toml].",
)
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

    It prints the figures of each class. The page is in reports/ and shows the frames that are worth a look.
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
    show("\nPer image: mean over the frames in which the class is drawn. In brackets: 95 % interval over the patients.")
    show("FP rate: how often the model draws the class where a physician says it is absent; '-': no such frame.")
    report.say(f"Frames to look at, calibration and confusion: {done.page}")
    return report


@click.command()
@reporting
@pass_workspace
def agreement(workspace: Workspace) -> Report:
    """Show how well readers agree with each other, and with themselves.

    It compares the frames that two people drew without seeing each other's outlines, and the repeats of one person with
    what they drew before.
    """
    from .evaluation import readers

    report = Report("agreement")
    with at_work(workspace, report) as s:
        pairs = readers.reading_pairs(s)
        names = {c.id: c.name for c in s.settings.classes.active}
        merged = s.catalogue.merged_classes()
        for kind, title in (("inter", "Two readers"), ("intra", "One reader, twice")):
            own = [pair for pair in pairs if pair.kind == kind]
            table = readers.pair_scores(own, names=names, merged=merged)
            rows = readers.agreement(table, names=list(names.values()))
            drafted = sum(pair.drafted for pair in own)
            report.data[kind] = {"pairs": len(own), "drafted": drafted, "classes": rows}
            if own:
                show(f"{title}: {counted(len(own), 'pairs')}, {drafted} of them over a model's draft\n")
                show(f"{readers.agreement_text(rows)}\n")
    if not pairs:
        report.say("No frame was read twice yet. Queues with the purposes second-reading and repeat do that.")
    else:
        report.say("Dice: mean over the pairs in which one of the two drew the class. 95 %: interval over patients.")
        report.say("mm: only over the pairs whose frames have a known spacing, so they may be others than those in px.")
    return report
