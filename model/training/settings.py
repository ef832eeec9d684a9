"""How DMRNet is trained: one frozen value, saved in the model's card."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from ...annotate.settings.model import NetworkSize, Settings, TrainDefaults
from ..data.augment import Augmentation


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All that decides a training run beside its data. What `dmr.toml` may say too has the same ranges there.

    Attributes:
        size: `s`, `m` or `l`.
        input: Side of the network's square grid, pixels; a multiple of 32, up to 1024.
        steps: Optimiser steps at most, where no epochs are given.
        epochs: Passes over the training frames at most, but for a last step's; None to go by `steps`.
        minutes: Wall-clock limit, None for none; whichever comes first ends the cosine.
        batch: Frames a step.
        learning_rate: Of AdamW, at its highest.
        weight_decay: Of AdamW.
        warm_up: Share of the run over which the learning rate rises.
        ema: Decay of the averaged weights, a step.
        check_every: Steps between looks at the validation patients.
        patience: Looks without a better Dice after which training ends early; 0 never does.
        balance: 0 draws each frame as often as any other, 1 those of patients and classes with few frames more often.
        dropout: Share of the features that are dropped before the classifiers, while training.
        seed: Of weights, order and augmentation.
        augmentation: How far frames are changed.
        chosen: Which of these this PC's pace decides: `input`, or `steps` and `minutes` as `length`. They do not tell
            one training from another.
    """

    size: NetworkSize = "s"
    input: int = 256
    steps: int = 3000
    epochs: int | None = None
    minutes: float | None = None
    batch: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    ema: float = 0.99
    check_every: int = 50
    patience: int = 20
    balance: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    chosen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        TrainDefaults(size=self.size, input=self.input, seed=self.seed, epochs=self.epochs, minutes=self.minutes)
        if self.steps < 1 or self.batch < 1 or self.check_every < 1:
            raise ValueError("steps, batch and check_every begin at 1")

    def total_steps(self, frames: int) -> int:
        """Optimiser steps at most for a training set of so many frames."""
        if self.epochs is None:
            return self.steps
        return max(1, -(-self.epochs * frames // max(1, min(self.batch, frames))))


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


def left_to_the_pace(given: Container[str]) -> tuple[str, ...]:
    """Which settings this PC's pace decides, as `TrainSettings.chosen` has them, by the names of those that were given.

    Steps and epochs are a length that does not depend on the PC, and then the grid does not either.
    """
    if "steps" in given or "epochs" in given:
        return ()
    return (*(() if "input" in given else ("input",)), *(() if "minutes" in given else ("length",)))
