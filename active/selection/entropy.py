"""Entropy: the network's uncertainty over the whole frame."""

from __future__ import annotations

from .pool import Choice, Pool, best, needed


def entropy(pool: Pool, n: int) -> list[Choice]:
    """The `n` frames of the highest mean entropy over all pixels."""
    return best(pool, needed(pool.whole_entropy, "entropy"), n, reason="the model is uncertain ({:.2f})")
