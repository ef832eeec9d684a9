"""What networks that learnt from spoiled outlines of other patients see in a patient's frames; a file a fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import torch
from folds import FOLDS, IDS, fold, frames, test_patients
from label_corruption import Corruption, corrupt
from numpy.typing import NDArray
from simulation import network
from simulation.augmentation import bending, noise_fields, standardise
from simulation.training import Frames, Slot, functions
from ubpd import CLASSES

from dmr.annotate.scans.sector import find_sector
from dmr.model.data.dataset import Sample, training_set

SIDE, STEPS, BATCH = 128, 600, 32
STATE: Final = Path("build/labelerrors")
SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """The frames of the patients who are not test patients, all classes covered.

    Attributes:
        samples: As the physicians left them.
        spoiled: The same with errors.
        corruptions: The errors.
        pixels: `(N, S, S)` uint8.
        clean: `(N, S, S)` uint8 targets of `samples`.
        targets: `(N, S, S)` uint8 targets of `spoiled`.
    """

    samples: list[Sample]
    spoiled: list[Sample]
    corruptions: list[Corruption]
    pixels: torch.Tensor
    clean: torch.Tensor
    targets: torch.Tensor


def spoiled_set() -> Set:
    """Read the frames and put the errors in; the same at every call."""
    data = frames(SIDE)
    data = data.part(data.patients - test_patients(data.patients))
    samples = [replace(s, annotation=replace(s.annotation, covered=frozenset(IDS))) for s in data.native]
    drawn, corruptions = corrupt([s.annotation for s in samples], generator=np.random.default_rng(SEED))
    spoiled = [replace(s, annotation=a) for s, a in zip(samples, drawn, strict=True)]
    rows = [c.frame for c in corruptions]
    changed = [replace(spoiled[i], sector=find_sector(spoiled[i].pixels)) for i in rows]
    targets = data.grid.targets.clone()
    targets[rows] = training_set(changed, class_ids=IDS, classes=CLASSES, size=SIDE).targets
    return Set(samples, spoiled, corruptions, data.grid.frames, data.grid.targets, targets)


def probabilities(data: Set, *, folds: range = range(FOLDS)) -> NDArray[np.uint8]:
    """`(N, 1 + C, S, S)` probabilities times 255; a fold is trained where it is not kept yet."""
    patients = {s.patient or "" for s in data.samples}
    found = np.zeros((len(data.samples), 1 + len(IDS), SIDE, SIDE), np.uint8)
    stamp = sha256(data.targets.numpy().tobytes() + f"{STEPS} {SEED} {network.NAME}".encode()).hexdigest()[:12]
    for k in folds:
        held = fold(patients, k)
        mask = np.array([s.patient in held for s in data.samples])
        path = STATE / f"fold-{k}-{stamp}.npz"
        if not path.exists():
            learnt, seen = np.flatnonzero(~mask), np.flatnonzero(mask)
            made, seconds = _train_and_predict(data, learnt, seen, seed=k)
            print(f"fold {k}: {len(learnt)} frames learnt, {len(seen)} predicted, {seconds:.0f} s", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npz")
            np.savez_compressed(part, probabilities=made)
            part.replace(path)
        with np.load(path) as kept:
            found[mask] = kept["probabilities"]
    return found


def _train_and_predict(
    data: Set, learnt: NDArray[np.intp], seen: NDArray[np.intp], *, seed: int
) -> tuple[NDArray[np.uint8], float]:
    layout = network.Layout(network.shapes_of(len(IDS)))
    device = torch.device("cpu")
    covered = torch.ones(len(data.samples), len(IDS), dtype=torch.bool)
    held = Frames(data.pixels, data.targets, covered, noise_fields(SIDE, device), bending(SIDE))
    slot = Slot(held, layout, functions(layout, compiled=False), most=STEPS, dtype=torch.bfloat16)
    vector, seconds = slot.train(learnt, steps=STEPS, seed=seed)
    return np.concatenate([_predict(layout, vector, data.pixels[part]) for part in _parts(seen)]), seconds


def _parts(rows: NDArray[np.intp]) -> list[torch.Tensor]:
    return [torch.from_numpy(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]


@torch.no_grad()
def _predict(layout: network.Layout, vector: torch.Tensor, pixels: torch.Tensor) -> NDArray[np.uint8]:
    """Mean probability of a frame and its mirror image."""
    x = standardise(pixels[:, None].float() / 255)
    weights = layout.views(vector.float())
    found = network.run(weights, x)[0][0].softmax(1)
    mirrored = network.run(weights, x.flip(3))[0][0].softmax(1).flip(3)
    return np.asarray(((found + mirrored) / 2 * 255).round().to(torch.uint8).numpy())


if __name__ == "__main__":
    torch.set_num_threads(1)
    probabilities(spoiled_set())
