"""Dice and scores of the simulation's network."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation import network
from simulation.augmentation import standardise
from torch import Tensor

from dmr.active.simulation import scoring
from dmr.active.simulation.scoring import Scores

BATCH: Final = 128


@torch.no_grad()
def dice(layout: network.Layout, vector: Tensor, pixels: Tensor, targets: Tensor, classes: int) -> NDArray[np.float64]:
    """`(C,)` mean Dice per image over the frames in which a class is drawn; one look, on the grid."""
    weights = layout.views(vector)
    rows = []
    for i in range(0, len(pixels), BATCH):
        x = standardise(pixels[i : i + BATCH, None].float() / 255)
        label = network.run(weights, x.to(vector.dtype))[0][0].argmax(1)
        own = targets[i : i + BATCH]
        label = torch.where(own == 255, 0, label)
        rows.append(torch.stack([_frame_dice(label == k, own == k) for k in range(1, 1 + classes)], 1))
    return np.asarray(torch.cat(rows).nanmean(0).double().cpu().numpy())


def _frame_dice(predicted: Tensor, drawn: Tensor) -> Tensor:
    size = drawn.sum((1, 2))
    value = 2 * (predicted & drawn).sum((1, 2)) / (predicted.sum((1, 2)) + size).clamp(min=1)
    return torch.where(size > 0, value, torch.nan)


def score(layout: network.Layout, vector: Tensor, pixels: Tensor) -> Scores:
    """Look at frames `(n, S, S)` uint8 in several ways, mirrored and with other contrast, and sum up."""
    weights = layout.views(vector)

    def look(grey: Tensor, flip: bool, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
        x = standardise(grey.pow(gamma))
        logits, pooled, features = network.run(weights, (x.flip(3) if flip else x).to(vector.dtype))
        return logits[0], pooled, features

    return scoring.score(look, pixels, batch=BATCH)
