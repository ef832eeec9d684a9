"""Commands around the network: train, evaluate, models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..annotate.commands import pass_workspace
from ..annotate.console import Tell, device_option, progress, reporting, seed_option, show
from ..annotate.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from ..annotate.workspace import Workspace
    from .settings import TrainSettings
    from .train import Progress

F = TypeVar("F", bound=Callable[..., Any])


def training_options(function: F) -> F:
    """How to train, over what `dmr.toml` says."""
    for option in (
        click.option("--again", is_flag=True, help="Make another version though nothing is new."),
        click.option("--minutes", type=float, help="Minutes of training, at most."),
        click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps, at most, where no epochs are set."),
        click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training frames, at most."),
        click.option("--input", type=int, help="Side of its square input, pixels [default: dmr.toml]."),
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
    from .training import train_settings

    try:
        return train_settings(workspace.settings, **options)
    except ValueError as error:
        raise UsageError(command, str(error), "Give another value") from error


def training_bar(tell: Tell) -> Callable[[Progress], None]:
    """Shows how far a training is."""
    done = 0

    def on_progress(p: Progress) -> None:
        nonlocal done
        permille = round(1000 * p.share)
        dice = "" if p.dice is None else f", Dice {p.dice:.3f}, best {p.best:.3f}"
        tell("Training", permille - done, 1000, f"step {p.step}, loss {p.loss:.3f}{dice}")
        done = permille

    return on_progress


@click.command()
@training_options
@seed_option
@device_option
@reporting
@pass_workspace
def train(workspace: Workspace, again: bool, device_name: str, **options: Any) -> Report:
    """Train DMRNet on the workspace's outlines; Ctrl-C stops, and the same command goes on."""
    from ..annotate.edits import sync_checkout
    from .device import pick_device
    from .training import train_model

    report = Report("train")
    settings = chosen_settings(workspace, "train", **options)
    device = pick_device(device_name)
    with workspace.catalogue() as catalogue, progress() as tell:
        with workspace.lock():
            sync_checkout(workspace, catalogue, report=report)
        train_model(
            workspace,
            catalogue,
            settings=settings,
            device=device,
            report=report,
            again=again,
            on_progress=training_bar(tell),
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
@device_option
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
    """Print a model's Dice, IoU, HD95 and false-positive rate a class, pooled and per image."""
    from ..annotate.errors import UsageError
    from ..annotate.sources import labelme_frames
    from .device import pick_device
    from .evaluate import evaluate as judge
    from .loading import outside_samples, workspace_samples
    from .metrics import summarise
    from .training import contained, load_predictor, summary_values

    report = Report("evaluate")
    with workspace.catalogue() as catalogue, progress() as tell:
        classes = catalogue.classes()  # a model may know classes that are retired since
        version, predictor = load_predictor(workspace, catalogue, model=model, device=pick_device(device_name))
        if data is None:
            labelled = [f for f in catalogue.labelled_frames() if f.split == split]
            samples = workspace_samples(workspace, labelled, report=report)
        else:
            resolve = _resolver(workspace, renames)
            items = labelme_frames(
                [data],
                resolve=resolve,
                all_classes=frozenset(c.id for c in classes.active),
                coverage=coverage or workspace.settings.imports.coverage,  # type: ignore[arg-type]
                report=report,
            )
            samples = outside_samples(workspace, items)
        table = judge(
            predictor,
            samples,
            names={c.id: c.name for c in classes},
            contains=contained(classes),
            on_progress=lambda n: tell("Evaluating", n, None),
        )
    if table.empty:
        what = f"no labelled frame of the {split} patients" if data is None else "no frame with a class of yours"
        raise UsageError("evaluate", what, "Choose another --split, or name the classes with --map LABEL=CLASS")
    summary = summarise(table)
    where = f"{split} patients" if data is None else "outside frames"
    report.data |= {"model": version, "on": where, "classes": summary_values(summary)}
    show(f"{version} on {table['frame'].nunique()} frames of {table['patient'].nunique(dropna=False)} {where}\n")
    show(_told(summary))
    show("\nPer image: mean over the frames in which the class is drawn. FP rate: share of the frames that are")
    show("covered and without the class, in which it is predicted; '-' where there is no such frame.")
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


def _told(summary: pd.DataFrame) -> str:
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
    rows = [["class", *shown], *([str(name), *(shown[t][i] for t in shown)] for i, name in enumerate(summary.index))]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


@click.group()
def models() -> None:
    """List, describe and promote model versions."""


@models.command(name="list")
@reporting
@pass_workspace
def list_(workspace: Workspace) -> Report:
    """List the versions, the active one marked."""
    from ..annotate.errors import ModelError
    from .checkpoint import read_card

    report = Report("models list")
    with workspace.catalogue() as catalogue:
        known = catalogue.models()
    report.data["models"] = []
    for model in known:
        try:
            details = read_card(workspace.models_folder / model.id).details
        except ModelError as error:
            report.fail(error)
            continue
        mean = (details.get("validation") or {}).get("mean") or {}
        dice = mean.get("dice")
        frames = details["data"]["train"]["frames"]
        report.data["models"].append(
            {"id": model.id, "state": model.state, "trained_on": frames, "validation_dice": dice}
        )
        told = "unknown" if dice is None else f"{dice:.3f}"
        show(f"{model.id:<6} {model.state:<10} {details['trained_at'][:10]}  {frames} frames  validation Dice {told}")
    if not known:
        report.say("No model yet: make one with `dmr train`.")
    return report


@models.command()
@click.argument("model", required=False)
@reporting
@pass_workspace
def info(workspace: Workspace, model: str | None) -> Report:
    """Show a version's card, its size and its arithmetic."""
    import json

    from .checkpoint import CARD
    from .device import pick_device
    from .network import multiply_adds, parameter_count
    from .training import load_predictor

    report = Report("models info")
    with workspace.catalogue() as catalogue:
        version, predictor = load_predictor(workspace, catalogue, model=model, device=pick_device("cpu"))
    card = json.loads((workspace.models_folder / version / CARD).read_text(encoding="utf-8"))
    parameters = parameter_count(predictor.network)
    work = multiply_adds(predictor.network, size=predictor.input_size)
    report.data |= {"card": card, "parameters": parameters, "multiply_adds": work}
    show(
        f"{version}: {card['network']}, {parameters:,} parameters, {work / 1e9:.2f} G multiply-adds a frame of "
        f"{predictor.input_size} x {predictor.input_size}\n"
    )
    show(json.dumps(card, indent=2, ensure_ascii=False))
    return report


@models.command()
@click.option("--because", default="rollback", show_default=True, help="Why; it is kept.")
@reporting
@pass_workspace
def rollback(workspace: Workspace, because: str) -> Report:
    """Make the version that was active before the active one the active one again."""
    from ..annotate.errors import ModelError
    from .device import pick_device
    from .training import load_predictor

    report = Report("models rollback")
    with workspace.lock(), workspace.catalogue() as catalogue:
        active = catalogue.active_model()
        before = catalogue.model_before()
        if active is None or before is None:
            raise ModelError("models", "there is no earlier active model to go back to", "See `dmr models list`")
        load_predictor(workspace, catalogue, model=before, device=pick_device("cpu"))  # it is whole, or refused here
        catalogue.activate(before, reason=because)
    report.say(f"{before} is the active model again, instead of {active.id}. Next: `dmr push` sends its drafts.")
    return report


@models.command()
@click.argument("model")
@click.option("--because", required=True, help="Why; it is kept.")
@reporting
@pass_workspace
def promote(workspace: Workspace, model: str, because: str) -> Report:
    """Make a version the active one."""
    from .device import pick_device
    from .training import load_predictor

    report = Report("models promote")
    with workspace.lock(), workspace.catalogue() as catalogue:
        load_predictor(workspace, catalogue, model=model, device=pick_device("cpu"))  # it is whole, or refused here
        active = catalogue.active_model()
        if active is not None and active.id == model:
            report.say(f"{model} is the active model already; nothing was changed.")
            return report
        catalogue.activate(model, reason=because)
    report.say(f"{model} is the active model now.")
    return report
