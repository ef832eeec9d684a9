"""Margin: how close the two likeliest classes are, over the whole frame."""

from __future__ import annotations

from .pool import Choice, Pool, best, needed


def margin(pool: Pool, n: int) -> list[Choice]:
    """The `n` frames of the smallest mean margin (Scheffer et al. 2001)."""
    return best(pool, 1 - needed(pool.whole_margin, "margin"), n, reason="two structures are about as likely ({:.2f})")
