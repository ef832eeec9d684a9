"""Answer a box and clicks with an outline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ...annotate.geometry.trace import index_to_shapes
from ...annotate.shapes import Frame, Shape
from ..computing.device import autocast
from ..data.augment import standardise
from .crop import Crop
from .network import RefineNet
from .prompt import Box, Click
from .simulate import click_map
from .structures import box_size

TOLERANCE: Final = 2.0  # px; how far an outline's points may be from the exact outline


class Refiner:
    """Answers boxes and clicks with outlines.

    Args:
        network: The trained network; None answers each box with its ellipse.
        class_ids: The network's classes, the first one's channel is 0.
        size: Side of the network's grid, pixels.
        device: The device to compute on.
        ellipses: Classes whose boxes are answered with the ellipse as long as there is no click.
        name: The name of what was trained; None without a network.

    Example:
        >>> refiner = dmr.load_refiner(workspace, device="cpu")
        >>> pixels = np.zeros((300, 400), np.uint8)
        >>> (outline,) = refiner.refine(pixels, box=dmr.Box(100, 100, 180, 150), class_id=1)
        >>> outline.class_id
        1
    """

    def __init__(
        self,
        network: RefineNet | None,
        *,
        class_ids: Sequence[int],
        size: int,
        device: torch.device,
        ellipses: frozenset[int] = frozenset(),
        name: str | None = None,
    ) -> None:
        self.network = None if network is None else network.to(device).eval()
        self.class_ids, self.size, self.device = tuple(class_ids), size, device
        self.ellipses, self.name = ellipses, name

    def refine(
        self,
        frame: Frame | NDArray[np.uint8],
        *,
        box: Box,
        class_id: int,
        clicks: Sequence[Click] = (),
        tolerance: float = TOLERANCE,
    ) -> tuple[Shape, ...]:
        """The outline of the structure in a box.

        A class that the network has not learnt gets the ellipse.

        Args:
            frame: The frame, or its pixels alone, `(height, width)` uint8.
            box: Around the structure.
            class_id: The structure's class.
            clicks: Places inside the structure and outside of it; the outline is corrected there.
            tolerance: Px; 0 gives the outline along the pixels' edges.

        Returns:
            One outline; none if the box lies beyond the frame.
        """
        pixels = frame.pixels if isinstance(frame, Frame) else frame
        mask = self.mask(pixels, box=box, class_id=class_id, clicks=clicks)
        return index_to_shapes(mask.astype(np.uint8) * np.uint8(class_id), tolerance=tolerance)

    def mask(
        self, pixels: NDArray[np.uint8], *, box: Box, class_id: int, clicks: Sequence[Click] = ()
    ) -> NDArray[np.bool_]:
        """The pixels of the structure in a box, `(height, width)`: one part without holes."""
        height, width = pixels.shape
        known = self.network is not None and class_id in self.class_ids
        if not known or (class_id in self.ellipses and not clicks):
            return ellipse_mask(box, height=height, width=width)
        crop = Crop(box, self.size)
        grid = torch.from_numpy(crop.fit(pixels).copy())[None, None]
        logits = self._logits(grid, crop, clicks, class_id, box_size(box, height=height, width=width))
        return _one_part(crop.restore(logits, height=height, width=width), clicks)

    @torch.inference_mode()
    def _logits(
        self, grid: Tensor, crop: Crop, clicks: Sequence[Click], class_id: int, told: tuple[float, float]
    ) -> Tensor:
        """Logits `(S, S)`, the mean over the crop as it is and mirrored."""
        drawn = [
            click_map(list(crop.fit_ring(tuple((c.x, c.y) for c in clicks if c.inside == inside))), size=self.size)
            for inside in (True, False)
        ]
        maps = torch.from_numpy(np.stack(drawn))[None]
        x = standardise(grid)
        x, maps = torch.cat([x, x.flip(-1)]).to(self.device), torch.cat([maps, maps.flip(-1)]).to(self.device)
        channels = torch.full((2,), self.class_ids.index(class_id), device=self.device)
        sizes = torch.tensor([told, told], dtype=torch.float32, device=self.device)
        assert self.network is not None
        with autocast(self.device):
            logits: Tensor = self.network(x, maps, channels, sizes).cpu()
        return (logits[0, 0] + logits[1, 0].flip(-1)) / 2


def ellipse_mask(box: Box, *, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of the ellipse in a box, `(height, width)`."""
    x = (np.arange(width) + 0.5 - (box.left + box.right) / 2) / (box.width / 2)
    y = (np.arange(height) + 0.5 - (box.top + box.bottom) / 2) / (box.height / 2)
    return np.asarray(x[None, :] ** 2 + y[:, None] ** 2 <= 1)


def _one_part(mask: NDArray[np.bool_], clicks: Sequence[Click]) -> NDArray[np.bool_]:
    """The part with the most clicks inside, or else the largest, with its holes filled."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return mask
    top, left = rows[0], columns[0]
    window = slice(top, rows[-1] + 1), slice(left, columns[-1] + 1)  # the whole frame would take ten times as long
    part = mask[window]
    labels, count = ndimage.label(part)
    if count > 1:
        areas = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(float)
        height, width = part.shape
        for c in clicks:
            row, column = int(c.y - top), int(c.x - left)
            if c.inside and 0 <= row < height and 0 <= column < width and labels[row, column]:
                areas[labels[row, column] - 1] += mask.size
        part = labels == 1 + int(areas.argmax())
    found = np.zeros_like(mask)
    found[window] = ndimage.binary_fill_holes(part)
    return found
