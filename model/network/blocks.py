"""DMRNet's five modules: AMD, DAR, BASA, ER-MHA, AEH.

The published abstract names them and says what each is for. Every equation, width and dilation in here is our choice
(docs/decisions/0006-dmrnet.md). Each module names the ideas that it extends. Blocks take sizes, never a configuration.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import ConvNorm, Gate, JoinNorm, WideConvNorm, total

DILATIONS = (1, 2, 3, 5)  # hybrid dilation without gridding: Wang et al. 2018, arXiv:1702.08502


class AMD(nn.Module):
    """Adaptive Multi-Scale Dilated downsampling: `(B, cin, H, W)` -> `(B, cout, H/2, W/2)`.

    It has four dilated branches, each fed by the one before it (Res2Net, arXiv:1904.01169). The weights that mix them
    depend on the whole image (selective kernels, arXiv:1903.06586) and on the pixel (pixel gate).
    """

    def __init__(self, cin: int, cout: int, *, separable: bool = False) -> None:
        super().__init__()
        k, width = len(DILATIONS), cout // len(DILATIONS)
        self.shortcut = nn.Sequential(nn.MaxPool2d(2), ConvNorm(cin, cout, 1, act=False))
        self.down = ConvNorm(cin, cout, stride=2)
        self.split = nn.ModuleList(nn.Conv2d(cout, width, 1, bias=False) for _ in DILATIONS)
        self.branches = nn.ModuleList(ConvNorm(width, width, dilation=d) for d in DILATIONS)
        self.channel_gate = Gate(width, width * k)
        self.pixel_gate = nn.ModuleList(nn.Conv2d(width, k, 1, bias=i == 0) for i in range(k))
        self.fuse = nn.ModuleList(nn.Conv2d(width, cout, 1, bias=False) for _ in DILATIONS)
        self.out = ConvNorm(cout, cout, separable=separable, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution."""
        down = self.down(x)
        scales: list[Tensor] = []
        for split, branch in zip(self.split, self.branches, strict=True):
            part = split(down)
            scales.append(branch(part + scales[-1] if scales else part))
        # autocast computes the softmax in float32; without a cast back the features would become float32 too
        channel = self.channel_gate(total(scales)).unflatten(1, (len(scales), -1)).softmax(1).to(down.dtype)
        pixel = total([gate(s) for gate, s in zip(self.pixel_gate, scales, strict=True)]).softmax(1).to(down.dtype)
        mixed = []
        for k, (fuse, scale) in enumerate(zip(self.fuse, scales, strict=True)):
            # 4 * (channel + pixel) / 2: with equal weights the features pass unchanged
            mixed.append(fuse(scale * (2 * (channel[:, k, :, None, None] + pixel[:, k : k + 1]))))
        return F.relu(self.out(total(mixed)) + self.shortcut(x), inplace=True)


class BASA(nn.Module):
    """Boundary-Aware Spatial Attention: `(B, C, H, W)` -> the same, and boundary logits `(B, 1, H, W)`.

    Learnable filters, which start as Sobel's, give an edge response. From it comes a boundary map, which is supervised
    in training. A spatial attention (CBAM, arXiv:1807.06521) sees both.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = max(4, channels // 8)
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.edges = nn.Conv2d(reduced, 2 * reduced, 3, padding=1, groups=reduced, bias=False)
        sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
        with torch.no_grad():
            self.edges.weight.copy_(torch.stack([sobel, sobel.T]).repeat(reduced, 1, 1)[:, None])
        self.boundary = nn.Sequential(
            nn.Conv2d(reduced + 1, reduced, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(reduced, 1, 1)
        )
        self.attention = nn.Conv2d(4, 1, 7, padding=3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Raise the features where a boundary runs."""
        reduced = self.reduce(x)
        # Two depthwise convolutions: processors have a fast path for them, but not for one with two filters a channel.
        across, along = (
            F.conv2d(reduced, self.edges.weight[k::2], padding=1, groups=reduced.shape[1]).float() for k in range(2)
        )
        magnitude = (across.square() + along.square()).add(1e-4).sqrt()  # 1e-4 keeps the root's slope finite
        edge = magnitude.mean(1, keepdim=True)
        boundary = self.boundary(torch.cat([reduced, edge.to(reduced.dtype)], 1))
        seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True), edge.to(x.dtype), boundary.sigmoid()], 1)
        return x * (1 + self.attention(seen).sigmoid()), boundary


class DAR(nn.Module):
    """Dense Attention Residual skip connection: joins the encoder's features of a level with those above and below.

    It has dense connections (arXiv:1608.06993) over full-scale skips (UNet 3+, arXiv:2004.08790), weighed by a gate.
    The features from below are those that AEH has upsampled already.
    """

    def __init__(self, channels: int, above: int | None, *, separable: bool = False) -> None:
        super().__init__()
        width = channels // 2
        self.down = None if above is None else nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(above, channels, 1, bias=False))
        neighbours = 1 if above is None else 2
        self.gate = Gate(channels * neighbours, neighbours) if neighbours > 1 else None
        self.enter = JoinNorm([channels] * (1 + neighbours), width)
        self.first = ConvNorm(width, width, separable=separable)
        self.second = JoinNorm([width] * 2, width, 3, separable=separable)
        self.leave = JoinNorm([width] * 3, channels)
        self.basa = BASA(channels)
        self.gamma = nn.Parameter(torch.tensor(0.1))

    def forward(self, skip: Tensor, above: Tensor | None, below: Tensor) -> tuple[Tensor, Tensor]:
        """Refine `skip` `(B, C, H, W)`.

        Args:
            skip: The encoder's features at this level.
            above: The encoder's features at twice the resolution; None at the first level.
            below: The decoder's features of the next level, upsampled: `(B, C, H, W)`.

        Returns:
            Refined features `(B, C, H, W)` and boundary logits `(B, 1, H, W)`.
        """
        around = [below] if self.down is None else [self.down(above), below]
        if self.gate is not None:
            means = torch.cat([F.adaptive_avg_pool2d(n, 1) for n in around], 1)  # the gate sees only these means
            weights = (2 * self.gate(means).softmax(1)).to(skip.dtype)
            around = [n * weights[:, i, None, None, None] for i, n in enumerate(around)]
        t0 = self.enter(skip, *around)
        t1 = self.first(t0)
        t2 = self.second(t0, t1)
        attended, boundary = self.basa(self.leave(t0, t1, t2))
        return skip + self.gamma * attended, boundary


