"""Rank frames by the active model's drafts, and write `reports/ranking.csv`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..annotate.catalogue.records import FrameRecord, PredictionRecord
from ..annotate.editing.checkout import draft_sheets, held_out, write_checkout
from ..annotate.formats.ranking_table import RankingRow, write_table
from ..annotate.settings.model import SelectSettings
from ..annotate.studio.push import Outgoing
from ..annotate.workspace import Session
from .drafts import predict_missing
from .ranking_rows import ranking_rows
from .selection.select import Candidate, Ranked, check_strategy, select


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking and its table.

    Attributes:
        order: The frames in their order, with their reasons.
        rows: The same as rows of the table.
        table: The file with the table.
    """

    order: tuple[Ranked, ...]
    rows: tuple[RankingRow, ...]
    table: Path


def rank_and_write(
    s: Session,
    frames: Sequence[FrameRecord],
    scores: Mapping[str, Mapping[str, Any]],
    *,
    blind: Collection[str],
    seed: int,
) -> Ranking:
    """Rank frames, and write `reports/ranking.csv` and the drafts in `annotations/`.

    Args:
        s: The session.
        frames: The frames to rank.
        scores: The active model's statistics, by frame id, of the frames that it has predicted; empty without a model.
        blind: Frames that are outlined without a draft.
        seed: Random seed.
    """
    s.tell("Writing annotations/", 0, None)
    write_checkout(s.workspace, draft_sheets(s.catalogue, frames), report=s.report)
    s.tell("Ranking", 0, None)
    order = rank_frames(s.settings.select, frames, scores, blind=blind, seed=seed)
    drafted = {frame: own for frame, own in scores.items() if frame not in blind}
    rows = ranking_rows(s.catalogue, order, {f.frame_id: f for f in frames}, drafted)
    table = s.workspace.reports_folder / "ranking.csv"
    write_table(table, rows)
    return Ranking(tuple(order), tuple(rows), table)


def rank_unlabelled(s: Session) -> tuple[list[Ranked], list[Outgoing]]:
    """Rank all frames that nobody has labelled yet, and write the table and the checkout.

    Args:
        s: The session. The active model predicts the frames that it has not predicted yet.

    Returns:
        The ranking, and the same frames with their drafts, ready to push.
    """
    check_strategy(s.settings.select.strategy)
    s.tell("Ranking", 0, None)
    frames = s.catalogue.unlabelled_frames()
    blind = held_out(s.catalogue, frames)
    active = s.catalogue.active_model()
    predictions: Mapping[str, PredictionRecord] = {}
    if active is not None:
        wanted = [f for f in frames if f.frame_id not in blind]
        predictions = s.catalogue.latest_predictions(active.id)
        if any(f.frame_id not in predictions for f in wanted):
            predict_missing(s, wanted)
            predictions = s.catalogue.latest_predictions(active.id)
    scores = {frame: p.scores for frame, p in predictions.items()}
    order = rank_and_write(s, frames, scores, blind=blind, seed=s.settings.train.seed).order
    by_id = {f.frame_id: f for f in frames}
    drafts = [None if r.frame_id in blind else predictions.get(r.frame_id) for r in order]
    outgoing = [Outgoing(by_id[r.frame_id], r.reason, draft) for r, draft in zip(order, drafts, strict=True)]
    return list(order), outgoing


def rank_frames(
    settings: SelectSettings,
    frames: Sequence[FrameRecord],
    scores: Mapping[str, Mapping[str, Any]],
    *,
    blind: Collection[str],
    seed: int,
) -> list[Ranked]:
    """Order frames by the settings' strategy and a model's scores.

    Frames in `blind` come after them, in random order. Frames that show nothing come last: a network is unsure all
    over them, so their scores mean nothing.
    """
    candidates = []
    for f in frames:
        own = scores.get(f.frame_id, {})
        candidates.append(
            Candidate(
                frame_id=f.frame_id,
                clip=f.clip_id,
                patient=f.patient,
                position=f.time_ms if f.time_ms is not None else float(f.index),
                perceptual_hash=f.perceptual_hash,
                score=own.get("score"),
                reason=own.get("reason", ""),
            )
        )
    empty = {f.frame_id for f in frames if f.sector is None}
    shown = [c for c in candidates if c.frame_id not in empty]
    seen = [c for c in shown if c.frame_id not in blind]
    unseen = [c for c in shown if c.frame_id in blind]
    ranking = select(seen, strategy=settings.strategy, per_clip=settings.per_clip_per_round, seed=seed)
    why = "frame of a validation or test patient: chosen at random, to be outlined without a draft"
    for r in select(unseen, strategy="random", per_clip=settings.per_clip_per_round, seed=seed):
        ranking.append(Ranked(len(ranking) + 1, r.frame_id, None, why))
    for c in candidates:
        if c.frame_id in empty:
            ranking.append(
                Ranked(len(ranking) + 1, c.frame_id, None, "shows next to nothing: there is hardly any echo in it")
            )
    return ranking
