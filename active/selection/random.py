"""Plain random: every frame alike."""

from __future__ import annotations

from .pool import Choice, Pool


def at_random(pool: Pool, n: int) -> list[Choice]:
    """Draw `n` frames at random."""
    return [Choice(int(i), pool.ids[i], "drawn at random", 0.0) for i in pool.rng.permutation(len(pool))[:n]]
