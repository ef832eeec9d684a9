"""What a trained network says of frames: Dice against the truth, and all that strategies choose by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation import network
from simulation.augmentation import standardise
from torch import Tensor

BATCH: Final = 128
LOOKS: Final = tuple((flip, gamma) for flip in (False, True) for gamma in (1.0, 0.75, 1.33))
REGION_FACTOR, REGION_LEAST, PLAUSIBLE = 1.5, 24, 0.05  # a class's plausible region, as dmr.active's scores


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Of `n` frames and `C` classes; numpy arrays but for the drafts.

    Attributes:
        entropy: `(n, C)` binary entropy over each class's plausible region.
        bald: `(n, C)` mutual information over the same.
        presence: `(n, C)` highest probability.
        guessed: `(n, C)` guessed Dice.
        length: `(n, C)` boundary pixels of the draft.
        whole_entropy: `(n,)` over all pixels, 0 to 1.
        whole_margin: `(n,)`.
        whole_bald: `(n,)`.
        embeddings: `(n, d)`.
        gradients: `(n, g)`.
        drafts: `(n, S, S)` uint8 on the device: the likeliest channel.
    """

    entropy: NDArray[np.float32]
    bald: NDArray[np.float32]
    presence: NDArray[np.float32]
    guessed: NDArray[np.float32]
    length: NDArray[np.float32]
    whole_entropy: NDArray[np.float32]
    whole_margin: NDArray[np.float32]
    whole_bald: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    gradients: NDArray[np.float32]
    drafts: Tensor


def boundary(masks: Tensor) -> Tensor:
    """`(..., S, S)` bool: pixels of a mask that have a neighbour, of four, outside of it."""
    inner = torch.nn.functional.pad(masks, (1, 1, 1, 1), value=False)
    all_in = inner[..., 1:-1, :-2] & inner[..., 1:-1, 2:] & inner[..., :-2, 1:-1] & inner[..., 2:, 1:-1]
    return masks & ~all_in


def _bits(p: Tensor) -> Tensor:
    """Binary entropy, 0 to 1."""
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(p * p.log2() + (1 - p) * (1 - p).log2())


def _whole(p: Tensor) -> Tensor:
    """`(B, C, S, S)` -> `(B,)` mean entropy over the pixels, as a share of the highest that there is."""
    found: Tensor = -(p * p.clamp(min=1e-9).log()).sum(1).mean((1, 2)) / np.log(p.shape[1])
    return found


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


@torch.no_grad()
def score(layout: network.Layout, vector: Tensor, pixels: Tensor) -> Scores:
    """Look at frames `(n, S, S)` uint8 in several ways, mirrored and with other contrast, and sum up."""
    weights = layout.views(vector)
    found = [_score_batch(weights, vector.dtype, pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
    joined = [torch.cat(column) for column in zip(*found, strict=True)]
    names = [f.name for f in fields(Scores)]
    values: dict[str, Any] = {n: t.float().cpu().numpy() for n, t in zip(names[:-1], joined[:-1], strict=True)}
    return Scores(**values, drafts=joined[-1])


def _score_batch(weights: network.Weights, dtype: torch.dtype, pixels: Tensor) -> tuple[Tensor, ...]:
    grey = pixels[:, None].float() / 255
    mean = bits = whole = embedding = last = None
    for flip, gamma in LOOKS:
        x = standardise(grey.pow(gamma))
        logits, pooled, features = network.run(weights, (x.flip(3) if flip else x).to(dtype))
        p = logits[0].float().softmax(1)
        p = p.flip(3) if flip else p
        if mean is None or bits is None or whole is None:
            mean, bits, whole, embedding, last = p, _bits(p[:, 1:]), _whole(p), pooled, features
        else:
            mean, bits, whole = mean + p, bits + _bits(p[:, 1:]), whole + _whole(p)
    assert mean is not None and bits is not None and whole is not None and embedding is not None and last is not None
    mean, bits, whole = mean / len(LOOKS), bits / len(LOOKS), whole / len(LOOKS)
    draft = mean.argmax(1)
    layers = mean[:, 1:]
    masks = torch.stack([draft == k for k in range(1, mean.shape[1])], 1)
    entropy, bald = _over_regions(layers, bits)
    top = mean.topk(2, 1).values
    sure = torch.nn.functional.one_hot(draft, mean.shape[1]).permute(0, 3, 1, 2)
    gradients = torch.einsum("bkhw,bchw->bkc", mean - sure, last.float()).flatten(1) / draft[0].numel()
    return (
        entropy,
        bald,
        layers.amax((2, 3)),
        2 * (layers * masks).sum((2, 3)) / (masks.sum((2, 3)) + layers.sum((2, 3))).clamp(min=1),
        boundary(masks).sum((2, 3)),
        _whole(mean),
        (top[:, 0] - top[:, 1]).mean((1, 2)),
        _whole(mean) - whole,
        embedding,
        gradients,
        draft.to(torch.uint8),
    )


def _over_regions(layers: Tensor, bits: Tensor) -> tuple[Tensor, Tensor]:
    """Entropy and mutual information of each class over the pixels where it is likeliest, `(B, C)` each."""
    flat = layers.flatten(2)
    expected = (flat * (flat >= PLAUSIBLE)).sum(2)
    count = (REGION_FACTOR * expected).clamp(REGION_LEAST, flat.shape[2]).long()
    _, order = flat.sort(2, descending=True)
    own = _bits(flat).gather(2, order).cumsum(2).gather(2, count[..., None] - 1)[..., 0] / count
    looks = bits.flatten(2).gather(2, order).cumsum(2).gather(2, count[..., None] - 1)[..., 0] / count
    return own, (own - looks).clamp(min=0)
