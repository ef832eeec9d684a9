"""Labelled frames on the network's grid, kept in memory as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...annotate.classes import Classes
from ...annotate.geometry.raster import layers_to_index, shapes_to_layers
from ...annotate.scans.sector import sector_mask
from ...annotate.shapes import Annotation, Ring
from .letterbox import Letterbox

IGNORED = 255  # in a target: a pixel outside the sector or the frame, which counts in no loss


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled frame at its native size.

    Attributes:
        frame: The frame's id; for a frame from outside, a number and the file's name.
        patient: Pseudonym, or the patient's name in an outside folder; None where unknown.
        pixels: `(height, width)` uint8.
        annotation: What was drawn and what is covered.
        sector: Outline of the sector; None for the whole frame.
        spacing_mm: `(row, column)`, None where unknown.

    Example:
        >>> drawn = dmr.Annotation(100, 200, (dmr.Shape(1, ((10, 10), (40, 10), (40, 30))),), frozenset({1}))
        >>> dmr.Sample("p01_000", patient="p01", pixels=np.zeros((100, 200), np.uint8), annotation=drawn).frame
        'p01_000'
    """

    frame: str
    patient: str | None
    pixels: NDArray[np.uint8]
    annotation: Annotation
    sector: Ring | None = None
    spacing_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.pixels.shape != (self.annotation.height, self.annotation.width):
            drawn = (self.annotation.height, self.annotation.width)
            raise ValueError(f"pixels {self.pixels.shape} of {self.frame}: the annotation is of a frame of {drawn}")


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Part of a data set.

    Attributes:
        frames: `(B, 1, S, S)` float32 in 0 to 1, or uint8 before augmentation.
        targets: `(B, S, S)` int64 channels: 0 background, k the k-th class, `IGNORED`.
        covered: `(B, classes)` bool.
    """

    frames: Tensor
    targets: Tensor
    covered: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Frames and targets on an `S` x `S` grid, two bytes a pixel.

    Attributes:
        frames: `(N, S, S)` uint8.
        targets: `(N, S, S)` uint8.
        covered: `(N, classes)` bool.
        patients: The patient of each frame.
        inside: `(classes, classes)` bool: row k marks the classes that lie inside class k; None if there are none.
    """

    frames: Tensor
    targets: Tensor
    covered: Tensor
    patients: tuple[str | None, ...]
    inside: Tensor | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def batch(self, indices: Tensor) -> Batch:
        """The frames at `indices`, as bytes."""
        return Batch(self.frames[indices][:, None], self.targets[indices].long(), self.covered[indices])

    def class_shares(self) -> Tensor:
        """Share of the pixels of each class, background first: `(1 + classes,)`, all above 0.

        A class's share is taken over the frames in which it is covered or drawn, without `IGNORED` pixels.
        """
        targets = self.targets.flatten(1).long()
        counts = torch.stack([torch.bincount(t, minlength=IGNORED + 1) for t in targets])
        seen = counts[:, :IGNORED].sum(1, keepdim=True)
        drawn = counts[:, 1 : 1 + self.covered.shape[1]]
        known = self.covered | (drawn > 0)
        shares = ((drawn * known).sum(0) + 1) / ((seen * known).sum(0) + targets.shape[1])
        return torch.cat([(1 - shares.sum()).clamp(min=0.01)[None], shares])

    def weights(self, balance: float) -> Tensor:
        """How often each frame is drawn, `(N,)`, mean 1.

        Args:
            balance: 0 draws all frames equally often. 1 gives a frame more weight if its patient has few frames, and
                if few frames show its classes. Values between are in between.
        """
        patients: dict[str | None, int] = {}
        of = torch.tensor([patients.setdefault(p, len(patients)) for p in self.patients], dtype=torch.long)
        frames_of_patient = torch.bincount(of, minlength=max(1, len(patients)))[of].double()
        classes = range(1, 1 + self.covered.shape[1])
        drawn = torch.stack([(self.targets == k).flatten(1).any(1) for k in classes], 1).double()
        rarity = (drawn / drawn.sum(0).clamp(min=1)).sum(1) / drawn.sum(1).clamp(min=1)
        rarity = torch.where(rarity > 0, rarity, 1 / max(1, len(self)))  # a frame without any class
        weights = (rarity / frames_of_patient) ** balance
        return weights / weights.mean()

    def batches(self, size: int) -> Iterator[Batch]:
        """All frames in order, in batches of up to `size`."""
        for start in range(0, len(self), size):
            yield self.batch(torch.arange(start, min(start + size, len(self))))


def sample_target(sample: Sample, box: Letterbox, *, class_ids: Sequence[int], classes: Classes) -> NDArray[np.uint8]:
    """Paint a sample's outlines on the grid.

    A class that lies inside another hides it in the target. `index_to_layers` undoes this for predictions.

    Returns:
        `(S, S)` uint8: 0 background, k for `class_ids[k - 1]`, `IGNORED`.
    """
    shapes = [box.fit_shape(s) for s in sample.annotation.shapes if s.class_id in class_ids]
    layers = shapes_to_layers(shapes, class_ids=class_ids, height=box.size, width=box.size)
    order = [i for i in classes.paint_order() if i in class_ids]
    index, _ = layers_to_index(layers, class_ids=class_ids, paint_order=order)
    channels = np.zeros(256, np.uint8)
    channels[list(class_ids)] = np.arange(1, len(class_ids) + 1)
    target = channels[index]
    seen = np.zeros((box.size, box.size), bool)
    seen[box.window] = True
    if sample.sector is not None:
        seen &= sector_mask(box.fit_ring(sample.sector), height=box.size, width=box.size)
    target[~seen & (target == 0)] = IGNORED  # an outline outside the sector still counts
    return target


def training_set(samples: Iterable[Sample], *, class_ids: Sequence[int], classes: Classes, size: int) -> TrainingSet:
    """Put samples on the network's grid, one by one.

    Args:
        samples: Labelled frames; only one is in memory at a time.
        class_ids: The network's classes, channel 1 first.
        classes: The workspace's classes; they give the painting order, and which lies inside which.
        size: Side of the grid, pixels.
    """
    frames, targets, covered, patients = [], [], [], []
    for sample in samples:
        height, width = sample.pixels.shape
        box = Letterbox(height, width, size)
        frames.append(box.fit(sample.pixels))
        targets.append(sample_target(sample, box, class_ids=class_ids, classes=classes))
        covered.append([i in sample.annotation.covered for i in class_ids])
        patients.append(sample.patient)
    inside = torch.tensor([[j in classes.children(i) for j in class_ids] for i in class_ids])
    empty = np.zeros((0, size, size), np.uint8)
    return TrainingSet(
        torch.from_numpy(np.stack(frames) if frames else empty),
        torch.from_numpy(np.stack(targets) if targets else empty),
        torch.tensor(covered, dtype=torch.bool).view(-1, len(class_ids)),
        tuple(patients),
        inside if inside.any() else None,
    )
