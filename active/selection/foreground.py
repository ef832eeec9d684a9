"""Foreground-aware patient-stratified random: the baseline of every comparison.

No published method reliably beats random that knows where the foreground is (nnActive, TMLR 2025).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .pool import Choice, Pool
from .stratified import stratified
from .turns import in_turns, shares

SHARE: Final = 2 / 3  # of the batch drawn among predicted foreground, as nnActive's `random 66 % FG`
PRESENT: Final = 0.5  # a class whose highest probability is below is not predicted


def foreground(pool: Pool, n: int) -> list[Choice]:
    """Draw two thirds among frames in which a class is predicted, a class after the other, and the rest among all."""
    if pool.presence is None:
        return stratified(pool, n)
    quotas = shares(round(SHARE * n), np.ones(len(pool.names)))
    chosen: list[int] = []
    why: list[str] = []
    for k, quota in enumerate(quotas):
        among = np.flatnonzero(pool.presence[:, k] >= PRESENT)
        more = in_turns(pool, quota, among=among, taken=chosen)
        chosen += more
        why += [f"drawn at random among frames with {pool.names[k].replace('_', ' ')}"] * len(more)
    rest = in_turns(pool, n - len(chosen), taken=chosen)
    chosen += rest
    why += ["drawn at random, of a patient with few labelled frames"] * len(rest)
    return [Choice(chosen[k], pool.ids[chosen[k]], why[k], 0.0) for k in pool.rng.permutation(len(chosen))]
