"""An experiment: ask for whole frames, or for single structures of more frames, for the same minutes of a physician.

Each fold begins with 64 frames that are outlined whole, and a network that has learnt from them. Then one round more:
64 whole frames, or frames of which only those structures are asked for that are still predicted badly, until the same
minutes are used up. Both learn from batches balanced by class. A finished training is a line of
`results/structures.csv`.

    PYTHONPATH=benchmarks python -m simulation.structures --folds 0,1,2
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from parts import add, lines
from simulation import network
from simulation.pack import PLACE
from simulation.rounds import Packed, initial, pool_of
from simulation.scoring import dice, score
from simulation.training import BATCH, Frames, Rows, Slot, functions

from dmr.active.selection.seconds import PREDICTED
from dmr.active.selection.strategies import STRATEGIES
from dmr.active.simulation.effort import effort
from dmr.active.simulation.scoring import Scores

FIRST, MORE = 64, 64
STEPS: Final = 600
Network = tuple[network.Layout, torch.Tensor]
ARMS: Final = ("first", "whole", "structures")
LEAST_SHARE: Final = 0.1  # of the asked frames, in which a class that is predicted well is still asked for


def asked_of(scores: Scores, rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """`(rows, C)`: which structures are asked for: all of the class predicted worst, of the others in proportion."""
    there = scores.presence >= PREDICTED
    needs = 1 - (scores.guessed * there).sum(0) / np.maximum(there.sum(0), 1)
    share = np.maximum(needs / needs.max(), LEAST_SHARE)
    print("asked for, share of frames:", np.round(share, 2), flush=True)
    return np.asarray(rng.random((rows, len(share))) < share)


def only(frames: Frames, rows: NDArray[np.intp], asked: NDArray[np.bool_]) -> Frames:
    """Frames of which, at `rows`, nothing is drawn but what was asked for."""
    covered, targets = frames.covered.clone(), frames.targets.clone()
    at = torch.from_numpy(rows)
    covered[at] &= torch.from_numpy(asked)
    for k in range(asked.shape[1]):
        own = targets[at]
        hidden = torch.from_numpy(~asked[:, k])[:, None, None] & (own == k + 1)
        targets[at] = torch.where(hidden, 0, own)
    return replace(frames, covered=covered, targets=targets)


def balanced(covered: NDArray[np.bool_], rows: Rows, steps: int, rng: np.random.Generator) -> Rows:
    """Rows for all steps: the classes take turns, and each takes the next of its own frames, in random order."""
    own = [rows[covered[rows, k]] for k in range(covered.shape[1])]
    turns = [np.concatenate([rng.permutation(o) for _ in range(steps * BATCH // len(o) + 1)]) for o in own]
    order = np.array([turns[n % len(own)][n // len(own)] for n in range(steps * BATCH)])
    return np.asarray(order.reshape(steps, BATCH))


def train(packed: Packed, frames: Frames, rows: Rows, *, seed: int, in_balance: bool) -> Network:
    """A network from scratch."""
    layout = network.Layout(network.shapes_of(len(packed.names)))
    slot = Slot(frames, layout, functions(layout, compiled=False), most=STEPS, dtype=torch.bfloat16)
    order = balanced(frames.covered.numpy(), rows, STEPS, np.random.default_rng(seed)) if in_balance else None
    return layout, slot.train(rows, steps=STEPS, seed=seed, order=order)[0]


def run(packed: Packed, fold: int) -> None:
    """The trainings of one fold that have no line yet."""
    done = {(row["run"], row["fold"]) for row in lines("structures")}
    if all((arm, fold) in done for arm in ARMS):
        return
    pool = np.flatnonzero(packed.folds != fold)
    held = np.flatnonzero(packed.folds == fold)
    frames, classes = packed.frames, len(packed.names)

    def finish(arm: str, found: Frames, rows: Rows, minutes: float) -> Network:
        layout, vector = train(packed, found, rows, seed=1000 * fold + len(rows) % 997, in_balance=arm != "first")
        values = dice(layout, vector, frames.pixels[held], frames.targets[held], classes)
        outlines = int(found.covered[torch.from_numpy(rows)].sum())
        row = {"run": arm, "fold": fold, "frames": len(rows), "outlines": outlines, "minutes": round(minutes, 2)}
        row |= {f"dice_{name}": round(float(d), 4) for name, d in zip(packed.names, values, strict=True)}
        row |= {"dice_mean": round(float(values.mean()), 4), "network": network.NAME, "steps": STEPS}
        if (arm, fold) not in done:
            add("structures", row)
        print(row, flush=True)
        return layout, vector

    state = initial(packed, pool, fold, count=FIRST)
    layout, vector = finish("first", frames, state.labelled, state.seconds / 60)
    scores = score(layout, vector, frames.pixels[pool])
    candidates = pool_of(packed, pool, state, scores, seed=fold, budget=FIRST + MORE)
    rest = pool[~np.isin(pool, state.labelled)]
    order = rest[[c.index for c in STRATEGIES["foreground"](candidates, len(rest))]]
    drafts = scores.drafts[np.searchsorted(pool, order)]
    whole = effort(frames.targets[order], classes, drafts).seconds
    spent = float(whole[:MORE].sum())
    if ("whole", fold) not in done:
        finish("whole", frames, np.concatenate([state.labelled, order[:MORE]]), (state.seconds + spent) / 60)
    asked = asked_of(scores, len(order), np.random.default_rng([fold, 1]))
    found = only(frames, order, asked)
    cost = effort(found.targets[order], classes, drafts).seconds
    many = int(np.searchsorted(np.cumsum(cost), spent, side="right"))
    rows = np.concatenate([state.labelled, order[:many]])
    finish(
        "structures", found, rows[found.covered[rows].numpy().any(1)], (state.seconds + float(cost[:many].sum())) / 60
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=PLACE)
    parser.add_argument("--folds", default="0,1,2")
    args = parser.parse_args()
    packed = Packed.load(args.pack, torch.device("cpu"))
    for fold in args.folds.split(","):
        run(packed, int(fold))


if __name__ == "__main__":
    main()
