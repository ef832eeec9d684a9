"""The caps a clip and a patient, for strategies that know none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .pool import Choice, Floats, Labelled, Pool, Strategy
from .turns import Allowance


def capped(strategy: Strategy, pool: Pool, n: int, *, per_clip: int, per_patient: int | None) -> list[Choice]:
    """`n` frames by a strategy that knows no caps: what goes beyond them is passed over, and it is asked again."""
    allowance = Allowance(pool, per_clip=per_clip, per_patient=per_patient, lead=None)
    free = np.ones(len(pool), bool)
    chosen: list[Choice] = []
    while len(chosen) < n and free.any():
        rows = np.flatnonzero(allowance.allowed(free))
        known = _with(pool, [c.index for c in chosen])
        for c in strategy(replace(pool.only(rows), labelled=known), n - len(chosen)):
            row = int(rows[c.index])
            if allowance.fits(row):
                allowance.take(row)
                free[row] = False
                chosen.append(replace(c, index=row))
    return chosen


def _with(pool: Pool, rows: Sequence[int]) -> Labelled:
    """What is labelled, with these candidates as if they were."""
    old = pool.labelled

    def joined(known: Floats | None, own: Floats | None) -> Floats | None:
        if own is None:
            return known
        return own[list(rows)] if known is None or not len(known) else np.concatenate([known, own[list(rows)]])

    if not rows:
        return old
    return Labelled(
        (*old.patients, *(pool.patients[i] for i in rows)),
        (*old.clips, *(pool.clips[i] for i in rows)),
        joined(old.embeddings, pool.embeddings),
        joined(old.pixels, pool.pixels),
    )
