"""Run one training to its last step; save its state on the way and after Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from ...annotate.classes import Classes
from ...annotate.errors import WorkspaceError
from ...annotate.report import Report
from ...annotate.workspace import Workspace
from ..computing.threads import thread_choice
from ..data.dataset import TrainingSet, training_set
from ..data.loading import workspace_samples
from ..network.dmrnet import SIZES, DMRNet
from .frames import TrainingFrames
from .refused import save_if_possible
from .resuming import Run, States
from .settings import TrainSettings
from .trainer import Progress, Trainer, start_at_shares

SAVE_EVERY: Final = 60.0  # seconds of training that a crash may lose

OnInterrupt = Callable[[int, bool], bool]
"""Asked after Ctrl-C: make a version? Gets the step, and whether Ctrl-C was pressed again already."""


def training_sets(
    workspace: Workspace,
    classes: Classes,
    run: Run,
    frames: TrainingFrames,
    *,
    report: Report,
) -> tuple[TrainingSet, TrainingSet]:
    """The training and the validation frames on the network's grid.

    Raises:
        WorkspaceError: No training frame can be read.
    """
    learnt, judged = (
        training_set(
            workspace_samples(workspace, part, report=report),
            class_ids=list(run.names),
            classes=classes,
            size=run.settings.input,
        )
        for part in (frames.train, frames.validation)
    )
    if not len(learnt):
        raise WorkspaceError("train", "none of the training frames can be read", "Restore frames/ from a backup")
    return learnt, judged


def new_trainer(run: Run, sets: tuple[TrainingSet, TrainingSet], device: torch.device) -> Trainer:
    """A trainer at its first step."""
    return trainer_on(sets, len(run.names), settings=run.settings, device=device)


def trainer_on(
    sets: tuple[TrainingSet, TrainingSet], classes: int, *, settings: TrainSettings, device: torch.device
) -> Trainer:
    """A trainer at its first step, with a new network for so many classes."""
    with torch.random.fork_rng(devices=[]):  # weights are drawn on the CPU; the caller's random state stays
        torch.default_generator.manual_seed(settings.seed)
        network = DMRNet(classes, size=SIZES[settings.size], dropout=settings.dropout)
    start_at_shares(network.classifiers, sets[0].class_shares())
    return Trainer(network, sets[0], sets[1], settings=settings, device=device, threads=thread_choice())


def resumed_trainer(
    run: Run, states: States, sets: tuple[TrainingSet, TrainingSet], device: torch.device, *, report: Report
) -> Trainer:
    """The trainer at the step where the run was interrupted; else a new one, also if the state cannot be read."""
    trainer = new_trainer(run, sets, device)
    if not states.has(run) or states.load(run, trainer):
        return trainer
    aside = states.unreadable(run).name
    report.say(
        f"The state of the interrupted training cannot be read. It is kept as {aside}, and the training starts again."
    )
    return new_trainer(run, sets, device)


def train_to_end(
    trainer: Trainer,
    run: Run,
    states: States,
    *,
    on_interrupt: OnInterrupt | None,
    on_progress: Callable[[Progress], None],
    say: Callable[[str], None],
) -> bool:
    """Train to the end, and save the state on the way and at the end; `say` gets a line if that fails.

    Returns:
        Whether the user ended it early, to make a version of what it has learnt.

    Raises:
        KeyboardInterrupt: Interrupted; the state is saved.
    """
    fails = False
    try:
        while True:  # at least once: the run may have been interrupted during its last check
            trainer.run(seconds=SAVE_EVERY, on_progress=on_progress)
            fails = not save_if_possible(states, run, trainer, say=_said_before if fails else say)
            if trainer.done:
                return False
    except KeyboardInterrupt:
        if not trainer.step:
            raise
        twice = states.save_undisturbed(run, trainer)
        if on_interrupt is None or not on_interrupt(trainer.step, twice):
            words = f"Interrupted at step {trainer.step}, which is saved. The same command goes on from there, and "
            raise KeyboardInterrupt(f"{words}--finish makes a version of what it has learnt.") from None
    trainer.look_last()
    return True


def _said_before(_: str) -> None:
    """Say nothing: the same was said at the last failure."""
