"""The training loop. It can be resumed and timed, and stops early by the Dice on validation patients."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..computing.device import autocast
from ..computing.threads import ThreadChoice
from ..data.augment import augment, standardise
from ..data.dataset import Batch, TrainingSet
from ..evaluation.metrics import mean_known
from ..network.dmrnet import as_output
from .grid_dice import class_dice
from .losses import total_loss
from .settings import TrainSettings

GRADIENT_CLIP = 5.0  # norm; it tames rare steep steps early in training, with few and partly covered frames


@dataclass(frozen=True, slots=True)
class Check:
    """A look at the validation patients during the training.

    Attributes:
        step: Steps done before it.
        seconds: Seconds of training before it.
        loss: Mean loss since the check before.
        dice: Mean Dice; None without validation frames.
        classes: Dice of each class; None if no validation frame shows it.
    """

    step: int
    seconds: float
    loss: float
    dice: float | None
    classes: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running training is.

    Attributes:
        step: Steps done.
        share: Share of the run that is done, 0 to 1; by steps or by minutes, whichever is further.
        seconds: Seconds of training, with earlier sittings.
        loss: Mean loss of the steps since the last check.
        dice: Validation Dice at the last check; None before the first, or without validation frames.
        best: Best validation Dice so far.
        classes: Dice of each class at the last check, in the network's order.
        steps: Steps at most.
        done: Whether it is at its end, or has stopped early.
    """

    step: int
    share: float
    seconds: float
    loss: float
    dice: float | None
    best: float | None
    classes: tuple[float | None, ...] = ()
    steps: int | None = None
    done: bool = False


@torch.no_grad()
def start_at_shares(classifiers: Iterable[nn.Conv2d], shares: Tensor) -> None:
    """Set the biases so that an untrained network predicts each class as often as it is drawn.

    Otherwise the first steps teach it that nearly everything is background. It becomes so sure of this that small
    structures such as nerves get almost no gradient for a long time, because softmax's gradient is proportional to the
    probability. Lin et al. 2017 (arXiv:1708.02002, section 3.3) do the same for detectors.

    Args:
        classifiers: The convolutions that give logits.
        shares: Share of the pixels of each class, background first, `(1 + C,)`.
    """
    for classifier in classifiers:
        if classifier.bias is not None:
            classifier.bias.copy_(shares.log())


