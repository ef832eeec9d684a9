"""Near and far between frames: embeddings of unit length, near-copies, farthest-first."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from .pool import Floats, Pool


def unit(vectors: Floats) -> Floats:
    """`(n, d)` with rows of length 1, after the mean over the rows is taken away.

    The mean is what all frames share; without it cosines tell frames apart.
    """
    centred = vectors - vectors.mean(0, keepdims=True) if len(vectors) > 1 else vectors
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(length, 1e-12), dtype=np.float32)


def both_units(pool: Pool) -> tuple[Floats, Floats] | None:
    """Unit vectors of the candidates `(n, d)` and of the labelled `(m, d)`: embeddings, or else pixels, or None."""
    for own, other in (
        (pool.embeddings, pool.labelled.embeddings),
        (pool.pixels, pool.labelled.pixels),
    ):
        if own is not None:
            known = other if other is not None and len(other) else own[:0]
            together = unit(np.concatenate([own, known]))
            return together[: len(own)], together[len(own) :]
    return None


def nearest(vectors: Floats, centres: Floats, *, chunk: int = 4096) -> Floats:
    """`(n,)` squared distance of each unit vector to the nearest centre; infinite without any."""
    if not len(centres):
        return np.full(len(vectors), np.inf, np.float32)
    found = [2 - 2 * (vectors[i : i + chunk] @ centres.T).max(1) for i in range(0, len(vectors), chunk)]
    return np.maximum(np.concatenate(found) if found else np.zeros(0, np.float32), 0)


def to_one(vectors: Floats, row: int) -> Floats:
    """`(n,)` squared distance of each unit vector to that of one row."""
    return np.maximum(2 - 2 * (vectors @ vectors[row]), 0)


def farthest_first(vectors: Floats, n: int, *, reached: Floats, start: int) -> list[int]:
    """k-centre, greedily (Sener & Savarese 2018): each time the row farthest from all that are reached.

    Args:
        vectors: `(n, d)` of unit length.
        n: How many rows, at most.
        reached: `(n,)` squared distance to what is labelled; infinite where nothing is.
        start: The first row where nothing is labelled.
    """
    reached = reached.copy()
    chosen: list[int] = []
    for _ in range(min(n, len(vectors))):
        row = start if np.isinf(reached).all() else int(np.argmax(reached))
        chosen.append(row)
        reached = np.minimum(reached, to_one(vectors, row))
        reached[chosen] = -1
    return chosen


def near_copies(pool: Pool, *, cosine: float) -> np.ndarray:
    """`(n,)` bool: candidates that look like one before them in the pool's order, of the same clip.

    Pixels are compared where there are some: they tell near-copies apart better than a network does.
    """
    vectors = pool.pixels if pool.pixels is not None else pool.embeddings
    copies = np.zeros(len(pool), bool)
    if vectors is None or len(pool) < 2:
        return copies
    units = unit(vectors)
    clips: dict[str, list[int]] = defaultdict(list)
    for i, clip in enumerate(pool.clips):
        clips[clip].append(i)
    for rows in clips.values():
        like = units[rows] @ units[rows].T
        kept: list[int] = []
        for k, row in enumerate(rows):
            copies[row] = bool(kept) and bool((like[k, kept] >= cosine).any())
            if not copies[row]:
                kept.append(k)
    return copies
