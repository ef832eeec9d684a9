"""Training a simulation network: a step recorded once and replayed, several side by side on one GPU."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation import network
from simulation.augmentation import IGNORED, augment, bending, draw_changes, noise_fields
from torch import Tensor

BATCH: Final = 16
LEARNING_RATE, WEIGHT_DECAY, WARM_UP, EMA, CLIP = 4e-3, 1e-2, 0.05, 0.99, 5.0  # as TrainSettings
FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8  # of AdamW
NEVER: Final = -1e4  # a log-probability of nothing; finite, so that gradients stay so
AHEAD: Final = 8  # replays that may wait in a stream

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """All frames, on the device.

    Attributes:
        pixels: `(N, S, S)` uint8.
        targets: `(N, S, S)` uint8: 0 background, k the k-th class, `IGNORED`.
        covered: `(N, C)` bool: which classes are drawn.
        noise: Fields of speckle.
        bend: Of `bending`.
    """

    pixels: Tensor
    targets: Tensor
    covered: Tensor
    noise: Tensor
    bend: Tensor

    @classmethod
    def of(cls, packed: Any, device: torch.device) -> Frames:
        """The packed arrays, brought to the device."""
        side = packed["pixels"].shape[-1]
        pixels, targets, covered = (torch.from_numpy(packed[n]).to(device) for n in ("pixels", "targets", "covered"))
        return cls(
            pixels,
            targets,
            covered,
            noise_fields(side, device),
            bending(side).to(device),
        )

    def shares(self, rows: Rows) -> Tensor:
        """`(1 + C,)` share of the pixels of each class over these frames, where it is drawn; background first."""
        targets = self.targets[torch.from_numpy(rows).to(self.targets.device)].flatten(1)
        seen = (targets != IGNORED).sum(1).float()
        found = []
        for k in range(1, 1 + self.covered.shape[1]):
            own = (targets == k).sum(1).float()
            found.append((own.sum() + 1) / (seen[own > 0].sum() + targets.shape[1]))
        drawn = torch.stack(found).cpu()
        return torch.cat([(1 - drawn.sum()).clamp(min=0.01)[None], drawn])


def segmentation_loss(logits: Tensor, targets: Tensor, covered: Tensor) -> Tensor:
    """Cross-entropy plus Dice over what is drawn; a class that is not drawn may be anywhere in the background.

    As `dmr.model`'s loss, without branches that depend on the data.
    """
    seen = targets != IGNORED
    target = torch.where(seen, targets, 0)
    log_p = logits.float().log_softmax(1)
    channels = torch.arange(log_p.shape[1], device=log_p.device).view(1, -1, 1, 1)
    own = target[:, None] == channels
    background = torch.cat([torch.ones_like(covered[:, :1]), ~covered], 1)[:, :, None, None]
    merged = torch.where(background, log_p, NEVER).logsumexp(1)
    chosen = torch.where(target == 0, merged, torch.where(own, log_p, 0).sum(1))
    cross_entropy = -(chosen * seen).sum() / seen.sum().clamp(min=1)
    p = log_p.exp()[:, 1:] * seen[:, None]
    drawn = own[:, 1:] & seen[:, None]
    overlap = ((p * drawn).sum((2, 3)) * covered).sum(0)
    total = ((p.sum((2, 3)) + drawn.sum((2, 3))) * covered).sum(0)
    dice = 1 - (2 * overlap + 1) / (total + 1)
    part = covered.any(0)
    return cross_entropy + (dice * part).sum() / part.sum().clamp(min=1)


def total_loss(logits: list[Tensor], targets: Tensor, covered: Tensor) -> Tensor:
    """The loss of all levels, each weighing half of the finer one."""
    weights = [0.5**i for i in range(len(logits))]
    loss = targets.new_zeros((), dtype=torch.float32)
    for i, (weight, own) in enumerate(zip(weights, logits, strict=True)):
        step = 2**i
        at = targets if i == 0 else targets[:, step // 2 :: step, step // 2 :: step]
        loss = loss + weight / sum(weights) * segmentation_loss(own, at, covered)
    return loss


def update(vector: Tensor, first: Tensor, second: Tensor, average: Tensor, gradient: Tensor, rates: Tensor) -> None:
    """AdamW with a clipped gradient, and the running average of the weights; all in place.

    Args:
        vector: The weights.
        first: Mean gradient.
        second: Mean squared gradient.
        average: Of the weights.
        gradient: Of this step.
        rates: Learning rate, both bias corrections, what the average moves by.
    """
    rate, correct_first, correct_second, move = rates.unbind()
    g = gradient.float()
    g = g * (CLIP / (g.square().sum().sqrt() + 1e-6)).clamp(max=1)
    first.lerp_(g, 1 - FIRST)
    second.lerp_(g.square(), 1 - SECOND)
    vector.mul_(1 - rate * WEIGHT_DECAY)
    vector.sub_(rate * (first / correct_first) / ((second / correct_second).sqrt() + EPSILON))
    average.add_((vector - average) * move)


def rates_of(steps: int) -> Tensor:
    """`(steps, 4)`: what `update` takes, for each step: warm-up, cosine, and an average that is young at first."""
    rows = []
    for k in range(steps):
        share = k / steps
        cosine = 0.01 + 0.99 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
        rate = LEARNING_RATE * (max(share / WARM_UP, 0.02) if share < WARM_UP else cosine)
        decay = min(EMA, (1 + k) / (10 + k))
        rows.append([rate, 1 - FIRST ** (k + 1), 1 - SECOND ** (k + 1), 1 - decay])
    return torch.tensor(rows)


def order_of(rows: Rows, steps: int, generator: torch.Generator) -> Tensor:
    """`(steps, BATCH)` frames of each step: an epoch after the other, each in an order of its own."""
    need, parts = steps * BATCH, []
    while need > 0:
        parts.append(torch.from_numpy(rows)[torch.randperm(len(rows), generator=generator)])
        need -= len(rows)
    return torch.cat(parts)[: steps * BATCH].view(steps, BATCH)


@dataclass(frozen=True, slots=True)
class Functions:
    """The parts of a step, as they are or compiled."""

    augment: Callable[..., tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    update: Callable[..., None]


def functions(layout: network.Layout, *, compiled: bool) -> Functions:
    """The parts of a step; compiling takes a minute and pays off after some fifty trainings."""

    def loss(vector: Tensor, x: Tensor, y: Tensor, covered: Tensor) -> Tensor:
        logits, _, _ = network.run(layout.views(vector), x.to(vector.dtype))
        return total_loss(logits, y, covered)

    if not compiled:
        return Functions(augment, loss, update)
    options: dict[str, Any] = {"dynamic": False, "fullgraph": True}
    return Functions(
        torch.compile(augment, **options), torch.compile(loss, **options), torch.compile(update, **options)
    )


class Slot:
    """A place on the device where one training runs at a time.

    Args:
        frames: All frames, on the device.
        layout: Of the weights.
        parts: Of a step.
        most: Steps that a training may take.
        dtype: To compute in; weights and their averages are float32.
    """

    def __init__(
        self, frames: Frames, layout: network.Layout, parts: Functions, *, most: int, dtype: torch.dtype
    ) -> None:
        self.frames, self.layout, self.parts, self.most, self.dtype = frames, layout, parts, most, dtype
        device = frames.pixels.device
        self.device = device
        self.vector, self.first, self.second, self.average = torch.zeros(4, layout.size, device=device).unbind()
        self.at = torch.zeros(1, dtype=torch.long, device=device)
        self.order = torch.zeros(most, BATCH, dtype=torch.long, device=device)
        self.field = torch.zeros(most, BATCH, dtype=torch.long, device=device)
        self.theta = torch.zeros(most, BATCH, 2, 3, device=device)
        self.pulls = torch.zeros(most, BATCH, 2, 5, 5, device=device)
        self.echoes = torch.ones(most, BATCH, 8, device=device)
        self.rates = torch.full((most, 4), 0.5, device=device)
        self.loss = torch.zeros((), device=device)
        self.stream: Any = None
        self.graph: Any = None
        if device.type == "cuda":
            self._record()

    def _record(self) -> None:
        self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self._step()
        self.stream.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self._step()
        self.stream.synchronize()

    def _step(self) -> None:
        f, k = self.frames, self.at
        rows = self.order.index_select(0, k)[0]
        covered = f.covered.index_select(0, rows)
        x, y = self.parts.augment(
            f.pixels.index_select(0, rows),
            f.targets.index_select(0, rows),
            self.theta.index_select(0, k)[0],
            self.pulls.index_select(0, k)[0],
            self.echoes.index_select(0, k)[0],
            f.noise.index_select(0, self.field.index_select(0, k)[0]),
            f.bend,
        )
        vector = self.vector.detach().to(self.dtype, copy=True).requires_grad_(True)
        loss = self.parts.loss(vector, x, y, covered)
        (gradient,) = torch.autograd.grad(loss, vector)
        with torch.no_grad():
            rates = self.rates.index_select(0, k)[0]
            self.parts.update(self.vector, self.first, self.second, self.average, gradient, rates)
            self.loss.copy_(loss.detach())
            self.at.add_(1).remainder_(self.most)

    def train(self, rows: Rows, *, steps: int, seed: int, order: Rows | None = None) -> tuple[Tensor, float]:
        """Train on these frames from scratch; `order` `(steps, BATCH)` says which of them are seen when.

        Returns:
            The averaged weights in the computing type, and the wall-clock seconds that it took.
        """
        began = time.monotonic()
        generator = torch.Generator().manual_seed(seed)
        changes = draw_changes(steps, BATCH, generator)
        seen = order_of(rows, steps, generator) if order is None else torch.from_numpy(order)
        vector = network.start(self.layout, self.frames.shares(rows), seed=seed)
        tables = [self.order, self.field, self.theta, self.pulls, self.echoes, self.rates]
        values = [seen, changes.field, changes.theta, changes.pulls, changes.echoes, rates_of(steps)]
        for table, value in zip(tables, values, strict=True):
            table[:steps].copy_(value)
        self.vector.copy_(vector)
        self.average.copy_(vector)
        for state in (self.first, self.second, self.at):
            state.zero_()
        waiting: list[Any] = []
        for _ in range(steps):
            if self.graph is None:
                self._step()
                continue
            self.graph.replay()
            waiting.append(torch.cuda.Event(blocking=True))  # type: ignore[no-untyped-call]
            waiting[-1].record()
            if len(waiting) > AHEAD:
                waiting.pop(0).synchronize()
        found = self.average.to(self.dtype, copy=True)
        float(self.loss)  # waits for the last step
        return found, time.monotonic() - began
