"""Why a frame is worth a physician's time, and how much of it: one sentence."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from .pool import UNKNOWN, Pool
from .seconds import told_seconds

STRONG, WEAK = 0.6, 0.3  # entropies from which a border is told as very uncertain, and as uncertain
LIKELY: Final = 0.2  # highest probability from which a class that is not predicted is told as perhaps missed
PREDICTED: Final = 0.5

FROM_NOTHING: Final = "no draft here; please outline all that you see"
"""Of a frame that goes out without a draft: at a cold start, and in the blind part of the audit slice. True of both."""


def why(pool: Pool, row: int, *, about: int | None = None, known: Collection[str] | None = None) -> str:
    """A sentence such as *the border of the nerve is uncertain; no frame of this patient is outlined yet; about 40 s*.

    It says what the model thinks of the frame, not how the frame was chosen: a frame of the audit slice must look like
    any other.

    Args:
        pool: The candidates.
        row: Which.
        about: The class that it is asked for; None for its most uncertain one.
        known: Patients of whom a frame is labelled, as a set where many reasons are made.
    """
    parts = [_uncertain(pool, row, about)]
    patient = pool.patients[row]
    if not patient.startswith(UNKNOWN) and patient not in (pool.labelled.patients if known is None else known):
        parts.append("no frame of this patient is outlined yet")
    if pool.seconds is not None:
        parts.append(told_seconds(float(pool.seconds[row])))
    return "; ".join(parts)


def _uncertain(pool: Pool, row: int, about: int | None) -> str:
    if pool.entropy is None or pool.presence is None or not pool.names:
        return "not outlined yet"
    k = int(np.argmax(pool.entropy[row] * pool.presence[row])) if about is None else about
    name, value = pool.names[k].replace("_", " "), float(pool.entropy[row, k])
    if pool.presence[row, k] < LIKELY:
        return "the model finds none of the structures" if about is None else f"the model finds no {name}"
    if pool.presence[row, k] < PREDICTED:
        return f"the model may have missed the {name}"
    if value <= WEAK:
        return f"the model is fairly sure of the {name}; please confirm it"
    return f"the border of the {name} is {'very uncertain' if value > STRONG else 'uncertain'}"
