"""Train the network that refines boxes."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..computing.device import autocast
from ..computing.threads import ThreadChoice
from ..data.augment import standardise
from .network import RefineNet
from .simulate import Boxed, boxed, simulated_clicks
from .structures import Structures


@dataclass(frozen=True, slots=True)
class RefineSettings:
    """Everything that decides a training beside its data.

    Attributes:
        size: Side of the network's grid, pixels; a multiple of 8.
        width: Channels at full resolution.
        steps: Steps at most.
        minutes: Limit in minutes, None for none.
        batch: Structures a step.
        learning_rate: Highest learning rate of AdamW.
        weight_decay: Weight decay of AdamW.
        warm_up: Share of the run over which the learning rate rises.
        ema: Decay of the averaged weights, a step.
        moved: How far a side of a box is off at most, as a share of its length.
        clicks: Most clicks into a structure; every other step has some.
        seed: Random seed of weights, order, boxes and clicks.
    """

    size: int = 48
    width: int = 12
    steps: int = 500
    minutes: float | None = None
    batch: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    ema: float = 0.99
    moved: float = 0.08
    clicks: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 32 or self.size % 8:
            raise ValueError(f"size {self.size}: expected a multiple of 8, from 32 on")
        if self.steps < 1 or self.batch < 1:
            raise ValueError("steps and batch must be at least 1")


def refine_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice, each structure alike, whatever its area: `(B, 1, S, S)` -> scalar."""
    logits = logits.float()
    p = logits.sigmoid()
    overlap, total = (p * targets).sum((1, 2, 3)), (p + targets).sum((1, 2, 3))
    dice = 1 - (2 * overlap + 1) / (total + 1)
    return F.binary_cross_entropy_with_logits(logits, targets) + dice.mean()


def learn(
    structures: Structures,
    *,
    classes: int,
    settings: RefineSettings,
    device: torch.device,
    threads: ThreadChoice | None = None,
    on_step: Callable[[int, float, float], None] | None = None,
) -> tuple[RefineNet, int, float]:
    """Train a network.

    Args:
        structures: To learn from; at least one.
        classes: Number of classes.
        settings: How to train.
        device: The device to compute on.
        threads: Chooses the number of processor threads before each step; None leaves torch's setting as it is.
        on_step: Gets the step, the share of the run that is done, and the loss.

    Returns:
        The network with averaged weights, the steps done, and the seconds spent.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = RefineNet(classes, width=settings.width).to(device)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    weights, step, share, began = structures.weights(), 0, 0.0, time.monotonic()
    while share < 1:
        if threads is not None:
            threads("refine")
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _rate(share, settings.warm_up)
        indices = torch.multinomial(weights, settings.batch, replacement=True, generator=generator)
        batch = boxed(structures, indices, size=settings.size, moved=settings.moved, generator=generator)
        clicks = settings.clicks if step % 2 else 0
        loss = _step(network, average, optimizer, batch, clicks=clicks, device=device, generator=generator)
        step += 1
        decay = min(settings.ema, (1 + step) / (10 + step))  # a young average forgets faster
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
        by_time = (time.monotonic() - began) / 60 / settings.minutes if settings.minutes else 0.0
        share = min(1.0, max(step / settings.steps, by_time))
        if on_step is not None:
            on_step(step, share, loss)
    return average, step, time.monotonic() - began


def _step(
    network: RefineNet,
    average: RefineNet,
    optimizer: torch.optim.Optimizer,
    batch: Boxed,
    *,
    clicks: int,
    device: torch.device,
    generator: torch.Generator,
) -> float:
    """One step; with `clicks`, the averaged network answers first, and clicks go into what it got wrong."""
    crops, targets = standardise(batch.crops).to(device), batch.targets.to(device)
    told = (batch.channels.to(device), batch.sizes.to(device))
    drawn = crops.new_zeros(len(crops), 2, *crops.shape[2:])
    if clicks:
        with torch.no_grad(), autocast(device):
            first = average(crops, drawn, *told)
        drawn = simulated_clicks(first, targets, most=clicks, generator=generator).to(device)
    with autocast(device):
        logits = network(crops, drawn, *told)
    loss = refine_loss(logits, targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _rate(share: float, warm_up: float) -> float:
    """The learning rate at a share of the run: it rises, then falls as a cosine; 1 at its highest."""
    if share < warm_up:
        return max(share / warm_up, 0.02)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up))) / 2
