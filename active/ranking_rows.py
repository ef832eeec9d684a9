"""A ranking as people read it: with each frame's clip, its place there, and how good its draft is guessed to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import FrameRecord
from ..annotate.formats.ranking_table import RankingRow
from ..annotate.origins.positions import clip_positions
from .selection.select import Ranked


def ranking_rows(
    catalogue: Catalogue,
    ranking: Sequence[Ranked],
    frames: Mapping[str, FrameRecord],
    scores: Mapping[str, Mapping[str, Any]],
) -> list[RankingRow]:
    """A ranking's lines as people read them, with clip, position and guessed Dice.

    Args:
        catalogue: Of the frames.
        ranking: Their order.
        frames: By their ids.
        scores: What a model said of those that have a draft, by frame id.
    """
    positions = clip_positions(catalogue, frames.values())
    return [
        RankingRow(
            rank=r.rank,
            frame=r.frame_id,
            score=r.score,
            reason=r.reason,
            clip=frames[r.frame_id].clip_id,
            position=positions[r.frame_id].place,
            guessed_dice=mean_guessed_dice(scores.get(r.frame_id, {})),
        )
        for r in ranking
    ]


def mean_guessed_dice(statistics: Mapping[str, Any]) -> float | None:
    """The guessed Dice of a draft, the mean over the structures drawn in it; None where none is."""
    guesses = [own.get("guessed_dice") for own in statistics.get("classes", {}).values()]
    known = [guess for guess in guesses if guess is not None]
    return sum(known) / len(known) if known else None
