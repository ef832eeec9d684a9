"""Pools made on the spot, for the tests of the strategies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dmr.active.selection.strategies import Labelled, Pool

NAMES = ("nerve", "artery")


def make_pool(*, patients: int = 6, frames: int = 10, seed: int = 0, labelled: int = 4) -> Pool:
    """A pool with all that a network can say of it; the first patients have labelled frames."""
    made = np.random.default_rng(99)
    n = patients * frames
    who = tuple(f"p{i // frames}" for i in range(n))
    known = tuple(f"p{i % patients}" for i in range(labelled))
    return Pool(
        ids=tuple(f"f{i:03d}" for i in range(n)),
        clips=who,
        patients=who,
        rng=np.random.default_rng(seed),
        names=NAMES,
        entropy=made.uniform(0.1, 0.9, (n, 2)),
        presence=made.uniform(0.0, 1.0, (n, 2)),
        guessed=made.uniform(0.3, 0.9, (n, 2)),
        whole_entropy=made.uniform(size=n),
        whole_margin=made.uniform(size=n),
        whole_bald=made.uniform(0.01, 0.1, n),
        bald=made.uniform(0.01, 0.1, (n, 2)),
        embeddings=made.normal(size=(n, 8)),
        gradients=made.normal(size=(n, 6)),
        pixels=made.normal(size=(n, 16)),
        seconds=made.uniform(10, 90, n),
        labelled=Labelled(known, known, made.normal(size=(labelled, 8)), made.normal(size=(labelled, 16))),
        round_number=2,
        planned_rounds=6,
    )


def bare(pool: Pool) -> Pool:
    """The same pool before there is a network."""
    kept = Pool(pool.ids, pool.clips, pool.patients, pool.rng, pool.names, pixels=pool.pixels)
    return replace(kept, planned_rounds=pool.planned_rounds)
