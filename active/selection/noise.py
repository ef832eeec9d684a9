"""Noise on the logarithm of scores: draws without replacement, in proportion to a power of the score."""

from __future__ import annotations

import numpy as np

from .pool import Floats, Pool

FIRST_BETA, LAST_BETA = 1.0, 100.0  # ClaSP PE's schedule, arXiv:2601.13677


def power_noise(scores: Floats, *, beta: float, rng: np.random.Generator) -> Floats:
    """`log(score) + Gumbel / beta` `(n,)`: ranking by it draws by `score ** beta` (Kirsch et al. 2023)."""
    drawn = rng.gumbel(size=scores.shape)
    return np.asarray(np.log(np.maximum(scores, 1e-9)) + drawn / beta)


def scheduled_beta(pool: Pool, *, first: float = FIRST_BETA, last: float = LAST_BETA) -> float:
    """From much noise in the first round to next to none in the last, in equal factors."""
    return float(first * (last / first) ** pool.progress)
