"""What a trained network says of frames: all that strategies choose by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..selection.scores import PLAUSIBLE, REGION_FACTOR, REGION_LEAST

LOOKS: Final = tuple((flip, gamma) for flip in (False, True) for gamma in (1.0, 0.75, 1.33))

Look = Callable[[Tensor, bool, float], tuple[Tensor, Tensor, Tensor]]
"""Shows grey frames `(B, 1, S, S)` in 0 to 1 to a network, mirrored or not, with an exponent of the brightness.

It returns logits `(B, 1 + C, S, S)`, embeddings `(B, d)` and the features before the last layer `(B, c, S, S)`.
"""


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


def layers_of(index: Tensor, classes: int, inside: Tensor | None = None) -> Tensor:
    """Channels `(n, S, S)` -> each class's layer `(n, classes, S, S)` bool, with the classes that lie inside it.

    Args:
        index: 0 background, k the k-th class.
        classes: Their number.
        inside: `(classes, classes)` bool: row k marks the classes inside class k; None if there are none.
    """
    channels = torch.arange(1, 1 + classes, device=index.device).view(1, -1, 1, 1)
    own = index[:, None] == channels
    if inside is None:
        return own
    members = inside.to(index.device) | torch.eye(classes, dtype=torch.bool, device=index.device)
    return torch.stack([own[:, m].any(1) for m in members], 1)


@torch.no_grad()
def score(look: Look, pixels: Tensor, *, batch: int = 128, inside: Tensor | None = None) -> Scores:
    """Look at frames `(n, S, S)` uint8 in several ways, mirrored and with other contrast, and sum up."""
    found = [_score_batch(look, pixels[i : i + batch], inside) for i in range(0, len(pixels), batch)]
    joined = [torch.cat(column) for column in zip(*found, strict=True)]
    names = [f.name for f in fields(Scores)]
    values: dict[str, Any] = {n: t.float().cpu().numpy() for n, t in zip(names[:-1], joined[:-1], strict=True)}
    return Scores(**values, drafts=joined[-1])


def _score_batch(look: Look, pixels: Tensor, inside: Tensor | None) -> tuple[Tensor, ...]:
    grey = pixels[:, None].float() / 255
    mean = bits = whole = embedding = last = None
    for flip, gamma in LOOKS:
        logits, pooled, features = look(grey, flip, gamma)
        p = logits.float().softmax(1)
        p = p.flip(3) if flip else p
        own = _joined(p[:, 1:], inside)
        if mean is None or bits is None or whole is None:
            mean, bits, whole, embedding, last = p, _bits(own), _whole(p), pooled, features
        else:
            mean, bits, whole = mean + p, bits + _bits(own), whole + _whole(p)
    assert mean is not None and bits is not None and whole is not None and embedding is not None and last is not None
    mean, bits, whole = mean / len(LOOKS), bits / len(LOOKS), whole / len(LOOKS)
    draft = mean.argmax(1)
    layers = _joined(mean[:, 1:], inside)
    masks = layers_of(draft, layers.shape[1], inside)
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


def _joined(p: Tensor, inside: Tensor | None) -> Tensor:
    """Each class's own probability plus that of the classes inside it, `(B, C, S, S)`."""
    if inside is None:
        return p
    members = inside.to(p) + torch.eye(p.shape[1], dtype=p.dtype, device=p.device)
    return torch.einsum("kc,bchw->bkhw", members, p).clamp(max=1)


def _bits(p: Tensor) -> Tensor:
    """Binary entropy, 0 to 1."""
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(p * p.log2() + (1 - p) * (1 - p).log2())


def _whole(p: Tensor) -> Tensor:
    """`(B, C, S, S)` -> `(B,)` mean entropy over the pixels, as a share of the highest that there is."""
    found: Tensor = -(p * p.clamp(min=1e-9).log()).sum(1).mean((1, 2)) / np.log(p.shape[1])
    return found


def _over_regions(layers: Tensor, bits: Tensor) -> tuple[Tensor, Tensor]:
    """Entropy and mutual information of each class over the pixels where it is likeliest, `(B, C)` each."""
    flat = layers.flatten(2)
    expected = (flat * (flat >= PLAUSIBLE)).sum(2)
    least = min(REGION_LEAST, flat.shape[2])
    count = (REGION_FACTOR * expected).clamp(least, flat.shape[2]).long()
    _, order = flat.sort(2, descending=True)
    own = _bits(flat).gather(2, order).cumsum(2).gather(2, count[..., None] - 1)[..., 0] / count
    looks = bits.flatten(2).gather(2, order).cumsum(2).gather(2, count[..., None] - 1)[..., 0] / count
    return own, (own - looks).clamp(min=0)
