"""DMRNet: encoder of AMD stages, ER-MHA at the bottleneck, decoder of DAR skips and AEH fusions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import AEH, AMD, DAR, ERMHA, ConvNorm, Upsample

STRIDE = 32  # input sides are padded up to a multiple of this
LEVELS = 4


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """Widths of one size of the network.

    Attributes:
        name: As in `dmrnet_s`.
        widths: Channels of the stem and of the four AMD stages.
        stem_stride: 2 works at half the resolution, with the pixels folded into channels, and upsamples the logits.
        separable: Depthwise-separable 3x3 convolutions, for processors without a GPU.
        attention_blocks: ER-MHA blocks at the bottleneck.
    """

    name: str
    widths: tuple[int, int, int, int, int]
    stem_stride: int
    separable: bool
    attention_blocks: int


SIZES: dict[str, NetworkSize] = {
    "s": NetworkSize("dmrnet_s", (16, 32, 64, 128, 192), 2, True, 1),
    "m": NetworkSize("dmrnet", (32, 64, 128, 256, 512), 1, False, 2),
    "l": NetworkSize("dmrnet_l", (48, 96, 192, 384, 512), 1, False, 2),
}


class Output(NamedTuple):
    """What the network says of a batch.

    Attributes:
        logits: `(B, 1 + classes, H, W)` at the input's size; channel 0 is background.
        embedding: `(B, C)`, the bottleneck's mean.
        aux: Logits of the deeper levels at their own sizes, while training only.
        boundary: `(B, 1, h, w)` boundary logits of each level, while training only.
    """

    logits: Tensor
    embedding: Tensor
    aux: tuple[Tensor, ...] = ()
    boundary: tuple[Tensor, ...] = ()


class DMRNet(nn.Module):
    """Dynamic multi-scale residual network for grey frames.

    Args:
        classes: Number of classes beside background.
        size: One of `SIZES`.
    """

    def __init__(self, classes: int, *, size: NetworkSize) -> None:
        super().__init__()
        w, separable = size.widths, size.separable
        self.size = size
        fold = size.stem_stride  # pixels are folded into channels rather than skipped: nerves are a few pixels wide
        self.stem = nn.Sequential(nn.PixelUnshuffle(fold), ConvNorm(fold * fold, w[0]), ConvNorm(w[0], w[0]))
        self.encoder = nn.ModuleList(AMD(w[i], w[i + 1], separable=separable) for i in range(LEVELS))
        self.bottleneck = nn.ModuleList(ERMHA(w[LEVELS], follows=i > 0) for i in range(size.attention_blocks))
        self.up = nn.ModuleList(Upsample(w[i + 1], w[i]) for i in range(LEVELS))
        self.skip = nn.ModuleList(DAR(w[i], w[i - 1] if i else None, separable=separable) for i in range(LEVELS))
        self.fuse = nn.ModuleList(AEH(w[i], separable=separable, attend=i == LEVELS - 1) for i in range(LEVELS))
        self.heads = nn.ModuleList(nn.Conv2d(w[i], 1 + classes, 1) for i in range(LEVELS))
        if fold > 1:
            self.detail = nn.Sequential(nn.Conv2d(w[0], fold * fold * (1 + classes), 1), nn.PixelShuffle(fold))

    def forward(self, frames: Tensor) -> Output:
        """Segment `frames` `(B, 1, H, W)`, normalised to about zero mean and unit deviation."""
        height, width = frames.shape[-2:]
        x = F.pad(frames, (0, -width % STRIDE, 0, -height % STRIDE))
        features = [self.stem(x)]
        for stage in self.encoder:
            features.append(stage(features[-1]))
        d, scores = features[-1], None
        for block in self.bottleneck:
            d, scores = block(d, scores)
        embedding = d.mean((2, 3))
        aux, boundary = [], []
        for i in reversed(range(LEVELS)):
            up = self.up[i](d)
            skip, edge = self.skip[i](features[i], features[i - 1] if i else None, up)
            d = self.fuse[i](up, skip)
            boundary.append(edge)
            if self.training and i:
                aux.append(self.heads[i](d))
        logits = self.heads[0](d)
        if self.size.stem_stride > 1:  # bilinear and sub-pixel, as AEH upsamples
            logits = F.interpolate(logits, x.shape[-2:], mode="bilinear", align_corners=False) + self.detail(d)
        logits = logits[..., :height, :width]
        if not self.training:
            return Output(logits, embedding)
        return Output(logits, embedding, tuple(reversed(aux)), tuple(reversed(boundary)))


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def multiply_adds(network: nn.Module, *, size: int) -> int:
    """Multiply-adds of convolutions and linear layers for one `size` x `size` frame, counted by running it."""
    total = 0

    def hook(module: nn.Module, _: object, out: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += out[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += out[0].numel() * module.in_features

    handles = [m.register_forward_hook(hook) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    was_training = network.training
    network.eval()(torch.zeros(1, 1, size, size))
    network.train(was_training)
    for handle in handles:
        handle.remove()
    return total
