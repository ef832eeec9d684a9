"""The development set on a network's grid, kept between runs, and its folds of patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch
from ubpd import CLASSES, is_test_patient, samples

from dmr.model.data.dataset import Sample, TrainingSet, training_set

IDS = tuple(c.id for c in CLASSES)
FOLDS = 5
STATE = Path("build/bench-peers")


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames at native size, to score, and on the grid, to learn from; both in the same order."""

    native: list[Sample]
    grid: TrainingSet

    def part(self, patients: set[str]) -> Frames:
        """The frames of these patients."""
        keep = [i for i, s in enumerate(self.native) if s.patient in patients]
        g = self.grid
        at = torch.tensor(keep, dtype=torch.long)
        grid = TrainingSet(g.frames[at], g.targets[at], g.covered[at], tuple(g.patients[i] for i in keep), g.inside)
        return Frames([self.native[i] for i in keep], grid)

    @property
    def patients(self) -> set[str]:
        return {s.patient or "" for s in self.native}


def frames(size: int) -> Frames:
    """All frames on a grid of `size`; the grid is kept in the state folder, because making it takes a minute."""
    path = STATE / f"frames-{size}.pt"
    found = list(samples(sectors=not path.exists()))
    if not path.exists():
        made = training_set(found, class_ids=IDS, classes=CLASSES, size=size)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save([made.frames, made.targets, made.covered], path)
        found = [replace(s, sector=None) for s in found]  # as in later runs, so that figures are the same
    pixels, targets, covered = torch.load(path, weights_only=True)
    return Frames(found, TrainingSet(pixels, targets, covered, tuple(s.patient for s in found)))


def test_patients(patients: set[str]) -> set[str]:
    """The test patients, which are the same for every benchmark on this set."""
    return {p for p in patients if is_test_patient(p)}


def fold(patients: set[str], k: int) -> set[str]:
    """The `k`-th of five folds of the patients who are not test patients; folds differ by one patient at most."""
    order = sorted(patients - test_patients(patients), key=lambda p: sha256(f"dmr-fold-{p}".encode()).hexdigest())
    return set(order[k::FOLDS])
