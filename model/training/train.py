"""`dmr train`: from the workspace's revisions to a model version, resumable, with its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.catalogue.records import LabelledFrame
from ...annotate.classes import Classes
from ...annotate.errors import ModelError, UsageError, WorkspaceError
from ...annotate.report import Report
from ...annotate.settings.model import Settings
from ...annotate.workspace import Workspace
from ..network.checkpoint import read_card
from ..versions.verdict import learnt_nothing
from .beginning import beginning
from .finishing import make_version
from .plan import left_to_the_pace, plan_training
from .resuming import Run, States
from .running import (
    OnInterrupt,
    OnProgress,
    new_trainer,
    resumed_trainer,
    train_to_end,
    training_sets,
)
from .settings import TrainSettings

NETWORK: Final = 6  # counts up with every change of the network or of its start: older states do not fit

Say = Callable[[str], None]


def train_settings(settings: Settings, **changes: Any) -> TrainSettings:
    """How to train: `dmr.toml`'s `[train]`, with the command line's options over it; None leaves a value as it is.

    Raises:
        ValueError: A value is out of its range.
    """
    own = settings.train
    values: dict[str, Any] = {
        "size": own.size,
        "input": own.input,
        "seed": own.seed,
        "epochs": own.epochs,
        "minutes": own.minutes,
    }
    values |= {name: value for name, value in changes.items() if value is not None}
    values = {name: value for name, value in values.items() if value is not None}
    return TrainSettings(**values, chosen=left_to_the_pace(values))


def predicted_classes(classes: Classes) -> dict[int, str]:
    """Name by id of the classes that a model learns: those not retired, in the order of their ids."""
    return {c.id: c.name for c in classes.active}


def contained(classes: Classes) -> dict[int, frozenset[int]]:
    """Class id to the ids of all classes that lie inside it, for those that have any."""
    return {c.id: inside for c in classes if (inside := classes.children(c.id))}


def train_model(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    settings: TrainSettings,
    device: torch.device,
    report: Report,
    again: bool = False,
    advise: bool = True,
    activate: bool | None = None,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
    on_progress: OnProgress | None = None,
) -> str:
    """Train a model version on the workspace's training patients, or go on with the run that was interrupted.

    The first version that has learnt something becomes the active one; later ones wait to be promoted.

    The workspace is locked only while the version is saved: hours of training keep nobody from working.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open.
        settings: How to train.
        device: To compute on.
        report: Gets counts and words, and what the training came to under `training`.
        again: Make another version though the same one is there.
        advise: Say what to do with the new version.
        activate: Make the version the active one, or not; None: by what it has learnt.
        say: Told before the first step whether the training is new or goes on; None puts it into the report.
        on_interrupt: Asked after Ctrl-C, when the state is kept: is a version to be made of what there is? Given the
            step, and whether Ctrl-C was pressed again already. None never makes one.
        on_progress: Called after each step.

    Returns:
        The version's id.

    Raises:
        WorkspaceError: There is nothing to learn from.
        KeyboardInterrupt: Interrupted; the state is kept, and the next call goes on.
    """
    classes = workspace.settings.classes
    names = predicted_classes(classes)
    train, validation = _frames(catalogue, "train"), _frames(catalogue, "validation")
    if not any(item.annotation.shapes for item in train):
        raise WorkspaceError("train", "there are no outlines of training patients yet", "Bring some in: dmr import")
    inside = {c.name: c.inside for c in classes.active if c.inside}
    run = Run.of(
        catalogue.add_dataset(item.revision for item in [*train, *validation]),
        settings,
        names,
        inside,
        layers=[classes.paint_order(), sorted(inside.items())],
        network=NETWORK,
    )
    made = _made_by(workspace, catalogue, run)
    if made and not again:
        report.say(_nothing_new(workspace, made[-1]))
        return made[-1]

    states = States(workspace)
    run = states.as_begun(run) or _planned(run, (len(train), len(validation)), device, say or report.say)
    sets = training_sets(workspace, classes, run, train, validation, report=report)
    with states.alone(run):
        trainer = resumed_trainer(run, states, sets, device, report=report)
        line = beginning(
            run,
            step=trainer.step,
            frames=(len(train), len(validation)),
            patients=(_patients(train), _patients(validation)),
            other=next((one for one in states.interrupted() if one.run.id != run.id), None),
            catalogue=catalogue,
        )
        (say or report.say)(line)
        ended_early = train_to_end(trainer, run, states, on_interrupt=on_interrupt, on_progress=on_progress)
        version = make_version(
            workspace,
            catalogue,
            trainer,
            run=run,
            train=train,
            validation=validation,
            contains=contained(classes),
            report=report,
            ended_early=ended_early,
            activate=activate,
            advise=advise,
        )
        states.forget(run)
    return version


def finish_interrupted(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    device: torch.device,
    report: Report,
    advise: bool = True,
    activate: bool | None = None,
    say: Say | None = None,
) -> str:
    """Make a version of what the newest interrupted training has, without training further.

    Its outlines and settings are its own, whatever they are now.

    Args:
        workspace: Whose training.
        catalogue: Its catalogue, open.
        device: To compute on.
        report: Gets counts and words, and what the training came to under `training`.
        advise: Say what to do with the new version.
        activate: Make the version the active one, or not; None: by what it has learnt.
        say: Told at once what is finished; None puts it into the report.

    Returns:
        The version's id.

    Raises:
        UsageError: No training was interrupted, or its state cannot be used any more.
    """
    states = States(workspace)
    found = next(iter(states.interrupted()), None)
    where = f"{report.command} --finish"
    if found is None:
        raise UsageError(where, "no interrupted training is waiting here", "Begin one: dmr train")
    run, classes = found.run, catalogue.classes()  # it may know classes that are retired since
    items = catalogue.labelled_frames(revisions=catalogue.dataset(run.dataset))  # in the order of their ids
    train, validation = ([item for item in items if item.split == split] for split in ("train", "validation"))
    with states.alone(run):
        sets = training_sets(workspace, classes, run, train, validation, report=report)
        trainer = new_trainer(run, sets, device)
        if not states.load(run, trainer):
            aside = states.unreadable(run).name
            raise UsageError(where, f"the state cannot be read, and is kept as {aside}", "Begin anew: dmr train")
        (say or report.say)(f"Makes a version of the training that was interrupted at step {trainer.step}.")
        trainer.look_last()
        version = make_version(
            workspace,
            catalogue,
            trainer,
            run=run,
            train=train,
            validation=validation,
            contains=contained(classes),
            report=report,
            ended_early=True,
            activate=activate,
            advise=advise,
        )
        states.forget(run)
    return version


def _planned(run: Run, frames: tuple[int, int], device: torch.device, say: Say) -> Run:
    """A new run with what its settings leave to this PC's pace."""
    if not run.settings.chosen:
        return run
    say("Measuring how much training this PC can do: some seconds ...")
    plan = plan_training(run.settings, frames=frames[0], validation=frames[1], classes=len(run.names), device=device)
    say(plan.told())
    return replace(run, settings=plan.settings)


