"""Pack frames with outlines into one file: pixels, targets, coverage, patients, folds.

They are the development frames that are no test patients', or synthetic frames of the phantom. The grid of trainings
reads this file alone, so it runs where neither the frames nor `dmr` are at hand. Patients are numbers in it, and frames
have hashed ids. It goes into an ignored folder: real frames are not part of the repository.

    PYTHONPATH=benchmarks python -m simulation.pack
    PYTHONPATH=benchmarks python -m simulation.pack --phantom 40 --to build/simulation/phantom-128.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import folds
import numpy as np
from folds import FOLDS
from ubpd import CLASSES

from dmr.annotate.classes import Classes
from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.settings.template import SHAMROCK_CLASSES
from dmr.model.data.dataset import Sample, TrainingSet, training_set

PLACE = Path("build/simulation/ubpd-128.npz")
LARGEST_MIB = 40
PHANTOM_FRAMES, PHANTOM_SEED = 8, 50  # frames of a clip; no other benchmark draws from this seed


def phantom_samples(patients: int) -> Iterator[Sample]:
    """Synthetic frames with their exact outlines, a clip a patient."""
    wanted = PhantomSet(patients, PHANTOM_FRAMES, seed=PHANTOM_SEED)
    for number in wanted.numbers():
        clip = wanted.clip(number)
        for k, frame in enumerate(clip.frames()):
            yield Sample(f"{number}_{k:03}", str(number), write_screen(frame.pixels, clip.view), frame.annotation, None)


def development(size: int) -> tuple[list[Sample], TrainingSet, dict[str, int]]:
    """The development frames that are no test patients', and each patient's fold."""
    data = folds.frames(size)
    fold_of = {p: k for k in range(FOLDS) for p in folds.fold(data.patients, k)}
    kept = data.part(set(fold_of))
    return kept.native, kept.grid, fold_of


def phantom(patients: int, size: int) -> tuple[list[Sample], TrainingSet, dict[str, int]]:
    """Synthetic frames, and each virtual patient's fold."""
    classes = Classes(SHAMROCK_CLASSES)
    samples = list(phantom_samples(patients))
    grid = training_set(samples, class_ids=[c.id for c in classes], classes=classes, size=size)
    names = list(dict.fromkeys(s.patient or "" for s in samples))
    return samples, grid, {name: i % FOLDS for i, name in enumerate(names)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=int, default=128, help="side of the grid, pixels")
    parser.add_argument("--phantom", type=int, metavar="PATIENTS", help="synthetic frames of so many virtual patients")
    parser.add_argument("--to", type=Path, default=PLACE)
    args = parser.parse_args()
    samples, grid, fold_of = phantom(args.phantom, args.input) if args.phantom else development(args.input)
    kept = sorted(fold_of, key=lambda p: sha256(f"dmr-sim-{p}".encode()).digest())
    number = {p: i for i, p in enumerate(kept)}
    patients = [s.patient or "" for s in samples]
    args.to.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        args.to,
        pixels=grid.frames.numpy(),
        targets=grid.targets.numpy(),
        covered=grid.covered.numpy(),
        ids=np.array([sha256(f"dmr-sim-{s.frame}".encode()).hexdigest()[:12] for s in samples]),
        patients=np.array([number[p] for p in patients], np.int16),
        folds=np.array([fold_of[p] for p in patients], np.int8),
        names=np.array([c.name for c in (SHAMROCK_CLASSES if args.phantom else CLASSES)]),
    )
    size = args.to.stat().st_size / 2**20
    print(f"{args.to}: {len(samples)} frames of {len(number)} patients, {size:.1f} MiB")
    if size > LARGEST_MIB:
        raise SystemExit(
            f"{args.to}: {size:.0f} MiB; at most {LARGEST_MIB} MiB can be carried along. Take fewer pixels."
        )


if __name__ == "__main__":
    main()
