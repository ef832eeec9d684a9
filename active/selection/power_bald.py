"""PowerBALD: BALD with noise, so that a batch is not ten times the same (Kirsch et al. 2023)."""

from __future__ import annotations

from .noise import power_noise
from .pool import Choice, Pool, best, needed


def power_bald(pool: Pool, n: int, *, beta: float = 1.0) -> list[Choice]:
    """Draw `n` frames in proportion to their mutual information to the power of `beta`."""
    scores = power_noise(needed(pool.whole_bald, "mutual information"), beta=beta, rng=pool.rng)
    return best(pool, scores, n, reason="drawn where looks disagree")
