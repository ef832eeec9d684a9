"""DMRNet: an encoder of AMD stages, ER-MHA at the bottleneck, and a decoder of DAR skips and AEH fusions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import AEH, AMD, DAR, ERMHA, Upsample
from .layers import ConvNorm

STRIDE = 32  # input sides are padded up to a multiple of this
LEVELS = 4


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """Widths of one size of the network.

    Attributes:
        name: The network's name, such as `dmrnet_s`.
        widths: Channels of the stem and of the four AMD stages.
        full_width: Channels of a thin level at full resolution, above a stem of stride 2; None if the stem itself is at
            full resolution.
        separable: Whether 3x3 convolutions are depthwise-separable, for PCs without a GPU.
        attention_blocks: ER-MHA blocks at the bottleneck.
    """

    name: str
    widths: tuple[int, int, int, int, int]
    full_width: int | None
    separable: bool
    attention_blocks: int


SIZES: dict[str, NetworkSize] = {
    "s": NetworkSize("dmrnet_s", (32, 48, 64, 128, 160), 16, True, 1),
    "m": NetworkSize("dmrnet", (32, 64, 128, 256, 512), None, False, 2),
    "l": NetworkSize("dmrnet_l", (48, 96, 192, 384, 512), None, False, 2),
}


class Output(NamedTuple):
    """The network's output for a batch.

    Attributes:
        logits: `(B, 1 + classes, H, W)` at the input's size; channel 0 is background.
        embedding: `(B, C)`, the mean of the bottleneck's features.
        aux: Logits of the deeper levels at their own sizes; only in training.
        boundary: `(B, 1, h, w)` boundary logits of each level; only in training.
    """

    logits: Tensor
    embedding: Tensor
    aux: tuple[Tensor, ...] = ()
    boundary: tuple[Tensor, ...] = ()


def as_output(result: Output | Tensor) -> Output:
    """A network's output as an `Output`; networks from elsewhere return bare logits."""
    if isinstance(result, Output):
        return result
    return Output(result, result.new_zeros(len(result), 0))


class FullResolution(nn.Module):
    """A level with few channels at the input's own resolution, because nerves are only a few pixels wide.

    The level below is upsampled and added to the features of the first convolution; a 3x3 convolution joins them.
    """

    def __init__(self, width: int, below: int, channels: int) -> None:
        super().__init__()
        self.enter = ConvNorm(1, width)
        self.up = nn.ConvTranspose2d(below, width, 2, stride=2, bias=False)
        self.join = ConvNorm(width, width)
        self.head = nn.Conv2d(width, channels, 1)

    def forward(self, fine: Tensor, below: Tensor) -> Tensor:
        """`fine` `(B, width, H, W)` and `below` `(B, C, H/2, W/2)` -> logits `(B, channels, H, W)`."""
        logits: Tensor = self.head(self.join(fine + self.up(below)))
        return logits


class DMRNet(nn.Module):
    """Dynamic multi-scale residual network for grey frames.

    Args:
        classes: Number of classes beside background.
        size: One of `SIZES`.
        dropout: Share of channels that are dropped in training, at the bottleneck and at each decoder level.
    """

    def __init__(self, classes: int, *, size: NetworkSize, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout2d(dropout)
        w, separable = size.widths, size.separable
        self.size = size
        if size.full_width is None:
            self.full = None
            entry = ConvNorm(1, w[0])
        else:
            self.full = FullResolution(size.full_width, w[0], 1 + classes)
            entry = ConvNorm(size.full_width, w[0], stride=2)
        self.stem = nn.Sequential(entry, ConvNorm(w[0], w[0]))
        self.encoder = nn.ModuleList(AMD(w[i], w[i + 1], separable=separable) for i in range(LEVELS))
        self.bottleneck = nn.ModuleList(ERMHA(w[LEVELS], follows=i > 0) for i in range(size.attention_blocks))
        self.up = nn.ModuleList(Upsample(w[i + 1], w[i]) for i in range(LEVELS))
        self.skip = nn.ModuleList(DAR(w[i], w[i - 1] if i else None, separable=separable) for i in range(LEVELS))
        self.fuse = nn.ModuleList(AEH(w[i], separable=separable, attend=i == LEVELS - 1) for i in range(LEVELS))
        self.heads = nn.ModuleList(nn.Conv2d(w[i], 1 + classes, 1) for i in range(LEVELS))
        if separable:  # depthwise convolutions run up to twice as fast with channels last
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch leaves it out

    @property
    def classifiers(self) -> tuple[nn.Conv2d, ...]:
        """The last convolution of each level, which gives logits."""
        heads = [head for head in self.heads if isinstance(head, nn.Conv2d)]
        return tuple(heads if self.full is None else [*heads, self.full.head])

    def forward(self, frames: Tensor) -> Output:
        """Segment `frames` `(B, 1, H, W)`, normalised to about zero mean and unit deviation."""
        height, width = frames.shape[-2:]
        x = F.pad(frames, (0, -width % STRIDE, 0, -height % STRIDE))
        fine = x if self.full is None else self.full.enter(x)
        features = [self.stem(fine)]
        for stage in self.encoder:
            features.append(stage(features[-1]))
        d, scores = features[-1], None
        for block in self.bottleneck:
            d, scores = block(d, scores)
        embedding = d.mean((2, 3))
        d = self.drop(d)
        aux, boundary = [], []
        for i in reversed(range(LEVELS)):
            up = self.up[i](d)
            skip, edge = self.skip[i](features[i], features[i - 1] if i else None, up)
            d = self.drop(self.fuse[i](up, skip))
            if edge is not None:
                boundary.append(edge)
            if self.training and i:
                aux.append(self.heads[i](d))
        logits = self.heads[0](d)
        if self.full is not None:
            if self.training:
                aux.append(logits)
            logits = self.full(fine, d)
        logits = logits[..., :height, :width]
        if not self.training:
            return Output(logits, embedding)
        return Output(logits, embedding, tuple(reversed(aux)), tuple(reversed(boundary)))


def parameter_count(network: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def multiply_adds(network: nn.Module, *, size: int) -> int:
    """Multiply-adds of convolutions and matrix products for one `size` x `size` frame, counted by running it."""
    from torch.utils.flop_counter import FlopCounterMode

    was_training = network.training
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 1, size, size))
    network.train(was_training)
    return int(counter.get_total_flops()) // 2
