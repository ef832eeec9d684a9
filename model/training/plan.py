"""Choose grid and length of a training: measure some steps, and take what this PC can do within the hour."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, replace
from typing import Final

import torch

from ...annotate.wording import counted
from ..computing.threads import ThreadChoice, thread_choice
from ..data.dataset import TrainingSet
from ..network.dmrnet import SIZES, DMRNet
from ..versions.trainings import Training
from ..versions.verdict import told_minutes
from .settings import TrainSettings
from .trainer import Trainer

TRAINING_S: Final = 50 * 60  # seconds; the rest of the hour is for reading frames before and judging after
ENOUGH: Final = 600  # steps: three times as many were no better on real frames (docs/decisions/0006-dmrnet.md)
AT_MOST: Final = 1200  # steps, even if the PC has time for more
GRIDS: Final = (256, 128, 64)  # sides, the finest first; nerves are a few pixels wide on 128
TRIED_ON: Final = 128  # largest side of the grid on which steps are measured
TRIAL_S: Final = 10.0  # seconds of measuring
NIGHT_S: Final = 8 * 3600.0  # what a training may take by itself to be as long as an earlier one
SLACK: Final = 1.25  # of the time that it needs for that: a PC that gets slower cuts no steps
LOOK: Final = 0.35  # a check of one batch of validation frames takes this share of a step's time


@dataclass(frozen=True, slots=True)
class Plan:
    """A training that this PC can do.

    Attributes:
        settings: How to train.
        step_s: Seconds a step, with the checks on validation patients included.
        steps: Steps that fit.
        at_least: The training that it should reach; None without one.
        short_s: Seconds that the steps and grid of that training would take; None if they are reached.
    """

    settings: TrainSettings
    step_s: float
    steps: int
    at_least: Training | None = None
    short_s: float | None = None

    def told(self, now: datetime.datetime | None = None) -> str:
        """A line that says what was chosen, and when it ends."""
        seconds = self.steps * self.step_s
        end = (now or datetime.datetime.now().astimezone()) + datetime.timedelta(seconds=seconds)
        grid = f"{self.settings.input} x {self.settings.input}"
        minutes = counted(max(1, round(seconds / 60)), "minutes")
        line = (
            f"Chosen for this PC as it is now ({self.step_s:.2g} s a step): {SIZES[self.settings.size].name} on {grid},"
            f" about {counted(self.steps, 'steps')} in {minutes}. Ends at about {end:%H:%M} or earlier."
        )
        if self.steps < ENOUGH:
            line += f" That is few: about {ENOUGH} steps are needed. Close other programs, or allow more --minutes."
        return line if self.at_least is None else f"{self._compared(self.at_least)} {line}"

    def _compared(self, before: Training) -> str:
        """The sentence on the training that this one is to reach."""
        long = f"{counted(before.steps, 'steps')} on {before.input} x {before.input} in {told_minutes(before.minutes)}"
        if self.short_s is None:
            return f"At least as long as {before.model}, which had {long}."
        hours = told_minutes(self.short_s / 60)
        return f"{before.model} had {long}. That takes {hours} here, so this one is shorter; --minutes allows more."


def seconds_a_step(
    settings: TrainSettings, *, frames: int, classes: int, device: torch.device, threads: ThreadChoice | None
) -> float:
    """Measure training steps on random frames, for `TRIAL_S` seconds or the time of two steps.

    Args:
        settings: Size, grid and batch.
        frames: Number of training frames; a batch is never larger.
        classes: Number of classes beside background.
        device: The device to compute on.
        threads: Chooses the number of processor threads.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (max(1, min(settings.batch, frames)), settings.input, settings.input)
    some = TrainingSet(
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        torch.randint(0, 1 + classes, shape, dtype=torch.uint8, generator=generator),
        torch.ones(shape[0], classes, dtype=torch.bool),
        (None,) * shape[0],
    )
    none = TrainingSet(some.frames[:0], some.targets[:0], some.covered[:0], ())
    with torch.random.fork_rng():
        network = DMRNet(classes, size=SIZES[settings.size])
    endless = replace(settings, steps=10**6, epochs=None, minutes=None, check_every=10**6)
    trainer = Trainer(network, some, none, settings=endless, device=device, threads=threads)
    trainer.run(seconds=1e-9)  # one step before measuring: it also builds kernels
    began, done = time.monotonic(), trainer.step
    while trainer.step < done + 2 or time.monotonic() - began < TRIAL_S:
        trainer.run(seconds=1e-9)
    return (time.monotonic() - began) / (trainer.step - done)


def choose_settings(
    settings: TrainSettings,
    *,
    pace_s: float,
    tried_on: int = TRIED_ON,
    validation: int = 0,
    at_least: Training | None = None,
) -> Plan:
    """Choose the finest grid on which enough steps fit, and as many steps as fit.

    Args:
        settings: The settings; only those that they leave to the PC's pace are chosen.
        pace_s: Seconds a step on a grid of side `tried_on`.
        tried_on: Side of the grid on which steps were measured.
        validation: Number of validation frames, which are checked every `check_every` steps.
        at_least: An earlier training. Its steps and grid are reached, even if they take longer than the hour, up to a
            night. Steps and grid count, not minutes, because this PC may be slower or faster now. It has no effect if
            the settings give a length.
    """
    by_pace = set(settings.chosen)
    if "length" not in by_pace:
        at_least = None
    within_s = TRAINING_S if "length" in by_pace or settings.minutes is None else 60 * settings.minutes
    most = AT_MOST if "length" in by_pace else settings.steps
    enough = ENOUGH
    grids: tuple[int, ...] = GRIDS if "input" in by_pace else (settings.input,)
    looks = 1 + LOOK * validation / settings.batch / settings.check_every
    short_s = None
    if at_least is not None:
        least_grid = at_least.input if "input" in by_pace else settings.input
        needed_s = at_least.steps * pace_s * looks * (least_grid / tried_on) ** 2 * SLACK
        within_s = max(within_s, min(NIGHT_S, 60 * at_least.minutes))
        if needed_s > NIGHT_S:
            short_s = needed_s / SLACK
        else:
            within_s = max(within_s, needed_s)
            most, enough = max(most, at_least.steps), max(ENOUGH, at_least.steps)
            grids = (*(grid for grid in grids if grid > least_grid), least_grid)
    for grid in grids:
        step_s = pace_s * looks * (grid / tried_on) ** 2
        steps = int(within_s / step_s)
        if steps >= enough:
            break
    steps = max(1, min(steps, most))
    chosen = replace(settings, input=grid)
    if "length" in by_pace:
        chosen = replace(chosen, steps=steps, epochs=None, minutes=within_s / 60)
    return Plan(chosen, step_s, steps, at_least=at_least, short_s=short_s)


def plan_training(
    settings: TrainSettings,
    *,
    frames: int,
    validation: int,
    classes: int,
    device: torch.device,
    at_least: Training | None = None,
) -> Plan:
    """Measure some steps, and choose the settings that are left to this PC's pace.

    Args:
        settings: How to train.
        frames: Number of training frames.
        validation: Number of validation frames.
        classes: Number of classes beside background.
        device: The device to compute on.
        at_least: An earlier training, as `choose_settings` takes it.
    """
    side = TRIED_ON if "input" in settings.chosen else min(TRIED_ON, settings.input)
    pace_s = seconds_a_step(
        replace(settings, input=side), frames=frames, classes=classes, device=device, threads=thread_choice()
    )
    return choose_settings(settings, pace_s=pace_s, tried_on=side, validation=validation, at_least=at_least)
