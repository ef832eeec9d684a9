"""Pictures of the frames that strategies ask for first: after the 16 shared frames of a seed, the next 20 of each.

A sheet for each strategy shows frame by frame the draft, what the physician drew, the reason and the patient's number.
The sheets show frames that may not be passed on, so they go into an ignored folder.

    PYTHONPATH=benchmarks python -m simulation.choices --seed 0 --to build/choices
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation import network
from simulation.pack import PLACE
from simulation.rounds import INITIAL, Packed, initial, pool_of
from simulation.scoring import score
from simulation.training import Slot, functions
from ubpd import CLASSES

from dmr.active.selection.pool import Choice, Pool
from dmr.active.selection.reasons import why
from dmr.active.selection.strategies import STRATEGIES
from dmr.annotate.geometry.trace import index_to_shapes
from dmr.annotate.render.overlay import contact_sheet, draw_overlay
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation

SHOWN: Final = 20
STEPS: Final = 600
LARGER: Final = 2  # times the grid, so that a nerve can be seen
SAME: Final = 0.98  # correlation of down-scaled pixels from which frames of a patient are near-copies
FOLDER: Final = Path("build/choices")


def drawn(pixels: NDArray[np.uint8], index: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame with the outlines of an index mask, larger."""
    big = np.kron(np.where(index <= len(CLASSES), index, 0), np.ones((LARGER, LARGER), np.uint8))
    shapes = index_to_shapes(big, tolerance=1.0)
    ids = [c.id for c in CLASSES]
    assert ids == list(range(1, 1 + len(ids))), "channels are class ids"
    annotation = Annotation(big.shape[0], big.shape[1], shapes, frozenset(ids))
    return draw_overlay(np.kron(pixels, np.ones((LARGER, LARGER), np.uint8)), annotation, classes=CLASSES)


def facts(pool: Pool, chosen: list[Choice]) -> str:
    """How many patients, and how many frames that are near-copies of an earlier one."""
    rows = [c.index for c in chosen]
    assert pool.pixels is not None
    likeness = np.corrcoef(pool.pixels[rows])
    copies = sum(
        any(likeness[i, j] >= SAME and pool.patients[rows[i]] == pool.patients[rows[j]] for j in range(i))
        for i in range(len(rows))
    )
    known = set(pool.labelled.patients)
    patients = {pool.patients[r] for r in rows}
    return f"{len(patients)} patients, {len(patients - known)} of them new; {copies} near-copies"


def cells(packed: Packed, rows: NDArray[np.intp], drafts: Any, pool: Pool, chosen: list[Choice]) -> list[Any]:
    """Draft and truth of each chosen frame, with its caption."""
    found = []
    for place, c in enumerate(chosen, 1):
        row = int(rows[c.index])
        pixels, truth = packed.frames.pixels[row].numpy(), packed.frames.targets[row].numpy()
        pair = np.concatenate([drawn(pixels, drafts[c.index]), drawn(pixels, truth)], axis=1)
        found.append((pair, f"{place}. patient {pool.patients[c.index]}; {why(pool, c.index)}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=PLACE)
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    args = parser.parse_args()
    packed = Packed.load(args.pack, torch.device("cpu"))
    pool_rows = np.flatnonzero(packed.folds != args.seed % 5)
    state = initial(packed, pool_rows, args.seed)
    layout = network.Layout(network.shapes_of(len(packed.names)))
    slot = Slot(packed.frames, layout, functions(layout, compiled=False), most=args.steps, dtype=torch.float32)
    vector, seconds = slot.train(state.labelled, steps=args.steps, seed=args.seed * 1000 + INITIAL)
    print(f"{INITIAL} frames, {args.steps} steps: {seconds:.0f} s", flush=True)
    scores = score(layout, vector, packed.frames.pixels[pool_rows])
    new = ~np.isin(pool_rows, state.labelled)
    rows, drafts = pool_rows[new], scores.drafts[torch.from_numpy(new)].numpy().astype(np.uint8)
    args.to.mkdir(parents=True, exist_ok=True)
    asked: dict[str, set[int]] = {}
    for name in args.strategies.split(","):
        pool = pool_of(packed, pool_rows, state, scores, seed=args.seed, budget=INITIAL + SHOWN)
        chosen = STRATEGIES[name](pool, SHOWN)
        asked[name] = {c.index for c in chosen}
        legend = {c.name: c.color for c in CLASSES}
        sheet = contact_sheet(cells(packed, rows, drafts, pool, chosen), columns=5, cell_width=380, legend=legend)
        (args.to / f"{name}.png").write_bytes(encode_png(sheet))
        print(f"{name:12} {facts(pool, chosen)}; {state_of(packed, rows[[c.index for c in chosen]])}", flush=True)
    for a, b in combinations(asked, 2):
        if both := len(asked[a] & asked[b]):
            print(f"{both} of {SHOWN} the same: {a}, {b}")
    print(f"Left the draft, right what the physician drew: {args.to}/STRATEGY.png")


def state_of(packed: Packed, rows: NDArray[np.intp]) -> str:
    """In how many of these frames each class is drawn."""
    targets = packed.frames.targets[torch.from_numpy(rows)]
    counts = [f"{name} {int((targets == k).flatten(1).any(1).sum())}" for k, name in enumerate(packed.names, 1)]
    return "drawn in " + ", ".join(counts)


if __name__ == "__main__":
    main()
