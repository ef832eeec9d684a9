"""Dice on the network's own grid: a quick look at a network while it learns."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..computing.device import autocast
from ..computing.threads import ThreadChoice
from ..data.augment import standardise
from ..data.dataset import IGNORED, TrainingSet
from ..network.dmrnet import as_output


@torch.no_grad()
def class_dice(
    network: nn.Module,
    frames: TrainingSet,
    *,
    device: torch.device,
    batch: int = 16,
    threads: ThreadChoice | None = None,
) -> list[float | None]:
    """Each class's mean Dice on the network's grid, over the frames in which it is drawn; None if there are none."""
    classes = frames.covered.shape[1]
    total, count = torch.zeros(classes), torch.zeros(classes)
    for predicted, drawn in class_layers(network, frames, device=device, batch=batch, threads=threads):
        size = drawn.sum((2, 3))
        dice = 2 * (predicted & drawn).sum((2, 3)) / (predicted.sum((2, 3)) + size).clamp(min=1)
        total += (dice * (size > 0)).sum(0)
        count += (size > 0).sum(0)
    return [float(t / n) if n else None for t, n in zip(total, count, strict=True)]


@torch.no_grad()
def class_layers(
    network: nn.Module,
    frames: TrainingSet,
    *,
    device: torch.device,
    batch: int = 16,
    threads: ThreadChoice | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """What a network predicts and what is drawn, `(B, classes, S, S)` bool each, batch by batch, on the CPU."""
    network.eval()
    for part in frames.batches(batch):
        if threads is not None:
            threads("look")
        with autocast(device):
            logits = as_output(network(standardise(part.frames).to(device))).logits
        label, known = logits.argmax(1).cpu(), part.targets != IGNORED
        layers = []
        for k in range(frames.covered.shape[1]):
            predicted = label == k + 1
            if frames.inside is not None:  # a class inside that is not covered is part of what is drawn round it
                for j in frames.inside[k].nonzero()[:, 0].tolist():
                    predicted |= (label == j + 1) & ~part.covered[:, j, None, None]
            layers.append(predicted & known)
        drawn = [part.targets == k + 1 for k in range(len(layers))]
        yield torch.stack(layers, 1), torch.stack(drawn, 1)
