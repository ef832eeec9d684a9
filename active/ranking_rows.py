"""The rows of a ranking's table: each frame with its clip, its position and its guessed Dice."""

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
    """The rows of a ranking's table, with clip, position and guessed Dice.

    Args:
        catalogue: The catalogue that holds the frames.
        ranking: The frames in their order.
        frames: Their records, by frame id.
        scores: The model's statistics, by frame id, of the frames that have a draft.
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
    """The mean guessed Dice over the structures drawn in a draft; None if nothing is drawn."""
    guesses = [own.get("guessed_dice") for own in statistics.get("classes", {}).values()]
    known = [guess for guess in guesses if guess is not None]
    return sum(known) / len(known) if known else None
