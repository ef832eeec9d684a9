"""How DMRNet is trained: one frozen value, saved in the model's card."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..data.augment import Augmentation
from ..network.dmrnet import SIZES


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All that decides a training run beside its data.

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

    size: str = "s"
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
        if self.size not in SIZES:
            raise ValueError(f"size {self.size!r}: expected one of {', '.join(SIZES)}")
        if not 32 <= self.input <= 1024 or self.input % 32:
            raise ValueError(f"input {self.input}: expected a multiple of 32 up to 1024")
        if self.steps < 1 or self.batch < 1 or self.check_every < 1:
            raise ValueError("steps, batch and check_every begin at 1")

    def total_steps(self, frames: int) -> int:
        """Optimiser steps at most for a training set of so many frames."""
        if self.epochs is None:
            return self.steps
        return max(1, -(-self.epochs * frames // max(1, min(self.batch, frames))))
