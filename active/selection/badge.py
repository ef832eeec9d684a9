"""BADGE: frames whose gradients are large and different (Ash et al. 2020)."""

from __future__ import annotations

import numpy as np

from .pool import Choice, Pool, needed


def badge(pool: Pool, n: int) -> list[Choice]:
    """Choose `n` frames by k-means++ on the gradients of the last layer."""
    vectors = needed(pool.gradients, "gradients").astype(np.float64)
    if not len(vectors) or n < 1:
        return []
    squares = (vectors**2).sum(1)
    rows = [int(np.argmax(squares))]
    reached = np.full(len(vectors), np.inf)
    while len(rows) < min(n, len(vectors)):
        last = vectors[rows[-1]]
        reached = np.minimum(reached, np.maximum(squares + last @ last - 2 * vectors @ last, 0))
        reached[rows] = 0
        total = reached.sum()
        free = np.ones(len(vectors)) / (len(vectors) - len(rows))
        free[rows] = 0
        p = reached / total if total > 0 else free
        rows.append(int(pool.rng.choice(len(vectors), p=p)))
    return [Choice(i, pool.ids[i], "would change the model, and unlike the others", float(squares[i])) for i in rows]
