"""The labelled frames of a workspace on the simulation's grid, and which patients each seed holds out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.classes import Classes
from ...annotate.errors import UsageError
from ...annotate.system.canonical import canonical_json
from ...annotate.wording import counted
from ...annotate.workspace import Session
from ...model.data.dataset import Sample, TrainingSet, training_set
from ...model.data.loading import workspace_samples
from .protocol import FrameTable, Indices, small_frames

FOLDS: Final = 5  # parts of the patients, or as many as there are patients


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All that the trainings of a simulation share.

    Attributes:
        grid: The frames, targets and coverage.
        table: What strategies may know of them.
        folds: `(n,)` the fold of each frame's patient.
        mm: `(n,)` millimetres a pixel of the grid; nan where the spacing is not known.
        contains: For each channel, the channels that lie inside it.
        data: A hash of the outlines, the classes and the folds.
    """

    grid: TrainingSet
    table: FrameTable
    folds: NDArray[np.intp]
    mm: NDArray[np.float64]
    contains: dict[int, frozenset[int]]
    data: str

    def pool(self, seed: int) -> Indices:
        """Rows that may be labelled with a seed: all but those of its fold."""
        return np.flatnonzero(self.folds != seed % self.fold_count)

    def held_out(self, seed: int) -> Indices:
        """Rows of the patients that a seed holds out."""
        return np.flatnonzero(self.folds == seed % self.fold_count)

    @property
    def fold_count(self) -> int:
        """How many parts the patients are in."""
        return int(self.folds.max()) + 1

    @property
    def smallest_pool(self) -> int:
        """Frames that may be labelled in the fold that has the fewest."""
        return min(len(self.pool(k)) for k in range(self.fold_count))

    def part(self, rows: Indices) -> TrainingSet:
        """These frames alone."""
        g, at = self.grid, torch.from_numpy(np.asarray(rows, np.int64))
        return TrainingSet(g.frames[at], g.targets[at], g.covered[at], tuple(g.patients[i] for i in rows), g.inside)


def load_study(s: Session, *, size: int) -> Study:
    """Read the labelled frames of training and validation patients; test patients are not looked at.

    Raises:
        UsageError: They are of fewer than two patients.
    """
    labelled = [f for f in s.catalogue.settled_frames(["train", "validation"]) if f.annotation.covered]
    known = [f for f in labelled if f.frame.patient is not None]
    if len(known) < len(labelled):
        s.report.count("frames of unknown patients, left out", len(labelled) - len(known))
    if (patients := len({f.frame.patient for f in known})) < 2:
        what = f"{counted(patients, 'patients')} with outlines for training and validation; it takes at least 2"
        raise UsageError("simulate", what, "Outline frames of more patients, or import them: dmr import")
    classes = s.settings.classes
    read: list[tuple[str, float]] = []
    grid = training_set(
        _noted(workspace_samples(s.workspace, known, report=s.report), read, size=size),
        class_ids=list(classes.predicted),
        classes=classes,
        size=size,
    )
    of_patient = np.array([str(p) for p in grid.patients])
    names = sorted(set(of_patient.tolist()))  # pseudonyms are keyed hashes: their order is random already
    fold_of = {name: k % min(FOLDS, len(names)) for k, name in enumerate(names)}
    clip = {f.frame.frame_id: f.frame.clip_id for f in known}
    frames = np.array([frame for frame, _ in read])
    table = FrameTable(
        frames,
        of_patient,
        np.array([clip[name] for name in frames]),
        tuple(classes.predicted.values()),
        small_frames(grid.frames.numpy().astype(np.float32)),
    )
    return Study(
        grid,
        table,
        np.array([fold_of[name] for name in of_patient.tolist()], np.intp),
        np.array([mm for _, mm in read]),
        _contained(classes),
        _digest(known, classes, fold_of),
    )


def _noted(samples: Iterator[Sample], read: list[tuple[str, float]], *, size: int) -> Iterator[Sample]:
    """The samples; the frame and the millimetres a pixel of each are noted as it passes."""
    for sample in samples:
        read.append((sample.frame, _mm(sample, size)))
        yield sample


def _mm(sample: Sample, size: int) -> float:
    if sample.spacing_mm is None:
        return float("nan")
    return sum(sample.spacing_mm) / 2 * max(sample.pixels.shape) / size


def _contained(classes: Classes) -> dict[int, frozenset[int]]:
    channel = {class_id: k for k, class_id in enumerate(classes.predicted, 1)}
    return {
        channel[i]: frozenset(channel[j] for j in inner if j in channel)
        for i, inner in classes.contained.items()
        if i in channel and inner
    }


def _digest(frames: list[LabelledFrame], classes: Classes, folds: dict[str, int]) -> str:
    key = [sorted(f.revision for f in frames), sorted(classes.predicted.items()), sorted(folds.items())]
    return sha256(canonical_json(key).encode()).hexdigest()[:12]
