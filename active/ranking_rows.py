"""The rows of a ranking's table: each frame with its clip, its position, and what the model says of its draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import FrameRecord, LabelledFrame
from ..annotate.formats.ranking_table import RankingRow
from ..annotate.origins.positions import clip_positions
from ..annotate.render.text_table import text_table
from .selection.select import Ranked


@dataclass(frozen=True, slots=True)
class Said:
    """What a ranking says of a frame that has a draft.

    Attributes:
        guessed_dice: As in `mean_guessed_dice`.
        seconds: Predicted time to correct the draft; None if nobody can tell.
        scores: How uncertain each class is, by its name.
    """

    guessed_dice: float | None = None
    seconds: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def ranking_rows(
    catalogue: Catalogue,
    ranking: Sequence[Ranked],
    frames: Mapping[str, FrameRecord],
    said: Mapping[str, Said],
    *,
    again: Mapping[str, LabelledFrame],
) -> list[RankingRow]:
    """The rows of a ranking's table.

    Args:
        catalogue: The catalogue that holds the frames.
        ranking: The frames in their order.
        frames: Their records, by frame id.
        said: What is said of the frames that have a draft, by frame id.
        again: Labelled frames to draw again, by frame id.
    """
    positions = clip_positions(catalogue, frames.values())
    nothing = Said()
    return [
        RankingRow(
            rank=r.rank,
            frame=r.frame_id,
            score=r.score,
            reason=r.reason,
            clip=frames[r.frame_id].clip_id,
            position=positions[r.frame_id].place,
            guessed_dice=(own := said.get(r.frame_id, nothing)).guessed_dice,
            seconds=own.seconds,
            again=again[r.frame_id].revision if r.frame_id in again else "",
            scores=own.scores,
        )
        for r in ranking
    ]


def rows_text(rows: Sequence[RankingRow]) -> str:
    """Rows as a table for a terminal: the weakest class is the one that the model is most unsure of."""
    drafted = any(r.scores for r in rows)
    head = ["rank", "frame", *(["score", "weakest class", "guessed Dice", "seconds"] if drafted else []), "reason"]
    lines = [head]
    for r in rows:
        lines.append([str(r.rank), r.frame, *(_figures(r) if drafted else []), r.reason])
    return text_table(lines, align="><><>><" if drafted else "><<")


def _figures(row: RankingRow) -> list[str]:
    weakest = max(row.scores, key=lambda name: row.scores[name], default=None)
    return [
        "-" if row.score is None else f"{row.score:.2f}",
        "-" if weakest is None else f"{weakest} {row.scores[weakest]:.2f}",
        "-" if row.guessed_dice is None else f"{row.guessed_dice:.2f}",
        "-" if row.seconds is None else f"{row.seconds:.0f}",
    ]


def mean_guessed_dice(statistics: Mapping[str, Any]) -> float | None:
    """The mean guessed Dice over the structures drawn in a draft; None if nothing is drawn."""
    guesses = [own.get("guessed_dice") for own in statistics.get("classes", {}).values()]
    known = [guess for guess in guesses if guess is not None]
    return sum(known) / len(known) if known else None
