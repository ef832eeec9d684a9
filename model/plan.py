"""How large a network, on which grid and how long: what this PC can train within the hour, by measuring a few steps."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from .dataset import TrainingSet
from .network import SIZES, DMRNet
from .settings import TrainSettings
from .threads import ThreadChoice
from .train import Trainer

TRAINING_S: Final = 50 * 60  # of the hour; the rest is for reading frames before and judging after
ENOUGH: Final = 600  # steps: three times as many brought nothing on real frames (docs/decisions/0006-dmrnet.md)
AT_MOST: Final = 1200  # steps, where the PC has time for more
GRIDS: Final = (256, 128, 64)  # sides, the finest first; nerves are a few pixels wide on 128
TRIED_ON: Final = 128  # side of the grid that steps are measured on
TRIAL_S: Final = 10.0  # seconds of measuring
LOOK: Final = 0.35  # steps' worth of time that a look at as many validation frames takes


@dataclass(frozen=True, slots=True)
class Plan:
    """A training that this PC can do.

    Attributes:
        settings: How to train.
        step_s: Seconds a step, looks at the validation patients counted in.
        steps: That fit.
    """

    settings: TrainSettings
    step_s: float
    steps: int

    def told(self, now: datetime.datetime | None = None) -> str:
        """In a line: what was chosen, and when it ends."""
        seconds = self.steps * self.step_s
        end = (now or datetime.datetime.now().astimezone()) + datetime.timedelta(seconds=seconds)
        grid = f"{self.settings.input} x {self.settings.input}"
        line = (
            f"Chosen for this PC as it is now ({self.step_s:.2g} s a step): {SIZES[self.settings.size].name} on {grid},"
            f" {self.steps} steps, {max(1, round(seconds / 60))} minutes. Ends at about {end:%H:%M} or earlier."
        )
        if self.steps < ENOUGH:
            line += f" That is few: about {ENOUGH} are wanted. Close other programs, or give it --minutes."
        return line


def seconds_a_step(
    settings: TrainSettings, *, frames: int, classes: int, device: torch.device, threads: ThreadChoice | None
) -> float:
    """Measure training steps on random frames, for `TRIAL_S` seconds or the time of two steps.

    Args:
        settings: Size, grid and batch.
        frames: Training frames; a batch takes no more.
        classes: Beside background.
        device: To compute on.
        threads: Chooses the processor's threads meanwhile.
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
    trainer.run(seconds=1e-9)  # one step: kernels are built in it
    began, done = time.monotonic(), trainer.step
    while trainer.step < done + 2 or time.monotonic() - began < TRIAL_S:
        trainer.run(seconds=1e-9)
    return (time.monotonic() - began) / (trainer.step - done)


def choose_settings(
    settings: TrainSettings,
    *,
    pace_s: float,
    grids: Sequence[int] = GRIDS,
    validation: int = 0,
    within_s: float = TRAINING_S,
) -> Plan:
    """The finest grid on which enough steps fit, and as many steps as fit.

    Args:
        settings: All else; `input` stays as it is where it is the only one of `grids`.
        pace_s: Seconds a step on a grid of `TRIED_ON`.
        grids: Sides to choose from, the finest first.
        validation: Frames that are looked at every `check_every` steps.
        within_s: Seconds of training.
    """
    looks = 1 + LOOK * validation / settings.batch / settings.check_every
    for grid in grids:
        step_s = pace_s * looks * (grid / TRIED_ON) ** 2
        steps = int(within_s / step_s)
        if steps >= ENOUGH:
            break
    steps = max(1, min(steps, AT_MOST))
    return Plan(replace(settings, input=grid, steps=steps, epochs=None, minutes=within_s / 60), step_s, steps)
