"""BALD: where several looks at a frame disagree (Houlsby et al. 2011)."""

from __future__ import annotations

from .pool import Choice, Pool, best, needed


def bald(pool: Pool, n: int) -> list[Choice]:
    """The `n` frames of the highest mutual information over all pixels."""
    return best(pool, needed(pool.whole_bald, "mutual information"), n, reason="looks at it disagree ({:.3f})")
