"""Random changes to a training batch, drawn for a whole training before its first step.

The changes and their ranges are those of `dmr.model`'s augmentation. Drawn beforehand, a step has no randomness of its
own and can be recorded once and replayed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED: Final = 255
ROTATE, SCALE, SHIFT, ELASTIC = 15.0, 1.25, 0.1, 0.03
GAMMA, GAIN, TGC, SHADOW, SPECKLE = 1.5, 0.15, 0.25, 0.15, 0.15
FIELDS: Final = 2048  # fields of speckle noise that trainings draw from


@dataclass(frozen=True, slots=True)
class Changes:
    """What happens to each frame of each step, `S` steps of `B` frames.

    Attributes:
        theta: `(S, B, 2, 3)` where a frame's pixels come from, as `affine_grid` takes it.
        pulls: `(S, B, 2, 5, 5)` how far a coarse grid's points are pulled.
        echoes: `(S, B, 8)` exponent, gain, tilt over depth, shadow's place, width, strength and start, speckle.
        field: `(S, B)` the number of a field of noise.
    """

    theta: Tensor
    pulls: Tensor
    echoes: Tensor
    field: Tensor


def draw_changes(steps: int, batch: int, generator: torch.Generator) -> Changes:
    """Draw all changes of a training, on the CPU."""

    def uniform(low: float, high: float, *more: int) -> Tensor:
        return torch.rand(steps, batch, *more, generator=generator) * (high - low) + low

    angle = uniform(-ROTATE, ROTATE).deg2rad()
    scale = uniform(-math.log(SCALE), math.log(SCALE), 2).exp()
    flip = 1 - 2 * (uniform(0, 1) < 0.5).float()
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cos * flip, -sin], -1), torch.stack([sin * flip, cos], -1)], 2)
    theta = torch.cat([turn / scale[..., None], uniform(-2 * SHIFT, 2 * SHIFT, 2)[..., None]], 3)
    shadow = uniform(0.3, 0.9) * (uniform(0, 1) < SHADOW)
    echoes = [
        uniform(-math.log(GAMMA), math.log(GAMMA)).exp(),
        1 + uniform(-GAIN, GAIN),
        2 * uniform(-TGC, TGC),
        uniform(0, 1),
        uniform(0.02, 0.12),
        shadow,
        uniform(0, 0.6),
        uniform(0, SPECKLE),
    ]
    pulls = uniform(-2 * ELASTIC, 2 * ELASTIC, 2, 5, 5)
    field = torch.randint(FIELDS, (steps, batch), generator=generator)
    return Changes(theta, pulls, torch.stack(echoes, -1), field)


def bending(side: int) -> Tensor:
    """`(side, 5)`: a coarse grid's points, spread over the side by bicubic interpolation."""
    points = torch.eye(5)[None, None]
    return F.interpolate(points, (side, 5), mode="bicubic", align_corners=True)[0, 0]


def noise_fields(side: int, device: torch.device) -> Tensor:
    """`(FIELDS, side / 2, side / 2)` half-precision normal noise, the same for every training."""
    made = torch.randn(FIELDS, side // 2, side // 2, generator=torch.Generator().manual_seed(0))
    return made.to(device, torch.float16)


def augment(
    frames: Tensor,
    targets: Tensor,
    theta: Tensor,
    pulls: Tensor,
    echoes: Tensor,
    noise: Tensor,
    bend: Tensor,
) -> tuple[Tensor, Tensor]:
    """Change a batch `(B, S, S)` uint8 frames and targets.

    Args:
        frames: Grey values.
        targets: Channels, and `IGNORED`.
        theta: `(B, 2, 3)`.
        pulls: `(B, 2, 5, 5)`.
        echoes: `(B, 8)`.
        noise: `(B, S / 2, S / 2)`.
        bend: Of `bending`.

    Returns:
        Standardised frames `(B, 1, S, S)` float, targets `(B, S, S)` int64.
    """
    n, side = len(frames), frames.shape[-1]
    shift = torch.einsum("ya,bcad,xd->byxc", bend, pulls, bend)
    grid = F.affine_grid(theta, [n, 1, side, side], align_corners=False) + shift
    # What a frame shows beyond its edge is unknown: 1 + target, so that padding with 0 marks it.
    marked = torch.where(targets == IGNORED, 0, targets.to(torch.int16) + 1).float()[:, None]
    moved = F.grid_sample(marked, grid, mode="nearest", align_corners=False)[:, 0].long()
    x = F.grid_sample(frames[:, None].float() / 255, grid, mode="bilinear", align_corners=False)
    gamma, gain, tilt, place, width, shadow, begin, speckle = (e[:, :, None, None] for e in torch.split(echoes, 1, 1))
    x = x.clamp(1e-6, 1).pow(gamma) * (x > 0) * gain
    at = (torch.arange(side, device=x.device) + 0.5) / side
    depth, column = at.view(1, 1, side, 1), at.view(1, 1, 1, side)
    x = x * (1 + tilt * (depth - 0.5))
    dark = torch.exp(-((column - place) / width).square()) * shadow * torch.sigmoid(20 * (depth - begin))
    x = x * (1 - dark)
    spots = F.interpolate(noise[:, None].float(), scale_factor=2.0, mode="bilinear", align_corners=False)
    x = (x * (1 + spots * speckle)).clamp(0, 1)
    return standardise(x), torch.where(moved == 0, IGNORED, moved - 1)


def standardise(x: Tensor) -> Tensor:
    """Frames `(B, 1, S, S)` in 0 to 1 -> zero mean and unit deviation over each frame's lit pixels."""
    lit = (x > 0).float()
    count = lit.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (x * lit).sum((2, 3), keepdim=True) / count
    deviation = (((x - mean) * lit).square().sum((2, 3), keepdim=True) / count).sqrt()
    return (x - mean) / (deviation + 1e-3)
