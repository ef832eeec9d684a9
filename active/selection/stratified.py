"""Patient-stratified random: patients take turns, their frames are drawn at random."""

from __future__ import annotations

from .pool import Choice, Pool
from .turns import in_turns


def stratified(pool: Pool, n: int) -> list[Choice]:
    """Draw `n` frames so that all patients get about as many labelled frames."""
    return [
        Choice(i, pool.ids[i], "drawn at random, of a patient with few labelled frames", 0.0) for i in in_turns(pool, n)
    ]
