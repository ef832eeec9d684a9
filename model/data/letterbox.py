"""Put a frame of any size on the network's square grid, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from ...annotate.shapes import Ring, Shape


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a frame lies on a square grid: scaled to fit, centred, with zeros around it.

    Attributes:
        height: Rows of the frame.
        width: Columns of the frame.
        size: Side of the grid.
    """

    height: int
    width: int
    size: int

    @property
    def inner(self) -> tuple[int, int]:
        """Rows and columns of the grid that the frame fills."""
        scale = self.size / max(self.height, self.width)
        return max(1, round(self.height * scale)), max(1, round(self.width * scale))

    @property
    def offset(self) -> tuple[int, int]:
        """First row and column of the grid that the frame fills."""
        rows, columns = self.inner
        return (self.size - rows) // 2, (self.size - columns) // 2

    @property
    def window(self) -> tuple[slice, slice]:
        """The frame's part of the grid."""
        (rows, columns), (top, left) = self.inner, self.offset
        return slice(top, top + rows), slice(left, left + columns)

    def fit(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`(height, width)` uint8 -> `(size, size)` uint8; pixels that fall together are averaged."""
        grid = np.zeros((self.size, self.size), np.uint8)
        rows, columns = self.inner
        image = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
        grid[self.window] = np.asarray(image)
        return grid

    def fit_ring(self, ring: Ring) -> Ring:
        """An outline in the frame's pixels -> in the grid's."""
        (rows, columns), (top, left) = self.inner, self.offset
        sx, sy = columns / self.width, rows / self.height
        return tuple((x * sx + left, y * sy + top) for x, y in ring)

    def fit_shape(self, shape: Shape) -> Shape:
        """A shape in the frame's pixels -> in the grid's."""
        return Shape(shape.class_id, self.fit_ring(shape.points), hole=shape.hole, group=shape.group)

    def restore(self, logits: torch.Tensor) -> torch.Tensor:
        """`(C, size, size)` -> `(C, height, width)`, bilinear."""
        inner = logits[(..., *self.window)]
        return F.interpolate(inner[None], (self.height, self.width), mode="bilinear", align_corners=False)[0]
