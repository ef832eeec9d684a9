"""Commands around the network: train and evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..annotate.console import progress, reporting, seed_option, show
from ..annotate.progress.pace import Share
from ..annotate.progress.tell import Tell
from ..annotate.report import Report
from ..annotate.session import pass_workspace
from .computing.options import computing_options

if TYPE_CHECKING:
    import pandas as pd

    from ..annotate.workspace import Workspace
    from .data.dataset import Sample
    from .training.settings import TrainSettings
    from .training.trainer import Progress

F = TypeVar("F", bound=Callable[..., Any])

_FINE = Share(10_000)  # parts of a training that are told: a hundredth of a percent


def training_options(function: F) -> F:
    """How to train, over what `dmr.toml` says."""
    for option in (
        click.option(
            "--finish", is_flag=True, help="Train no further: make a version of the training interrupted last."
        ),
        click.option("--again", is_flag=True, help="Make another version though nothing is new."),
        click.option(
            "--minutes",
            type=click.FloatRange(min=0, min_open=True),
            help="Minutes of training, at most [default: it ends within the hour].",
        ),
        click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps, at most, where no epochs are set."),
        click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training frames, at most."),
        click.option(
            "--input",
            type=int,
            help="Side of its square input, pixels [default: by time].",
        ),
        click.option("--size", type=click.Choice(["s", "m", "l"]), help="Of the network [default: dmr.toml]."),
    ):
        function = option(function)
    return function


def chosen_settings(workspace: Workspace, command: str, **options: Any) -> TrainSettings:
    """The training settings of `dmr.toml` with the options of the command line over them.

    Raises:
        UsageError: A value is out of its range.
    """
    from ..annotate.errors import UsageError
    from .training.train import train_settings

    try:
        return train_settings(workspace.settings, **options)
    except ValueError as error:
        raise UsageError(command, str(error), "Give another value") from error


def training_bar(tell: Tell, names: Sequence[str], *, what: str = "Training") -> Callable[[Progress], None]:
    """Shows how far a training is; `names` are the classes', `what` is the training's."""
    told = 0

    def on_progress(p: Progress) -> None:
        nonlocal told
        share = int(_FINE * p.share)
        dice = "" if p.dice is None else f", Dice on the grid {p.dice:.3f}, best {p.best:.3f}"
        own = zip(names, p.classes, strict=False)  # before the first look there are none
        dice += "".join(f", {name} {d:.2f}" for name, d in own if d is not None)
        steps = "" if p.steps is None else f" of {p.steps}"
        tell(what, share - told, _FINE, f"step {p.step}{steps}, loss {p.loss:.3f}{dice}")
        told = share
        if p.done:
            tell("Judging on validation patients", 0, None)

    return on_progress


def tell_now(line: str) -> None:
    """Print a word on a training at once, not in the report at its end."""
    click.echo(line, err=True)


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
    from ..annotate.editing.edits import sync_checkout
    from ..annotate.workspace import Session
    from .computing.device import pick_device
    from .training.interrupt import ask_again
    from .training.train import finish_interrupted, train_model

    report = Report("train")
    settings = chosen_settings(workspace, "train", **options)
    device = pick_device(device_name)
    with workspace.catalogue() as catalogue, progress() as tell:
        with workspace.lock():
            sync_checkout(Session(workspace, catalogue, report, tell))
        if finish:
            finish_interrupted(workspace, catalogue, device=device, report=report, say=tell_now)
            return report
        tell("Preparing the training", 0, None)
        train_model(
            workspace,
            catalogue,
            settings=settings,
            device=device,
            report=report,
            again=again,
            say=tell_now,
            on_interrupt=ask_again(),
            on_progress=training_bar(tell, [c.name for c in workspace.settings.classes.active]),
        )
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
    split: str,
    data: Path | None,
    renames: tuple[str, ...],
    coverage: str | None,
    device_name: str,
) -> Report:
    """Judge a model on labelled frames: figures, and a page.

    The figures of each class are printed. The page, in reports/, shows the frames worth a look.
    """
    from hashlib import sha256

    from ..annotate.errors import UsageError
    from ..annotate.intake.outside import labelme_frames
    from ..annotate.scans.discover import files_below
    from ..annotate.scans.similarity import perceptual_hash
    from ..annotate.system.store import write_atomic
    from ..annotate.wording import counted
    from .computing.device import pick_device
    from .data.loading import learnt_hashes, looks_learnt, outside_samples, workspace_samples
    from .evaluation.evaluate import evaluate as judge
    from .evaluation.metrics import guess_correlation, patient_intervals, summarise, summary_values
    from .evaluation.page import evaluation_page
    from .network.checkpoint import read_card
    from .training.train import contained
    from .versions.load import load_predictor

    report = Report("evaluate")
    with workspace.catalogue() as catalogue, progress() as tell:
        classes = catalogue.classes()  # a model may know classes that are retired since
        labelled = [f for f in catalogue.labelled_frames() if f.split == split] if data is None else []
        count = len(labelled) if data is None else len(files_below([data], frozenset({".json"})))
        tell("Loading the model", 0, None)
        version, predictor = load_predictor(
            workspace, catalogue, model=model, device=pick_device(device_name), frames=count
        )

        learnt = learnt_hashes(catalogue, [m for m in catalogue.models() if m.id == version])

        def samples(said: Report) -> Iterator[Sample]:
            if data is None:
                return workspace_samples(workspace, labelled, report=said)
            items = labelme_frames(
                [data],
                resolve=_resolver(workspace, renames),
                all_classes=frozenset(c.id for c in classes.active),
                coverage=coverage or workspace.settings.imports.coverage,  # type: ignore[arg-type]
                report=said,
                ignored=workspace.settings.imports.ignores,
            )
            return noted(outside_samples(workspace, items), said)

        def noted(found: Iterator[Sample], said: Report) -> Iterator[Sample]:
            for sample in found:
                if looks_learnt(perceptual_hash(sample.pixels), learnt):
                    said.note(f"looks like a frame that {version} learnt from (no fair test)", sample.frame)
                yield sample

        done = judge(
            predictor,
            samples(report),
            names={c.id: c.name for c in classes},
            contains=contained(classes),
            on_progress=lambda n: tell("Evaluating", n, count),
        )
        table = done.table
        if table.empty:
            what = f"no labelled frame of the {split} patients" if data is None else "no frame with a class of yours"
            raise UsageError("evaluate", what, "Choose another --split, or name the classes with --map LABEL=CLASS")
        where = f"{split} patients" if data is None else "patients from outside"
        frames = counted(table["frame"].nunique(), "frames")
        title = f"{version} on {frames} of {counted(table['patient'].nunique(dropna=False), where)}"
        # A page for each folder from outside, without telling its name.
        of = split if data is None else f"outside-{sha256(str(data.resolve()).encode()).hexdigest()[:8]}"
        path = workspace.reports_folder / f"evaluation-{version}-{of}.html"
        tell("Drawing the page", 0, None)
        made = evaluation_page(
            done,
            title=title,
            card=read_card(workspace.models_folder / version),
            split=split if data is None else None,
            predictor=predictor,
            samples=lambda: samples(Report("evaluate")),  # what cannot be read was said the first time
            classes=classes,
            contains=contained(classes),
        )
        write_atomic(path, made)
    summary = summarise(table)
    intervals = patient_intervals(table)
    errors = dict(
        zip((classes.by_id(int(i)).name for i in predictor.class_ids[1:]), done.reliability.error(), strict=True)
    )
    report.data |= {
        "model": version,
        "on": where,
        "classes": summary_values(summary),
        "intervals": summary_values(intervals),
        "calibration_error": {name: None if e != e else round(e, 4) for name, e in errors.items()},
        "guess_correlation": {k: None if v != v else round(float(v), 4) for k, v in guess_correlation(table).items()},
        "page": workspace.relative(path),
    }
    show(f"{title}\n")
    show(_told(summary, intervals))
    show("\nPer image: mean over the frames in which the class is drawn; in brackets the middle 95 % over patients. FP")
    show("rate: share of the frames that are covered and without the class, in which it is predicted; '-' without any.")
    report.say(f"Frames to look at, calibration and confusion: {workspace.relative(path)}")
    return report


def _resolver(workspace: Workspace, renames: tuple[str, ...]) -> Any:
    """A label's class id, by `--map` first, then by the workspace's names and aliases."""
    from ..annotate.errors import UsageError

    classes = workspace.settings.classes
    mapped: dict[str, int] = {}
    for rename in renames:
        label, _, name = rename.partition("=")
        found = classes.find(name)
        if found is None:
            raise UsageError(f"--map {rename}", f"{name!r} is no class", f"Use one of {', '.join(classes.names)}")
        mapped[label.strip().casefold()] = found.id

    def resolve(text: str) -> int | None:
        if (class_id := mapped.get(text.strip().casefold())) is not None:
            return class_id
        found = classes.find(text)
        return found.id if found else None

    return resolve


def _told(summary: pd.DataFrame, intervals: pd.DataFrame) -> str:
    """A summary as a table for a person."""
    titles = {
        "frames": "frames",
        "dice": "Dice",
        "iou": "IoU",
        "hd95": "HD95 px",
        "hd95_mm": "HD95 mm",
        "missed": "missed",
        "dice_pooled": "Dice pooled",
        "iou_pooled": "IoU pooled",
        "false_positive_rate": "FP rate",
    }
    digits = {"frames": 0, "missed": 0, "hd95": 1, "hd95_mm": 1}
    shown = {
        title: ["-" if v != v else format(v, f".{digits.get(key, 3)}f") for v in summary[key]]
        for key, title in titles.items()
        if key != "hd95_mm" or summary[key].notna().any()
    }
    between = [
        f"[{low:.2f}, {high:.2f}]" if low == low else "-"
        for low, high in zip(intervals["low"], intervals["high"], strict=True)
    ]
    shown = {"frames": shown.pop("frames"), "Dice": shown.pop("Dice"), "over patients": between, **shown}
    rows = [["class", *shown], *([str(name), *(shown[t][i] for t in shown)] for i, name in enumerate(summary.index))]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
