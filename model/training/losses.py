"""The training loss: cross-entropy and Dice that respect coverage, deep supervision, and boundaries."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.dataset import IGNORED
from ..network.dmrnet import Output

BOUNDARY_WEIGHT = 0.3
_NEVER = -1e4  # stands for the log of probability 0; finite, so that gradients stay finite


def segmentation_loss(logits: Tensor, targets: Tensor, covered: Tensor, inside: Tensor | None = None) -> Tensor:
    """Cross-entropy plus Dice over the classes that each frame's annotator covered.

    A class that is not covered may be hidden in the background. So the cross-entropy adds its probability to the
    background's (marginal loss, Shi et al. 2021, arXiv:2007.03868), and it does not count in Dice. If it lies inside
    another class, it may be hidden in that one too, so its probability is added there as well. Dice is pooled over the
    batch, class by class.

    Args:
        logits: `(B, 1 + C, H, W)`.
        targets: `(B, H, W)` int64, with `IGNORED`.
        covered: `(B, C)` bool.
        inside: `(C, C)` bool: row k marks the classes that lie inside class k; None if there are none.

    Returns:
        Scalar.
    """
    logits = logits.float()
    seen = targets != IGNORED
    target = targets.where(seen, 0)
    log_p = logits.log_softmax(1)
    present = torch.zeros(len(target), logits.shape[1], dtype=torch.bool, device=target.device)
    present.scatter_(1, target.flatten(1), True)
    unknown = ~(covered | present[:, 1:])  # a drawn class is known where it is drawn
    chosen = log_p.gather(1, target[:, None])[:, 0]
    if unknown.any():
        chosen = torch.where(target == 0, _merged(log_p, 0, unknown), chosen)
    p = log_p.exp()
    if inside is None:
        inside = covered.new_zeros(covered.shape[1], covered.shape[1])
    for k in inside.any(1).nonzero()[:, 0].tolist():
        hidden = unknown & inside[k]
        if hidden.any():
            merged = _merged(log_p, k + 1, hidden)
            chosen = torch.where(target == k + 1, merged, chosen)
            p = torch.cat([p[:, : k + 1], merged.exp()[:, None], p[:, k + 2 :]], 1)
    cross_entropy = -(chosen * seen).sum() / seen.sum().clamp(min=1)

    # A pixel has one target, so looking its probability up is enough; a mask for each class would take longer.
    weight = seen.to(p.dtype)
    at_target = p.gather(1, target[:, None])[:, 0] * weight
    place, empty = target.flatten(1), p.new_zeros(p.shape[:2])
    overlap = empty.scatter_add(1, place, at_target.flatten(1))[:, 1:]
    drawn_area = empty.scatter_add(1, place, weight.flatten(1))[:, 1:]
    area = torch.einsum("bkhw,bhw->bk", p, weight)[:, 1:]
    overlap, total = (overlap * covered).sum(0), ((area + drawn_area) * covered).sum(0)
    dice = 1 - (2 * overlap + 1) / (total + 1)
    taking_part = covered.any(0)
    return cross_entropy + (dice * taking_part).sum() / taking_part.sum().clamp(min=1)


def _merged(log_p: Tensor, channel: int, classes: Tensor) -> Tensor:
    """Log-probability `(B, H, W)` that a pixel is of `channel` or of one of its frame's `classes` `(B, C)` bool."""
    together = torch.cat([torch.zeros_like(classes[:, :1]), classes], 1)
    together[:, channel] = True
    return log_p.masked_fill(~together[:, :, None, None], _NEVER).logsumexp(1)


def boundary_band(targets: Tensor) -> Tensor:
    """`(B, H, W)` targets -> `(B, 1, H, W)` float: 1 within a pixel of a border between two classes."""
    t = targets.where(targets != IGNORED, 0).float()[:, None]
    return (F.max_pool2d(t, 3, 1, 1) != -F.max_pool2d(-t, 3, 1, 1)).float()


def boundary_loss(logits: Tensor, band: Tensor, seen: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice of boundary logits `(B, 1, h, w)` against a finer band `(B, 1, H, W)`."""
    logits = logits.float()
    band = F.adaptive_max_pool2d(band, logits.shape[-2:])
    weight = F.adaptive_max_pool2d(seen[:, None].float(), logits.shape[-2:])
    bce = (F.binary_cross_entropy_with_logits(logits, band, reduction="none") * weight).sum() / weight.sum().clamp(
        min=1
    )
    p, t = logits.sigmoid() * weight, band * weight
    return bce + 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def _resized(targets: Tensor, size: torch.Size) -> Tensor:
    """Targets on a coarser grid, sampled at its pixel centres."""
    return F.interpolate(targets[:, None].float(), size, mode="nearest-exact")[:, 0].long()


def total_loss(output: Output, targets: Tensor, covered: Tensor, inside: Tensor | None = None) -> Tensor:
    """Loss of all heads. The levels weigh 1, 1/2, 1/4 and so on, normalised; boundaries weigh `BOUNDARY_WEIGHT`."""
    levels = (output.logits, *output.aux)
    weights = [0.5**i for i in range(len(levels))]
    loss = torch.zeros((), device=targets.device)
    for weight, logits in zip(weights, levels, strict=True):
        at = targets if logits.shape[-2:] == targets.shape[-2:] else _resized(targets, logits.shape[-2:])
        loss = loss + weight / sum(weights) * segmentation_loss(logits, at, covered, inside)
    if output.boundary:
        band, seen = boundary_band(targets), targets != IGNORED
        edges = [boundary_loss(b, band, seen) for b in output.boundary]
        loss = loss + BOUNDARY_WEIGHT * torch.stack(edges).mean()
    return loss