class Trainer:
    """Trains one network on one training set.

    Args:
        network: Takes `(B, 1, S, S)` and gives an `Output` or bare logits.
        training: Frames to learn from.
        validation: Frames of other patients, for the checks; may be empty.
        settings: How to train.
        device: The device to compute on.
        threads: Chooses the number of processor threads before each step; None leaves torch's setting as it is.
    """

    def __init__(
        self,
        network: nn.Module,
        training: TrainingSet,
        validation: TrainingSet,
        *,
        settings: TrainSettings,
        device: torch.device,
        threads: ThreadChoice | None = None,
    ) -> None:
        self.network = network.to(device)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.best_state: dict[str, Tensor] | None = None
        self.training, self.validation = training, validation
        self.settings, self.device, self.threads = settings, device, threads
        self.inside = None if training.inside is None else training.inside.to(device)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.order = torch.empty(0, dtype=torch.long)
        self.weights = training.weights(settings.balance)
        self.steps = settings.total_steps(len(training))
        self.step = 0
        self.seconds = 0.0
        self.stale = 0
        self.checks: list[Check] = []
        self.best: float | None = None
        self._losses: list[Tensor] = []

    @property
    def share(self) -> float:
        """Share of the run that is done, 0 to 1."""
        by_time = self.seconds / 60 / self.settings.minutes if self.settings.minutes else 0.0
        return min(1.0, max(self.step / self.steps, by_time))

    @property
    def done(self) -> bool:
        """Whether the run is at its end, or has stopped early."""
        return self.share >= 1 or (self.settings.patience > 0 and self.stale >= self.settings.patience)

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        loss = torch.stack(self._losses).mean().item() if self._losses else math.nan
        last = self.checks[-1] if self.checks else None
        dice, classes = (last.dice, last.classes) if last else (None, ())
        return Progress(self.step, self.share, self.seconds, loss, dice, self.best, classes, self.steps, self.done)

    def run(self, *, seconds: float = math.inf, on_progress: Callable[[Progress], None] | None = None) -> None:
        """Train until the run is done, or for `seconds` of this sitting."""
        sitting = self.seconds
        while not self.done and self.seconds - sitting < seconds:
            began = time.monotonic()
            if self.threads is not None:
                self.threads("train")
            if self.step % self.settings.check_every == 0:
                self._losses.clear()
            self._losses.append(self._train_step())
            self.step += 1
            if self.step % self.settings.check_every == 0 or self.step == self.steps:
                self._look()
            self.seconds += time.monotonic() - began
            if on_progress is not None:
                on_progress(self.progress)
        if self.done:
            self.look_last()

    def look_last(self) -> None:
        """Check the validation patients, unless this was just done: a run may end between two checks."""
        if not self.checks or self.checks[-1].step != self.step:
            self._look()  # the last weights are often the best

    def finished_state(self) -> dict[str, Tensor]:
        """The weights to keep: the averaged weights of the best check, or the last ones if there was no Dice."""
        if self.best_state is None:
            return {k: v.detach().clone().cpu() for k, v in self.average.state_dict().items()}
        return self.best_state

    def _next_batch(self) -> Batch:
        need = min(self.settings.batch, len(self.training))
        while len(self.order) < need:
            self.order = torch.cat([self.order, self._shuffled()])
        indices, self.order = self.order[:need], self.order[need:]
        batch = augment(self.training.batch(indices), self.settings.augmentation, self.generator)
        return Batch(
            standardise(batch.frames).to(self.device), batch.targets.to(self.device), batch.covered.to(self.device)
        )

    def _shuffled(self) -> Tensor:
        """An epoch in random order, with each frame as often as its weight says; the fraction is left to chance."""
        times = self.weights + torch.rand(len(self.weights), generator=self.generator, dtype=self.weights.dtype)
        order = torch.arange(len(self.weights)).repeat_interleave(times.floor().long())
        return order[torch.randperm(len(order), generator=self.generator)]

    def _rate(self) -> float:
        warm = self.settings.warm_up
        if self.share < warm:
            return max(self.share / warm, 0.02)
        return 0.01 + 0.99 * (1 + math.cos(math.pi * (self.share - warm) / (1 - warm))) / 2

    def _train_step(self) -> Tensor:
        batch = self._next_batch()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * self._rate()
        self.network.train()
        with self._own_randomness(), autocast(self.device):
            output = as_output(self.network(batch.frames))
        loss = total_loss(output, batch.targets, batch.covered, self.inside)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_CLIP)
        self.optimizer.step()
        self._average()
        return loss.detach()

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Make dropout depend on the seed and the step only, so that a resumed run drops the same features."""
        if not self.settings.dropout:
            yield
            return
        with torch.random.fork_rng():
            torch.manual_seed(self.settings.seed * 1_000_003 + self.step)
            yield

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))  # a young average forgets faster
        torch._foreach_lerp_(_floats(self.average), _floats(self.network), 1 - decay)

    def _look(self) -> None:
        """Score the averaged weights on the validation patients and keep them if they are the best so far."""
        classes = class_dice(
            self.average, self.validation, device=self.device, batch=self.settings.batch, threads=self.threads
        )
        dice = mean_known(classes)
        loss = torch.stack(self._losses).mean().item() if self._losses else math.nan
        self.checks.append(Check(self.step, round(self.seconds, 1), loss, dice, tuple(classes)))
        if dice is None:
            return
        if self.best is None or dice > self.best:
            self.best, self.stale = dice, 0
            self.best_state = {k: v.detach().clone().cpu() for k, v in self.average.state_dict().items()}
        else:
            self.stale += 1

    def state(self) -> dict[str, Any]:
        """Everything that a later sitting needs to go on; tensors, numbers and names only."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "best_state": self.best_state,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "order": self.order,
            "numbers": [self.step, self.seconds, self.stale, self.best],
            "losses": torch.stack(self._losses) if self._losses else torch.empty(0),
            "checks": [[c.step, c.seconds, c.loss, c.dice, list(c.classes)] for c in self.checks],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.best_state = state["best_state"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.order = state["order"]
        self.step, self.seconds, self.stale, self.best = state["numbers"]
        self.checks = [Check(step, s, loss, dice, tuple(own)) for step, s, loss, dice, own in state["checks"]]
        self._losses = list(state.get("losses", torch.empty(0)).unbind())  # since the last check


def _floats(network: nn.Module) -> list[Tensor]:
    """Parameters and running statistics; integer buffers, which only count, are left out."""
    return [t.detach() for t in (*network.parameters(), *network.buffers()) if t.is_floating_point()]
