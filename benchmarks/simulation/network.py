"""The simulation's network: a residual U-Net in the manner of the ablation's first stage, as a function of its weights.

All weights are one vector, so that casting, clipping, the optimiser's step and the average take a kernel each: the
network is so small that a GPU spends its time on starting kernels. Convolutions are plain where the ablation's are
depthwise-separable, which GPUs are slow at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

NAME: Final = "residual-unet-flat"
WIDTHS: Final = (16, 32, 48, 64, 96, 128)  # of the levels at 1, 1/2, ..., 1/32 of the grid
LEVELS: Final = len(WIDTHS) - 1
HEADS: Final = 4  # levels that give logits in training, the finest first

Weights = dict[str, Tensor]


def _conv(shapes: dict[str, tuple[int, ...]], name: str, cin: int, cout: int, kernel: int) -> None:
    shapes[f"{name}.conv"] = (cout, cin, kernel, kernel)
    shapes[f"{name}.scale"] = (cout,)
    shapes[f"{name}.shift"] = (cout,)


def shapes_of(classes: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight, by name, in the vector's order."""
    w = WIDTHS
    found: dict[str, tuple[int, ...]] = {}
    _conv(found, "enter", 1, w[0], 3)
    for i in range(LEVELS):
        if i:
            _conv(found, f"down{i}.short", w[i], w[i + 1], 1)
        _conv(found, f"down{i}.first", w[i], w[i + 1], 3)
        _conv(found, f"down{i}.second", w[i + 1], w[i + 1], 3)
    for i in range(1, LEVELS):
        _conv(found, f"up{i}.enter", w[i] + w[i + 1], w[i], 1)
        _conv(found, f"up{i}.first", w[i], w[i], 3)
        _conv(found, f"up{i}.second", w[i], w[i], 3)
    found["up0.reduce"] = (w[0], w[1], 1, 1)
    _conv(found, "up0.join", w[0], w[0], 3)
    for i in range(HEADS):
        found[f"head{i}.conv"] = (1 + classes, w[i], 1, 1)
        found[f"head{i}.bias"] = (1 + classes,)
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each weight lies in the vector."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(math.prod(s) for s in self.shapes.values())

    def views(self, vector: Tensor) -> Weights:
        """The weights as views of the vector."""
        parts = torch.split(vector, [math.prod(s) for s in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


def start(layout: Layout, shares: Tensor, *, seed: int) -> Tensor:
    """The vector before the first step, on the CPU.

    Convolutions are uniform as torch draws them; heads begin with the classes' shares `(1 + C,)` of the pixels.
    """
    generator = torch.Generator().manual_seed(seed)
    vector = torch.zeros(layout.size)
    for name, weight in layout.views(vector).items():
        if name.endswith("conv") or name.endswith("reduce"):
            bound = 1 / math.sqrt(math.prod(weight.shape[1:]))
            weight.copy_((2 * torch.rand(weight.shape, generator=generator) - 1) * bound)
        elif name.endswith("scale"):
            weight.fill_(1.0)
        elif name.endswith("bias"):
            weight.copy_(shares.log())
    return vector


def _norm(x: Tensor, w: Weights, name: str) -> Tensor:
    """Each channel of each image to zero mean and unit deviation, then scaled and shifted."""
    return F.instance_norm(x, weight=w[f"{name}.scale"], bias=w[f"{name}.shift"])


def _conv_norm(x: Tensor, w: Weights, name: str, *, stride: int = 1) -> Tensor:
    kernel = w[f"{name}.conv"]
    return _norm(F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2), w, name)


def _block(x: Tensor, short: Tensor, w: Weights, name: str, *, stride: int = 1) -> Tensor:
    inner = F.relu(_conv_norm(x, w, f"{name}.first", stride=stride))
    return F.relu(_conv_norm(inner, w, f"{name}.second") + short)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def run(w: Weights, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
    """Segment standardised frames.

    Args:
        w: The weights.
        x: `(B, 1, H, W)`, sides a multiple of 32.

    Returns:
        Logits `(B, 1 + C, h, w)` of each level, the finest first; the bottleneck's mean `(B, d)`; the finest features
        `(B, c, H, W)`.
    """
    fine = F.relu(_conv_norm(x, w, "enter"))
    half = F.relu(_conv_norm(fine, w, "down0.first", stride=2))
    features = [fine, F.relu(_conv_norm(half, w, "down0.second"))]
    for i in range(1, LEVELS):
        above = features[-1]
        short = _conv_norm(F.max_pool2d(above, 2), w, f"down{i}.short")
        features.append(_block(above, short, w, f"down{i}", stride=2))
    d = features[-1]
    embedding = d.mean((2, 3))
    logits = []
    for i in reversed(range(1, LEVELS)):
        entered = F.relu(_conv_norm(torch.cat([_twice(d), features[i]], 1), w, f"up{i}.enter"))
        d = _block(entered, entered, w, f"up{i}")
        if i < HEADS:
            logits.append(F.conv2d(d, w[f"head{i}.conv"], w[f"head{i}.bias"]))
    last = F.relu(_conv_norm(fine + _twice(F.conv2d(d, w["up0.reduce"])), w, "up0.join"))
    logits.append(F.conv2d(last, w["head0.conv"], w["head0.bias"]))
    return logits[::-1], embedding, last
