"""TypiClust: the most typical frame of each cluster that nobody has labelled from (Hacohen et al. 2022)."""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np

from .distance import both_units
from .pool import Choice, Floats, Indices, NotKnownError, Pool

NEIGHBOURS: Final = 20  # typicality is one over the mean distance to so many, as published
SMALLEST: Final = 5  # clusters below are left out as long as there are others, as published
LARGE: Final = 10_000  # frames from which clusters are found on batches
CHUNK: Final = 1024  # rows of distances in memory at a time


def cluster(vectors: Floats, k: int, rng: np.random.Generator) -> Indices:
    """`(n,)` the number of each row's cluster, of `k`."""
    from sklearn.cluster import KMeans, MiniBatchKMeans  # slow to import
    from sklearn.exceptions import ConvergenceWarning

    kind = KMeans if len(vectors) <= LARGE else MiniBatchKMeans
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of frames that are the same picture; they share a cluster
        found = kind(k, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(vectors)
    return np.asarray(found, np.intp)


def typicality(vectors: Floats) -> Floats:
    """`(n,)` one over the mean distance to the nearest rows of a cluster `(n, d)`."""
    if len(vectors) == 1:
        return np.ones(1, np.float32)
    squares = (vectors**2).sum(1)
    near = min(NEIGHBOURS, len(vectors) - 1)
    found = []
    for i in range(0, len(vectors), CHUNK):
        distance = vectors[i : i + CHUNK] @ vectors.T
        distance *= -2
        distance += squares
        distance += squares[i : i + CHUNK, None]
        distance.partition(near, axis=1)  # the row itself and its neighbours come first
        closest = np.sqrt(np.maximum(np.sort(distance[:, : 1 + near], axis=1)[:, 1:], 0))
        found.append(closest.mean(1))
    return np.asarray(1 / np.maximum(np.concatenate(found), 1e-6))


def typical(pool: Pool, n: int) -> list[tuple[int, float]]:
    """Rows of `n` typical frames with their typicality: the largest cluster with the fewest labelled frames first."""
    units = both_units(pool)
    if units is None:
        raise NotKnownError("embeddings or pixels")
    own, known = units
    if not len(own) or n < 1:
        return []
    together = np.concatenate([own, known])
    k = min(len(known) + n, len(together))
    of = cluster(together, k, pool.rng)
    labelled = np.bincount(of[len(own) :], minlength=k)
    size = np.bincount(of, minlength=k)
    members = [np.flatnonzero(of[: len(own)] == c) for c in range(k)]
    value = [typicality(own[rows]) if len(rows) else np.zeros(0) for rows in members]
    waiting = [rows[np.argsort(-v, kind="stable")].tolist() for rows, v in zip(members, value, strict=True)]
    score = np.zeros(len(own))
    for rows, v in zip(members, value, strict=True):
        score[rows] = v
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(n, len(own)):
        c = min((c for c in range(k) if waiting[c]), key=lambda c: (labelled[c], size[c] < SMALLEST, -size[c]))
        row = int(waiting[c].pop(0))
        labelled[c] += 1
        chosen.append((row, float(score[row])))
    return chosen


def typiclust(pool: Pool, n: int) -> list[Choice]:
    """Choose `n` typical frames.

    Raises:
        NotKnownError: There are neither embeddings nor pixels.
    """
    return [Choice(i, pool.ids[i], "typical of frames like it", score) for i, score in typical(pool, n)]
