"""The rounds of a simulation: who is chosen, what a strategy may know, and what it cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dmr.active.selection.strategies import STRATEGIES
from dmr.active.simulation import protocol
from dmr.active.simulation.effort import effort
from dmr.active.simulation.scoring import LOOKS, Scores, layers_of, score
from dmr.annotate.errors import UsageError

SIDE, CLASSES = 32, 2


def table(patients: int = 6, frames: int = 8) -> protocol.FrameTable:
    n = patients * frames
    who = np.array([f"p{i // frames}" for i in range(n)])
    small = np.random.default_rng(0).normal(size=(n, 256)).astype(np.float32)
    return protocol.FrameTable(np.array([f"f{i:03d}" for i in range(n)]), who, who, ("nerve", "artery"), small)


def looked(grey: Tensor, flip: bool, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
    """A network that finds class 1 where it is bright."""
    x = grey.flip(3) if flip else grey
    logits = torch.cat([torch.zeros_like(x), 20 * (x - 0.5), x - 5], 1) * gamma
    return logits, torch.nn.functional.adaptive_avg_pool2d(x, 8).flatten(1), x


def scores(n: int) -> Scores:
    pixels = torch.zeros(n, SIDE, SIDE, dtype=torch.uint8)
    for i in range(n):
        pixels[i, 4 : 8 + i % 9, i % 7 : 14 + i % 5] = 100 + 3 * i
    return score(looked, pixels, batch=7)


def test_the_first_frames_are_the_same_for_a_seed_and_spread_over_patients() -> None:
    frames, pool = table(), np.arange(8, 48)
    first = protocol.first_rows(frames, pool, seed=3, count=10)

    assert (first == protocol.first_rows(frames, pool, seed=3, count=10)).all()
    assert set(first) != set(protocol.first_rows(frames, pool, seed=4, count=10))
    assert len(set(first)) == 10 and set(first) <= set(pool)
    assert {str(p) for p in frames.patients[first]} == {"p1", "p2", "p3", "p4", "p5"}


@pytest.mark.parametrize("name", [*STRATEGIES, "informative:no-time+lead=2"])
def test_every_strategy_gets_what_it_needs_and_asks_for_new_frames_of_the_pool(name: str) -> None:
    frames, pool = table(), np.arange(8, 48)
    targets = torch.ones(48, SIDE, SIDE, dtype=torch.uint8)
    rows = protocol.first_rows(frames, pool, seed=0, count=10)
    state = protocol.begun(rows, effort(targets[rows], CLASSES, None))
    found = scores(len(pool))
    asked = protocol.pool_of(frames, pool, state, found, seed=0, budget=20, planned=3)
    chosen, place = protocol.chosen_rows(pool, state, protocol.strategy_of(name)(asked, 10))
    cost = effort(targets[chosen], CLASSES, found.drafts[torch.from_numpy(place)])
    after = protocol.corrected(state, chosen, cost, work=protocol.work_of(found, place), forecast=np.ones(10))

    assert len(asked) == 30 and len(asked.labelled) == 10
    assert len(set(after.labelled)) == 20 and set(after.labelled) <= set(pool)
    assert (after.rounds, len(after.measured)) == (2, 10)
    assert after.seconds == state.seconds + cost.seconds.sum()
    assert after.tally["touched"] == 20


@pytest.mark.parametrize("name", ["best", "random:no-time", "informative:time", "informative:no-such"])
def test_an_unknown_strategy_is_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=r"simulate: .*informative"):
        protocol.strategy_of(name)


def test_scores_are_of_one_class_each_and_a_mirrored_look_is_mirrored_back() -> None:
    found = scores(9)

    assert len(LOOKS) == 6
    assert found.entropy.shape == (9, CLASSES) and found.drafts.shape == (9, SIDE, SIDE)
    assert (found.presence[:, 0] >= 0).all() and (found.presence <= 1).all()
    assert (found.guessed >= 0).all() and (found.guessed <= 1).all()
    bright = score(looked, torch.full((1, SIDE, SIDE), 250, dtype=torch.uint8))
    assert (bright.drafts == 1).all()
    assert bright.length.tolist() == [[4 * (SIDE - 1), 0]]


def test_a_class_with_another_inside_has_the_pixels_of_both() -> None:
    index = torch.tensor([[[1, 2], [0, 2]]], dtype=torch.uint8)
    inside = torch.tensor([[False, True], [False, False]])

    assert layers_of(index, 2, inside)[0].int().tolist() == [[[1, 1], [0, 1]], [[0, 1], [0, 1]]]
