"""Random changes to a training batch: how probe, machine and patient can change an ultrasound frame.

Each frame gets its own random changes. All random numbers come from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .dataset import IGNORED, Batch


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a frame may be changed.

    Attributes:
        flip: Share of frames mirrored left to right; never upside down, because echoes change with depth.
        rotate: Degrees either way.
        scale: Largest zoom either way, as a factor; width and depth get one each (as when the depth setting changes).
        shift: Largest shift either way, as a share of the side.
        elastic: Largest pull on the points of a coarse grid, as a share of the side.
        gamma: Largest exponent of the brightness; the smallest is one over it.
        gain: Largest change of the gain, as a share of the brightness.
        tgc: Largest error of the time-gain compensation, as a share: a tilt of the brightness over depth.
        shadow: Share of frames that get an acoustic shadow.
        speckle: Largest standard deviation of multiplicative noise.
    """

    flip: float = 0.5
    rotate: float = 15.0
    scale: float = 1.25
    shift: float = 0.1
    elastic: float = 0.03
    gamma: float = 1.5
    gain: float = 0.15
    tgc: float = 0.25
    shadow: float = 0.15
    speckle: float = 0.15


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def sampling_grid(n: int, side: int, settings: Augmentation, generator: Generator) -> Tensor:
    """Where each pixel of `n` changed frames comes from: `(n, side, side, 2)`, -1 to 1, `(x, y)`."""
    angle = _uniform(n, -settings.rotate, settings.rotate, generator).deg2rad()
    log_scale = torch.tensor(settings.scale).log().item()
    scale = torch.exp(_uniform(2 * n, -log_scale, log_scale, generator)).view(n, 2)
    flip = 1 - 2 * (torch.rand(n, generator=generator) < settings.flip).float()
    shift = _uniform(2 * n, -2 * settings.shift, 2 * settings.shift, generator).view(n, 2)
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([torch.stack([cos * flip, -sin], -1), torch.stack([sin * flip, cos], -1)], 1)
    theta = torch.cat([rotation / scale[:, :, None], shift[:, :, None]], 2)
    grid = F.affine_grid(theta, [n, 1, side, side], align_corners=False)
    pulls = (torch.rand(n, 2, 5, 5, generator=generator) * 2 - 1) * (2 * settings.elastic)
    bend = F.interpolate(pulls, (side, side), mode="bicubic", align_corners=True)
    return grid + bend.permute(0, 2, 3, 1)


def change_echoes(frames: Tensor, settings: Augmentation, generator: Generator) -> Tensor:
    """Gamma, gain, TGC tilt, acoustic shadow and speckle on `(B, 1, S, S)` in 0 to 1."""
    n, side = len(frames), frames.shape[-1]

    def one_each(low: float, high: float) -> Tensor:
        return _uniform(n, low, high, generator).view(n, 1, 1, 1)

    log_gamma = torch.tensor(settings.gamma).log().item()
    x = frames.clamp(0, 1).pow(one_each(-log_gamma, log_gamma).exp())
    x = x * (1 + one_each(-settings.gain, settings.gain))
    depth = torch.linspace(-0.5, 0.5, side).view(1, 1, side, 1)
    x = x * (1 + 2 * depth * one_each(-settings.tgc, settings.tgc))
    columns = torch.linspace(0, 1, side).view(1, 1, 1, side)
    distance = (columns - one_each(0, 1)) / one_each(0.02, 0.12)
    dark = torch.exp(-distance.square()) * one_each(0.3, 0.9)
    dark = dark * (one_each(0, 1) < settings.shadow) * torch.sigmoid(20 * (depth + 0.5 - one_each(0, 0.6)))
    x = x * (1 - dark)
    coarse = torch.randn(n, 1, side // 2, side // 2, generator=generator)
    noise = F.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
    return (x * (1 + noise * one_each(0, settings.speckle))).clamp(0, 1)


def augment(batch: Batch, settings: Augmentation, generator: Generator) -> Batch:
    """Change a batch of uint8 frames at random; frames come back as float in 0 to 1."""
    frames = batch.frames.float() / 255
    n, side = len(frames), frames.shape[-1]
    grid = sampling_grid(n, side, settings, generator)
    # What lies beyond a frame's edge is unknown. Targets are raised by 1, so that grid_sample's zero padding marks it.
    marked = torch.where(batch.targets == IGNORED, 0, batch.targets + 1).float()[:, None]
    moved = F.grid_sample(marked, grid, mode="nearest", align_corners=False)[:, 0].long()
    frames = F.grid_sample(frames, grid, mode="bilinear", align_corners=False)
    frames = change_echoes(frames, settings, generator)
    return replace(batch, frames=frames, targets=torch.where(moved == 0, IGNORED, moved - 1))


def standardise(frames: Tensor) -> Tensor:
    """Frames `(B, 1, S, S)`, float in 0 to 1 or uint8 -> zero mean, unit deviation over each frame's pixels above 0."""
    x = frames.float() / 255 if frames.dtype == torch.uint8 else frames
    lit = (x > 0).float()
    count = lit.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (x * lit).sum((2, 3), keepdim=True) / count
    deviation = (((x - mean) * lit).square().sum((2, 3), keepdim=True) / count).sqrt()
    return (x - mean) / (deviation + 1e-3)
