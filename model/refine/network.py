"""The network that corrects the ellipse in a box: a small U-Net, told the class and the size of the box.

It is our own. U-Net: Ronneberger et al. 2015 (arXiv:1505.04597); telling by scale and shift: Perez et al. 2018, FiLM
(arXiv:1709.07871); clicks as channels: Xu et al. 2016 (arXiv:1603.04042).
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network.layers import ConvNorm, JoinNorm
from .crop import MARGIN

CHANNELS: Final = 6  # of the input: pixels, clicks inside, clicks outside, the ellipse, x, y
STEEP: Final = 10.0  # logits from an ellipse's border to its centre, at the start
_HIDDEN: Final = 32


class RefineNet(nn.Module):
    """From the surroundings of a box to the structure in it.

    It begins as the ellipse in the box, and learns what to add.

    Args:
        classes: Number of classes.
        width: Channels at full resolution.
    """

    def __init__(self, classes: int, *, width: int = 12) -> None:
        super().__init__()
        self.classes = classes
        w = (width, 2 * width, 4 * width, 6 * width)
        self.told = nn.Sequential(nn.Linear(classes + 2, _HIDDEN), nn.ReLU(inplace=True))
        self.down = nn.ModuleList(
            nn.Sequential(ConvNorm(cin, cout, stride=stride), ConvNorm(cout, cout))
            for cin, cout, stride in zip((CHANNELS, *w), w, (1, 2, 2, 2))  # noqa: B905
        )
        self.join = nn.ModuleList(JoinNorm((w[k + 1], w[k]), w[k], 3) for k in range(3))
        self.up = nn.ModuleList(ConvNorm(w[k], w[k]) for k in range(3))
        self.tell = nn.ModuleList(nn.Linear(_HIDDEN, 2 * cout) for cout in (*w, *w[:3]))
        self.head = nn.Conv2d(width, 1, 1)
        self.steep = nn.Parameter(torch.tensor(STEEP))
        for layer in (*self.tell, self.head):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, crops: Tensor, clicks: Tensor, channels: Tensor, sizes: Tensor) -> Tensor:
        """Logits of the structure.

        Args:
            crops: `(B, 1, S, S)`, standardised.
            clicks: `(B, 2, S, S)`, 0 to 1: clicks inside and clicks outside.
            channels: `(B,)` int64: the class, from 0.
            sizes: `(B, 2)`: logarithms of the box's width and height as shares of the frame's longer side.

        Returns:
            `(B, 1, S, S)`.
        """
        ellipse, places = ellipse_and_places(crops.shape[-1], device=crops.device)
        fixed = torch.cat([ellipse, places]).expand(len(crops), -1, -1, -1)
        x = torch.cat([crops, clicks, fixed], 1).contiguous(memory_format=torch.channels_last)
        told = self.told(torch.cat([F.one_hot(channels, self.classes).to(sizes.dtype), sizes], 1))
        levels = []
        for k, block in enumerate(self.down):
            x = self._told(k, block(x), told)
            levels.append(x)
        for k in (2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.up[k](self._told(4 + k, self.join[k](x, levels[k]), told))
        logits: Tensor = self.head(x).float() + self.steep * ellipse
        return logits

    def _told(self, k: int, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.tell[k](told)[:, :, None, None].chunk(2, 1)
        told_x: Tensor = x * (1 + scale) + shift
        return told_x


def ellipse_and_places(size: int, *, device: torch.device) -> tuple[Tensor, Tensor]:
    """The ellipse in the box, on the grid: `(1, S, S)`, 1 in its centre, 0 on its border, negative outside.

    And the grid's places: `(2, S, S)`, `(x, y)`, -1 to 1 within the box.
    """
    side = ((torch.arange(size, device=device) + 0.5) / size * 2 - 1) * MARGIN
    x, y = torch.meshgrid(side, side, indexing="xy")
    return 1 - torch.hypot(x, y)[None], torch.stack([x, y])
