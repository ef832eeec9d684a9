"""Outlined structures with their surroundings, kept in memory as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ...annotate.geometry.raster import polygons_to_mask
from ...annotate.shapes import Shape
from ..data.dataset import Sample
from .crop import MARGIN, Crop
from .prompt import Box

WIDE: Final = 2.2  # side of the kept surroundings, in sides of the box: room to turn and stretch them
SMALLEST: Final = 4.0  # px; a structure that is narrower is left out


def sample_structures(shapes: Sequence[Shape], class_ids: Iterable[int]) -> Iterator[tuple[Shape, ...]]:
    """The structures of a frame, each with its parts and holes, which share a group."""
    wanted = frozenset(class_ids)
    groups: dict[tuple[int, int], list[Shape]] = {}
    for number, shape in enumerate(s for s in shapes if s.class_id in wanted):
        key = -1 - number if shape.group is None else shape.group
        groups.setdefault((shape.class_id, key), []).append(shape)
    for parts in groups.values():
        if any(not s.hole for s in parts):
            yield tuple(parts)


def structure_box(parts: Sequence[Shape]) -> Box:
    """The smallest box around a structure."""
    return Box.around(point for s in parts if not s.hole for point in s.points)


def box_size(box: Box, *, height: int, width: int) -> tuple[float, float]:
    """What the network is told of a box's size; see `RefineNet.forward`."""
    longer = max(height, width)
    return float(np.log(box.width / longer)), float(np.log(box.height / longer))


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Structures in the middle of their surroundings, which reach `WIDE` boxes, on a `P` x `P` grid.

    Attributes:
        patches: `(N, P, P)` uint8.
        masks: `(N, P, P)` bool.
        channels: `(N,)` int64: the class, from 0.
        sizes: `(N, 2)` float32; see `box_size`.
    """

    patches: Tensor
    masks: Tensor
    channels: Tensor
    sizes: Tensor

    def __len__(self) -> int:
        return len(self.patches)

    @classmethod
    def of(cls, samples: Iterable[Sample], *, class_ids: Sequence[int], size: int) -> Structures:
        """The structures of samples; only one sample is in memory at a time.

        Args:
            samples: Labelled frames.
            class_ids: The classes, the first one's channel is 0.
            size: Side of the network's grid, pixels.
        """
        side = 2 * round(size * WIDE / MARGIN / 2)
        patches, masks, channels, sizes = [], [], [], []
        for sample in samples:
            height, width = sample.pixels.shape
            for parts in sample_structures(sample.annotation.shapes, class_ids):
                box = structure_box(parts)
                if min(box.width, box.height) < SMALLEST:
                    continue
                crop = Crop(box, side, WIDE)
                patches.append(crop.fit(sample.pixels))
                masks.append(polygons_to_mask([crop.fit_shape(s) for s in parts], height=side, width=side))
                channels.append(class_ids.index(parts[0].class_id))
                sizes.append(box_size(box, height=height, width=width))
        return cls(
            torch.from_numpy(np.stack(patches) if patches else np.zeros((0, side, side), np.uint8)),
            torch.from_numpy(np.stack(masks) if masks else np.zeros((0, side, side), np.bool_)),
            torch.tensor(channels, dtype=torch.long),
            torch.tensor(sizes, dtype=torch.float32).view(-1, 2),
        )

    def weights(self) -> Tensor:
        """How often each is drawn: all classes equally often, `(N,)`."""
        counts = torch.bincount(self.channels)
        return 1 / counts[self.channels].double()