class ERMHA(nn.Module):
    """Enhanced Residual Multi-Head Attention: `(B, C, H, W)` -> the same, and its attention scores.

    Each block passes its scores on to the next (RealFormer, arXiv:2012.11747). Positions come from depthwise
    convolutions (CPE, arXiv:2102.10882), so any input size works. Both branches have LayerScale (arXiv:2103.17239).
    `reduce` pools keys and values (PVT, arXiv:2102.12122) where the grid is large. `follows` says that there is a block
    before this one, which gives its scores.
    """

    def __init__(
        self, channels: int, *, heads: int = 4, reduce: int = 1, ffn_ratio: int = 2, follows: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.reduce = reduce
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1 = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.value_position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.out = nn.Linear(channels, channels)
        self.score_residual = nn.Parameter(torch.zeros(heads, 1, 1)) if follows else None
        self.scale1 = nn.Parameter(torch.full((channels,), 0.1))
        self.norm2 = nn.LayerNorm(channels)
        hidden = ffn_ratio * channels
        self.expand = nn.Linear(channels, hidden)
        self.mix = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.shrink = nn.Linear(hidden, channels)
        self.scale2 = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x: Tensor, scores: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Attend; `scores` are those of the block before, `(B, heads, N, M)`, or None in the first block."""
        b, c, h, w = x.shape
        x = x + self.position(x)
        tokens = x.flatten(2).transpose(1, 2)  # (B, N, C)
        normed = self.norm1(tokens)
        grid = normed.transpose(1, 2).reshape(b, c, h, w)
        if self.reduce > 1:
            grid = F.avg_pool2d(grid, self.reduce)
        kh, kw = grid.shape[-2:]
        key, value = self.key_value(grid.flatten(2).transpose(1, 2)).chunk(2, -1)
        local = self.value_position(value.transpose(1, 2).reshape(b, c, kh, kw))
        if self.reduce > 1:
            local = F.interpolate(local, (h, w), mode="bilinear", align_corners=False)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (self.query(normed), key, value))
        score = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5)
        if scores is not None and self.score_residual is not None:
            score = score + self.score_residual * scores
        attended = (score.softmax(-1) @ v).transpose(1, 2).flatten(2) + local.flatten(2).transpose(1, 2)
        tokens = tokens + self.scale1 * self.out(attended)
        hidden = F.gelu(self.expand(self.norm2(tokens))).transpose(1, 2).reshape(b, -1, h, w)
        tokens = tokens + self.scale2 * self.shrink(self.mix(hidden).flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).reshape(b, c, h, w), score


class Upsample(nn.Module):
    """AEH's first half: `(B, cin, H, W)` -> `(B, cout, 2H, 2W)`; mixes bilinear and sub-pixel upsampling by channel."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.smooth = nn.Conv2d(cin, cout, 1, bias=False)
        self.sharp = nn.ConvTranspose2d(cin, cout, 2, stride=2, bias=False)  # a 1x1 convolution and pixel shuffle
        self.gate = Gate(cin, cout)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution."""
        weight = self.gate(x).sigmoid()[:, :, None, None]
        smooth = F.interpolate(self.smooth(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        sharp = self.sharp(x)
        mixed: Tensor = sharp + weight.to(sharp.dtype) * (smooth - sharp)  # torch.lerp is slow when it broadcasts
        return mixed


class AEH(nn.Module):
    """Attention-Enhanced Hybrid fusion of upsampled and skipped features: two times `(B, C, H, W)` -> one.

    It has a local branch of 3x3 convolutions and a wide branch (7x7 depthwise, or ER-MHA with `attend`).
    Squeeze-and-excitation (arXiv:1709.01507) weighs both.
    """

    def __init__(self, channels: int, *, separable: bool = False, attend: bool = False) -> None:
        super().__init__()
        self.enter = JoinNorm([channels] * 2, channels)
        self.local = nn.Sequential(
            ConvNorm(channels, channels, separable=separable),
            ConvNorm(channels, channels, separable=separable, act=False),
        )
        self.attend = attend
        self.wide: nn.Module
        if attend:
            self.wide = ERMHA(channels, reduce=2)
        else:
            self.wide = WideConvNorm(channels)
        self.excite = Gate(channels, channels)

    def forward(self, up: Tensor, skip: Tensor) -> Tensor:
        """Fuse."""
        fused = self.enter(up, skip)
        wide = self.wide(fused)[0] if self.attend else self.wide(fused)
        both = fused + self.local(fused) + wide
        return F.relu(fused + self.excite(both).sigmoid()[:, :, None, None] * both, inplace=True)
