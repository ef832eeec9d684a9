"""Core-set: frames farthest from all that are labelled (Sener & Savarese 2018)."""

from __future__ import annotations

from .distance import both_units, farthest_first, nearest
from .pool import Choice, NotKnownError, Pool


def coreset(pool: Pool, n: int) -> list[Choice]:
    """Choose `n` frames by k-centre on the network's embeddings, or on pixels where there are none.

    Raises:
        NotKnownError: There are neither.
    """
    units = both_units(pool)
    if units is None:
        raise NotKnownError("embeddings or pixels")
    own, known = units
    if not len(own):
        return []
    reached = nearest(own, known)
    rows = farthest_first(own, n, reached=reached, start=int(pool.rng.integers(len(own))))
    return [Choice(i, pool.ids[i], "unlike all labelled frames", float(min(reached[i], 4.0))) for i in rows]
