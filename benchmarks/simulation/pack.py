"""Pack the development frames that are no test patients' into one file: pixels, targets, coverage, patients, folds.

The grid of trainings reads this file alone, so it runs where neither the frames nor `dmr` are at hand. Patients are
numbers in it, and frames have hashed ids. It goes into an ignored folder: frames are not part of the repository.

    PYTHONPATH=benchmarks python -m simulation.pack
"""

from __future__ import annotations

import argparse
from hashlib import sha256
from pathlib import Path

import numpy as np
from folds import FOLDS, fold, frames, test_patients
from ubpd import CLASSES

PLACE = Path("build/simulation/ubpd-128.npz")
LARGEST_MIB = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=int, default=128, help="side of the grid, pixels")
    parser.add_argument("--to", type=Path, default=PLACE)
    args = parser.parse_args()
    data = frames(args.input)
    kept = sorted(data.patients - test_patients(data.patients), key=lambda p: sha256(f"dmr-sim-{p}".encode()).digest())
    number = {p: i for i, p in enumerate(kept)}
    fold_of = {p: k for k in range(FOLDS) for p in fold(data.patients, k)}
    at = [i for i, s in enumerate(data.native) if s.patient in number]
    patients = [data.native[i].patient or "" for i in at]
    args.to.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        args.to,
        pixels=data.grid.frames[at].numpy(),
        targets=data.grid.targets[at].numpy(),
        covered=data.grid.covered[at].numpy(),
        ids=np.array([sha256(f"dmr-sim-{data.native[i].frame}".encode()).hexdigest()[:12] for i in at]),
        patients=np.array([number[p] for p in patients], np.int16),
        folds=np.array([fold_of[p] for p in patients], np.int8),
        names=np.array(CLASSES.names),
    )
    size = args.to.stat().st_size / 2**20
    print(f"{args.to}: {len(at)} frames of {len(number)} patients, {size:.1f} MiB")
    if size > LARGEST_MIB:
        raise SystemExit(
            f"{args.to}: {size:.0f} MiB; at most {LARGEST_MIB} MiB can be carried along. Take fewer pixels."
        )


if __name__ == "__main__":
    main()