def newest_dataset(catalogue: Catalogue) -> str:
    """The data set that a training would use now."""
    return catalogue.add_dataset(
        item.revision for split in ("train", "validation") for item in _frames(catalogue, split)
    )


def _frames(catalogue: Catalogue, split: str) -> list[LabelledFrame]:
    """Labelled frames of a split, in an order that does not depend on when they came in."""
    return sorted((f for f in catalogue.labelled_frames() if f.split == split), key=lambda f: f.frame.frame_id)


def _patients(items: Sequence[LabelledFrame]) -> int:
    return len({item.frame.patient for item in items})


def _made_by(workspace: Workspace, catalogue: Catalogue, run: Run) -> list[str]:
    """Versions that came out of this very run, the oldest first."""
    found = []
    for model in catalogue.models():
        try:
            if read_card(workspace.models_folder / model.id).details.get("run") == run.id:
                found.append(model.id)
        except ModelError:
            continue
    return found


def _nothing_new(workspace: Workspace, version: str) -> str:
    details = read_card(workspace.models_folder / version).details
    line = f"Nothing new: {version} was trained on these outlines with these settings"
    if details.get("ended_early"):
        line += f" and ended early, at step {details['steps']}"
    if learnt_nothing(workspace.models_folder / version):
        return f"{line}. It has learnt nothing: train longer, such as --minutes 60, or outline more frames."
    return f"{line}. --again makes another."
