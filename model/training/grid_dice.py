"""Dice on the network's own grid: a quick look at a network while it learns."""

from __future__ import annotations

import torch
from torch import nn

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
    network.eval()
    classes = frames.covered.shape[1]
    total, count = torch.zeros(classes), torch.zeros(classes)
    for part in frames.batches(batch):
        if threads is not None:
            threads("look")
        with autocast(device):
            logits = as_output(network(standardise(part.frames).to(device))).logits
        label = logits.argmax(1).cpu()
        for k in range(classes):
            predicted, drawn = label == k + 1, part.targets == k + 1
            if frames.inside is not None:  # a class inside that is not covered is part of what is drawn round it
                for j in frames.inside[k].nonzero()[:, 0].tolist():
                    predicted |= (label == j + 1) & ~part.covered[:, j, None, None]
            predicted &= part.targets != IGNORED
            size = drawn.sum((1, 2))
            dice = 2 * (predicted & drawn).sum((1, 2)) / (predicted.sum((1, 2)) + size).clamp(min=1)
            total[k] += dice[size > 0].sum()
            count[k] += (size > 0).sum()
    return [float(t / n) if n else None for t, n in zip(total, count, strict=True)]
