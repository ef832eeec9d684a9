"""`dmr train`: train a model version on the workspace's outlines, or go on with an interrupted training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import torch

from ...annotate.classes import Classes
from ...annotate.editing.edits import sync_checkout
from ...annotate.errors import ModelError, UsageError, WorkspaceError
from ...annotate.workspace import Session, Workspace
from ..computing.device import pick_device
from ..network.checkpoint import read_card
from ..versions.trainings import Training
from ..versions.verdict import learnt_nothing
from .bar import training_bar
from .beginning import beginning
from .finishing import make_version
from .frames import TrainingFrames
from .plan import plan_training
from .refused import kept_training
from .resuming import Run, States
from .running import OnInterrupt, new_trainer, resumed_trainer, train_to_end, training_sets
from .settings import TrainSettings, train_settings

NETWORK: Final = 6  # raise it with every change of the network or its start: older states do not fit then

_SETTINGS: Final = frozenset({"minutes", "steps", "epochs", "input", "size", "seed"})

Say = Callable[[str], None]


def take_edits_and_train(
    s: Session,
    *,
    settings: TrainSettings,
    again: bool = False,
    finish: bool = False,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
) -> str:
    """`dmr train`: take in the edits in `annotations/`, then train; see `train_model` and `finish_interrupted`."""
    pick_device(s.device)  # a wrong device is refused now, not after the edits were taken in
    with s.writing():
        sync_checkout(s)
    return train_or_finish(s, settings=settings, again=again, finish=finish, say=say, on_interrupt=on_interrupt)


def train_or_finish(
    s: Session,
    *,
    settings: TrainSettings,
    again: bool = False,
    finish: bool = False,
    advise: bool = True,
    at_least: Training | None = None,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
    bar: str = "Training",
) -> str:
    """Train a version, or with `finish` make one of the last interrupted training.

    See `train_model` and `finish_interrupted`.
    """
    if finish:
        return finish_interrupted(s, advise=advise, say=say)
    s.tell("Preparing the training", 0, None)
    return train_model(
        s,
        settings=settings,
        again=again,
        advise=advise,
        at_least=at_least,
        say=say,
        on_interrupt=on_interrupt,
        bar=bar,
    )


def train(s: Session, *, again: bool = False, **settings: Any) -> str:
    """Train a model version on the session's workspace, or go on with the training that was interrupted.

    Args:
        s: A session.
        again: Train another version even if nothing is new.
        settings: `minutes`, `steps`, `epochs`, `input`, `size` or `seed`; the rest is as in `dmr.toml`.

    Returns:
        The version's id.

    Raises:
        WorkspaceError: There is nothing to learn from.
        ValueError: There is no such setting, or one is out of its range.

    Example:
        >>> with workspace.session(device="cpu") as s:
        ...     dmr.train(s, steps=3, input=32)
        'v2'
    """
    if unknown := sorted(set(settings) - _SETTINGS):
        raise ValueError(f"{', '.join(unknown)}: no such setting; expected {', '.join(sorted(_SETTINGS))}")
    return train_model(s, settings=train_settings(s.settings, **settings), again=again)


def train_model(
    s: Session,
    *,
    settings: TrainSettings,
    again: bool = False,
    advise: bool = True,
    activate: bool | None = None,
    at_least: Training | None = None,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
    bar: str = "Training",
) -> str:
    """Train a model version on the workspace's training patients, or go on with the run that was interrupted.

    The first version that has learnt something becomes the active one. Later versions wait to be promoted.

    The workspace is locked only while something is saved, so others can work during hours of training.

    Args:
        s: The session; its report gets counts and words, and the outcome under `training`.
        settings: How to train.
        again: Train another version even if there is one of the same run.
        advise: Whether to say what to do with the new version.
        activate: Whether to make it the active model; None does so if no model is active and it has learnt something.
        at_least: An earlier training. Its steps and grid are reached if the settings leave the length to this PC's
            pace.
        say: Gets a line before the first step: whether the training is new or goes on. None puts it into the report.
        on_interrupt: Asked after Ctrl-C, when the state is saved, whether to make a version now. It gets the step, and
            whether Ctrl-C was pressed again already. None never makes one.
        bar: The training's name where its progress is shown.

    Returns:
        The version's id.

    Raises:
        WorkspaceError: There is nothing to learn from.
        KeyboardInterrupt: Interrupted; the state is saved, and the next call goes on from it.
    """
    say, device, classes = say or s.report.say, pick_device(s.device), s.settings.classes
    frames = TrainingFrames.newest(s.catalogue)
    run = _run_on(frames, settings, classes)
    made = _made_by(s, run)
    if made and not again:
        s.report.say(_nothing_new(s.workspace, made[-1]))
        return made[-1]
    with s.writing():
        s.catalogue.add_dataset(frames.revisions)

    states = States(s.workspace)
    run = states.as_begun(run) or _planned(run, frames, device, say, at_least=at_least)
    sets = training_sets(s.workspace, classes, run, frames, report=s.report)
    with kept_training(states, run), states.alone(run):
        trainer = resumed_trainer(run, states, sets, device, report=s.report)
        other = next((one for one in states.interrupted() if one.run.id != run.id), None)
        say(beginning(run, frames=frames, step=trainer.step, other=other, catalogue=s.catalogue))
        told = training_bar(s.tell, list(run.names.values()), what=bar)
        early = train_to_end(trainer, run, states, on_interrupt=on_interrupt, on_progress=told, say=say)
        version = make_version(
            s, trainer, run=run, frames=frames, classes=classes, ended_early=early, activate=activate, advise=advise
        )
        states.forget(run)
    return version


def finish_interrupted(s: Session, *, advise: bool = True, activate: bool | None = None, say: Say | None = None) -> str:
    """Make a version of the newest interrupted training, without training on.

    It keeps the outlines and settings with which it began, even if others are set now.

    Args:
        s: The session; its report gets counts and words, and the outcome under `training`.
        advise: Whether to say what to do with the new version.
        activate: Whether to make it the active model; None does so if no model is active and it has learnt something.
        say: Gets a line at once that says what is finished; None puts it into the report.

    Returns:
        The version's id.

    Raises:
        UsageError: No training was interrupted, or its state cannot be used any more.
    """
    states = States(s.workspace)
    found = next(iter(states.interrupted()), None)
    where = f"{s.report.command} --finish"
    if found is None:
        raise UsageError(where, "there is no interrupted training", "Start one: dmr train")
    run, classes = found.run, s.catalogue.classes()  # it may know classes that were retired later
    frames = TrainingFrames.of_dataset(s.catalogue, run.dataset)
    with kept_training(states, run), states.alone(run):
        sets = training_sets(s.workspace, classes, run, frames, report=s.report)
        trainer = new_trainer(run, sets, pick_device(s.device))
        if not states.load(run, trainer):
            aside = states.unreadable(run).name
            raise UsageError(where, f"the state cannot be read; it is kept as {aside}", "Start again: dmr train")
        (say or s.report.say)(f"Making a version of the training that was interrupted at step {trainer.step}.")
        trainer.look_last()
        version = make_version(
            s, trainer, run=run, frames=frames, classes=classes, ended_early=True, activate=activate, advise=advise
        )
        states.forget(run)
    return version


def _run_on(frames: TrainingFrames, settings: TrainSettings, classes: Classes) -> Run:
    """The run that learns from these frames.

    Raises:
        WorkspaceError: There is nothing to learn from.
    """
    if not any(item.annotation.shapes for item in frames.train):
        raise WorkspaceError("train", "there are no outlines of training patients yet", "Bring some in: dmr import")
    inside = {c.name: c.inside for c in classes.active if c.inside}
    layers = [classes.paint_order(), sorted(inside.items())]
    return Run.of(frames.dataset, settings, classes.predicted, inside, layers=layers, network=NETWORK)


def _planned(
    run: Run, frames: TrainingFrames, device: torch.device, say: Say, *, at_least: Training | None = None
) -> Run:
    """A new run with the settings chosen that are left to this PC's pace."""
    if not run.settings.chosen:
        return run
    say("Measuring how fast this PC trains; this takes some seconds ...")
    plan = plan_training(
        run.settings,
        frames=len(frames.train),
        validation=len(frames.validation),
        classes=len(run.names),
        device=device,
        at_least=at_least,
    )
    say(plan.told())
    return replace(run, settings=plan.settings)


def _made_by(s: Session, run: Run) -> list[str]:
    """Versions that this same run made, the oldest first."""
    found = []
    for model in s.catalogue.models():
        try:
            if read_card(s.workspace.models_folder / model.id).details.get("run") == run.id:
                found.append(model.id)
        except ModelError:
            continue
    return found


def _nothing_new(workspace: Workspace, version: str) -> str:
    card = read_card(workspace.models_folder / version)
    line = f"Nothing new: {version} was trained on these outlines with these settings"
    if card.details.get("ended_early"):
        line += f" and ended early, at step {card.detail('steps')}"
    if learnt_nothing(workspace.models_folder / version):
        return f"{line}. It has learnt nothing: train longer, for example with --minutes 60, or outline more frames."
    return f"{line}. --again trains another."
