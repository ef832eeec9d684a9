"""The settings of a training: one frozen value, saved in the model's card."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from ...annotate.settings.model import NetworkSize, Settings, TrainDefaults
from ..data.augment import Augmentation


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Everything that decides a training beside its data. Settings that are also in `dmr.toml` have the same ranges.

    Attributes:
        size: `s`, `m` or `l`.
        input: Side of the network's square grid, pixels; a multiple of 32, up to 1024.
        steps: Steps at most; used if `epochs` is None.
        epochs: Passes over the training frames at most, rounded up to a whole step; None to use `steps`.
        minutes: Limit in minutes of training, None for none. The learning rate falls towards whichever limit is nearer.
        batch: Frames a step.
        learning_rate: Highest learning rate of AdamW.
        weight_decay: Weight decay of AdamW.
        warm_up: Share of the run over which the learning rate rises.
        ema: Decay of the averaged weights, a step.
        check_every: Steps between checks on the validation patients.
        patience: Training ends early after so many checks without a better Dice; 0 for never.
        balance: 0 draws all frames equally often; 1 draws frames of rare patients and classes more often.
        dropout: Share of the features that are dropped at the bottleneck and in the decoder, while training.
        seed: Random seed of weights, order and augmentation.
        augmentation: How far frames are changed.
        chosen: The settings that this PC's pace decides: `input`, and `length` for `steps` and `minutes`. They do not
            tell one training from another.
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
            raise ValueError("steps, batch and check_every must be at least 1")

    def total_steps(self, frames: int) -> int:
        """Steps at most for a training set of `frames` frames."""
        if self.epochs is None:
            return self.steps
        return max(1, -(-self.epochs * frames // max(1, min(self.batch, frames))))


def train_settings(settings: Settings, **changes: Any) -> TrainSettings:
    """The settings of a training: `changes` that are not None, and for the rest `[train]` of `dmr.toml`.

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
    """The settings that this PC's pace decides, for `TrainSettings.chosen`; `given` names those that the user set.

    If steps or epochs are given, nothing depends on the PC, not even the grid.
    """
    if "steps" in given or "epochs" in given:
        return ()
    return (*(() if "input" in given else ("input",)), *(() if "minutes" in given else ("length",)))
