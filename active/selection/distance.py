"""Near and far between frames: embeddings of unit length, near-copies, farthest-first."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from .pool import Floats, Indices, Mask, Pool


def unit(vectors: Floats) -> Floats:
    """`(n, d)` with rows of length 1, after the mean over the rows is taken away.

    The mean is what all frames share; without it cosines tell frames apart.
    """
    vectors = vectors.astype(np.float32, copy=False)  # embeddings are kept in half precision
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
    return np.asarray(np.maximum(np.concatenate(found) if found else np.zeros(0, np.float32), 0))


def to_one(vectors: Floats, row: int) -> Floats:
    """`(n,)` squared distance of each unit vector to that of one row."""
    return np.asarray(np.maximum(2 - 2 * (vectors @ vectors[row]), 0))


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


def correlated(vectors: Floats) -> Floats:
    """`(n, d)` whose products are correlations: each row's own mean taken away, length 1.

    Unlike `unit` it does not depend on which other frames are in the pool.
    """
    vectors = vectors.astype(np.float32, copy=False)
    centred = vectors - vectors.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(length, 1e-12), dtype=np.float32)


class Copies:
    """Which frames of a clip look alike: by pixels, which tell near-copies apart better than a network, or embeddings.

    Args:
        pool: The candidates.
        correlation: Frames of a clip at least as alike as this are near-copies.
    """

    def __init__(self, pool: Pool, *, correlation: float) -> None:
        own, known = pool.pixels, pool.labelled.pixels
        if own is None:
            own, known = pool.embeddings, pool.labelled.embeddings
        self.least, self.clips = correlation, pool.clips
        self.units = None if own is None else correlated(own)
        self.known = None if own is None or known is None else correlated(known)
        self.rows: dict[str, list[int]] = defaultdict(list)
        for i, clip in enumerate(pool.clips):
            self.rows[clip].append(i)
        self.labelled: dict[str, list[int]] = defaultdict(list)
        if self.known is not None and len(self.known):
            for i, clip in enumerate(pool.labelled.clips):
                self.labelled[clip].append(i)

    def of(self, row: int) -> Indices:
        """Candidates that are near-copies of one, itself among them."""
        if self.units is None:
            return np.array([row], np.intp)
        own = np.array(self.rows[self.clips[row]], np.intp)
        alike = self.units[own] @ self.units[row] >= self.least
        return np.union1d(own[alike], [row]).astype(np.intp)

    def of_labelled(self) -> Mask:
        """`(n,)` bool: candidates that are near-copies of a labelled frame."""
        found = np.zeros(len(self.clips), bool)
        if self.units is None or self.known is None:
            return found
        for clip, labelled in self.labelled.items():
            own = self.rows.get(clip, [])
            if own:
                found[own] = (self.units[own] @ self.known[labelled].T >= self.least).any(1)
        return found
