"""Boxes and clicks as a physician might give them, simulated for the training.

All random numbers come from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Generator, Tensor

from ..data.augment import Augmentation, change_echoes, sampling_grid
from .crop import MARGIN
from .structures import WIDE, Structures

REACH: Final = 0.04  # radius of a click on the grid, as a share of the grid's side
SHALLOW: Final = 1.5  # grid pixels; nobody clicks into an error that is nowhere deeper
CHANGES: Final = Augmentation(rotate=10.0, scale=1.2, shift=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Boxed:
    """Structures in boxes.

    Attributes:
        crops: `(B, 1, S, S)` float32 in 0 to 1.
        targets: `(B, 1, S, S)` float32, 0 or 1.
        channels: `(B,)` int64.
        sizes: `(B, 2)` float32; see `box_size`.
    """

    crops: Tensor
    targets: Tensor
    channels: Tensor
    sizes: Tensor


def boxed(some: Structures, indices: Tensor, *, size: int, moved: float, generator: Generator) -> Boxed:
    """Change structures at random, and put a box around each that is a little off.

    Args:
        some: The structures.
        indices: Which of them.
        size: Side of the network's grid, pixels.
        moved: How far a side of the box is off at most, as a share of its length.
        generator: The source of all random numbers.
    """
    n, side = len(indices), some.patches.shape[-1]
    grid = sampling_grid(n, side, CHANGES, generator)
    patches = some.patches[indices][:, None].float() / 255
    both = torch.cat([patches, some.masks[indices][:, None].float()], 1)
    both = F.grid_sample(both, grid, mode="bilinear", align_corners=False)
    tight = _boxes(both[:, 1] > 0.5)
    lengths = tight[:, 2:] - tight[:, :2]
    far = torch.rand(n, 1, generator=generator) * moved
    off = (torch.rand(n, 4, generator=generator) * 2 - 1) * far * lengths.repeat(1, 2)
    boxes = tight + off
    middles, lengths = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = (lengths * MARGIN / 2).unbind(1)
    theta[:, :, 2] = middles
    crops = F.grid_sample(both, F.affine_grid(theta, [n, 2, size, size], align_corners=False), align_corners=False)
    # Places on the patch go from -1 to 1 over `WIDE` boxes.
    sizes = some.sizes[indices] + (lengths * WIDE / 2).log()
    frames = change_echoes(crops[:, :1], CHANGES, generator)
    return Boxed(frames, (crops[:, 1:] > 0.5).float(), some.channels[indices], sizes)


def _boxes(masks: Tensor) -> Tensor:
    """The boxes around masks `(B, P, P)`: `(B, 4)` left, top, right, bottom, -1 to 1; of an empty mask, the middle."""
    side = masks.shape[-1]
    found = []
    for taken in (masks.any(1), masks.any(2)):  # columns, rows
        first = taken.float().argmax(1)
        last = side - taken.flip(1).float().argmax(1)
        some = taken.any(1)
        found += [torch.where(some, first, side // 4), torch.where(some, last, side - side // 4)]
    left, right, top, bottom = found
    return torch.stack([left, top, right, bottom], 1).float() / side * 2 - 1


def click_map(places: list[tuple[float, float]], *, size: int) -> NDArray[np.float32]:
    """Clicks `(x, y)` in the grid's pixels -> `(size, size)`: 1 at a click, falling to 0 around it."""
    middles = np.arange(size) + 0.5
    drawn = np.zeros((size, size), np.float32)
    for x, y in places:
        squares = (middles[None, :] - x) ** 2 + (middles[:, None] - y) ** 2
        np.maximum(drawn, np.exp(-squares / (2 * (REACH * size) ** 2)), out=drawn)
    return drawn


def deepest_error(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], *, shallow: float = SHALLOW
) -> tuple[float, float, bool] | None:
    """Where a physician would click: the deepest place of what is wrong.

    Args:
        found: `(height, width)`: the outline's pixels.
        truth: `(height, width)`: those of the structure.
        shallow: Pixels; errors that are nowhere deeper are left as they are.

    Returns:
        `x`, `y`, and whether this place lies inside the structure; None if nothing is wrong.
    """
    deepest: tuple[float, float, bool] | None = None
    most = shallow
    for wrong, inside in ((truth & ~found, True), (found & ~truth, False)):
        if not wrong.any():
            continue
        rows, columns = np.flatnonzero(wrong.any(1)), np.flatnonzero(wrong.any(0))
        top, left = int(rows[0]), int(columns[0])
        part = np.pad(wrong[top : rows[-1] + 1, left : columns[-1] + 1], 1)  # a frame's edge is an edge too
        depth = ndimage.distance_transform_edt(part)
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        if depth[row, column] > most:
            most = float(depth[row, column])
            deepest = (left + float(column) - 0.5, top + float(row) - 0.5, inside)
    return deepest


def simulated_clicks(logits: Tensor, targets: Tensor, *, most: int, generator: Generator) -> Tensor:
    """Clicks into what is wrong.

    Args:
        logits: `(B, 1, S, S)` of an answer without clicks.
        targets: `(B, 1, S, S)`, 0 or 1.
        most: Most clicks into one structure; fewer are as likely.
        generator: The source of all random numbers.

    Returns:
        `(B, 2, S, S)` float32: clicks inside and clicks outside.
    """
    size = targets.shape[-1]
    made = np.zeros((len(targets), 2, size, size), np.float32)
    counts = torch.randint(1, most + 1, (len(targets),), generator=generator).tolist()
    for one, found, truth, count in zip(
        made, (logits[:, 0] > 0).cpu().numpy(), (targets[:, 0] > 0.5).cpu().numpy(), counts, strict=True
    ):
        places: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
        left = found.copy()
        for _ in range(count):
            click = deepest_error(left, truth)
            if click is None:
                break
            x, y, inside = click
            places[0 if inside else 1].append((x, y))
            near = click_map([(x, y)], size=size) > 0.1
            left[near] = truth[near]  # the next click goes elsewhere
        for k in range(2):
            one[k] = click_map(places[k], size=size)
    return torch.from_numpy(made)
