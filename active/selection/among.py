"""The places of further frames among ranked ones, by their gain a minute. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SHARE: Final = 0.2
"""Of a round, at most so much is drawn again: what a model doubts may be the model's own mistake."""


def places_among(gains: Sequence[float | None], own: Sequence[float], *, first: int) -> list[int]:
    """Where further frames stand: for each of them, how many of the ranked frames come before it.

    The first frames of a ranking are a round. They are not in the order of their gain, so a frame with the k-th best
    gain of the round stands at place k. What no longer fits into its share of the round, or is worth less than all of
    it, stands before the first later frame that is worth less.

    Args:
        gains: Of the ranked frames, in their order; None without a network, and then nothing can be compared: further
            frames come after the round.
        own: Of the further frames, falling.
        first: Frames of a round.
    """
    first = min(first, len(gains))
    known = [g for g in gains if g is not None]
    if len(known) < len(gains):
        return [first] * len(own)
    in_round = sorted(known[:first], reverse=True)
    most = round(SHARE * first)
    places: list[int] = []
    at = first
    for gain in own:
        better = sum(g >= gain for g in in_round)
        if better < len(in_round) and len(places) < most:
            places.append(better)
            continue
        while at < len(known) and known[at] >= gain:
            at += 1
        places.append(at)
    return places
