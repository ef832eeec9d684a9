"""The surroundings of a box on the network's square grid, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from ...annotate.shapes import Ring, Shape
from .prompt import Box

MARGIN: Final = 1.5  # side of the crop, in sides of the box


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle around a box, stretched to a square grid, so that the box always lies in the same place.

    Attributes:
        box: The box.
        size: Side of the grid.
        margin: Side of the rectangle, in sides of the box.
    """

    box: Box
    size: int
    margin: float = MARGIN

    @property
    def around(self) -> Box:
        """The rectangle, in the frame's pixels."""
        grown = (self.margin - 1) / 2
        return self.box.moved((-grown, -grown, grown, grown))

    def fit(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`(height, width)` uint8 -> `(size, size)` uint8, 0 beyond the frame; pixels falling together are averaged."""
        around, (height, width) = self.around, pixels.shape
        left, top = math.floor(around.left), math.floor(around.top)
        right, bottom = math.ceil(around.right), math.ceil(around.bottom)
        part = np.zeros((bottom - top, right - left), np.uint8)
        rows, columns = slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))
        if rows.start < rows.stop and columns.start < columns.stop:
            part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = pixels[rows, columns]
        inner = (around.left - left, around.top - top, around.right - left, around.bottom - top)
        image = Image.fromarray(part).resize((self.size, self.size), Image.Resampling.BILINEAR, box=inner)
        return np.asarray(image)

    def fit_ring(self, ring: Ring) -> Ring:
        """Points in the frame's pixels -> in the grid's."""
        around = self.around
        sx, sy = self.size / around.width, self.size / around.height
        return tuple(((x - around.left) * sx, (y - around.top) * sy) for x, y in ring)

    def fit_shape(self, shape: Shape) -> Shape:
        """A shape in the frame's pixels -> in the grid's."""
        return Shape(shape.class_id, self.fit_ring(shape.points), hole=shape.hole, group=shape.group)

    def restore(self, logits: torch.Tensor, *, height: int, width: int) -> NDArray[np.bool_]:
        """`(size, size)` logits -> `(height, width)` bool, true where they are above 0; bilinear."""
        around, mask = self.around, np.zeros((height, width), np.bool_)
        left, top = max(0, math.floor(around.left)), max(0, math.floor(around.top))
        right, bottom = min(width, math.ceil(around.right)), min(height, math.ceil(around.bottom))
        if left >= right or top >= bottom:
            return mask
        x = (torch.arange(left, right) + 0.5 - around.left) / around.width * 2 - 1
        y = (torch.arange(top, bottom) + 0.5 - around.top) / around.height * 2 - 1
        places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None].float()
        values = F.grid_sample(logits[None, None].float(), places, mode="bilinear", align_corners=False)
        within = (places.abs() <= 1).all(-1)
        mask[top:bottom, left:right] = ((values[0, 0] > 0) & within[0]).numpy()
        return mask
