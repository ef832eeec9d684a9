"""Why a frame is worth a physician's time, and how much of it: one sentence."""

from __future__ import annotations

from typing import Final

import numpy as np

from .pool import Pool

STRONG, WEAK = 0.6, 0.3  # entropies from which a border is told as very uncertain, and as uncertain
LIKELY: Final = 0.2  # highest probability from which a class that is not predicted is told as perhaps missed
PREDICTED: Final = 0.5


def why(pool: Pool, row: int, *, about: int | None = None, audit: bool = False) -> str:
    """A sentence such as *nerve border uncertain (0.42); first frame of this patient; about 40 s*.

    Args:
        pool: The candidates.
        row: Which.
        about: The class that it is asked for; None for its most uncertain one.
        audit: It was drawn at random; what the model thinks of it is not told.
    """
    if audit:
        return "drawn at random"
    parts = [_uncertain(pool, row, about)]
    if pool.patients[row] not in pool.labelled.patients:
        parts.append("first frame of this patient")
    if pool.seconds is not None:
        parts.append(f"about {max(5, round(float(pool.seconds[row]) / 5) * 5)} s")
    return "; ".join(parts)


def _uncertain(pool: Pool, row: int, about: int | None) -> str:
    if pool.entropy is None or pool.presence is None or not pool.names:
        return "not labelled yet"
    k = int(np.argmax(pool.entropy[row] * pool.presence[row])) if about is None else about
    name, value = pool.names[k].replace("_", " "), float(pool.entropy[row, k])
    if pool.presence[row, k] < LIKELY:
        return "the model sees none of the structures" if about is None else f"{name} not found"
    if pool.presence[row, k] < PREDICTED:
        return f"{name} perhaps missed ({pool.presence[row, k]:.0%} likely)"
    degree = "very uncertain" if value > STRONG else "uncertain" if value > WEAK else "fairly certain"
    return f"{name} border {degree} ({value:.2f})"
