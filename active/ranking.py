"""Rank the frames that nobody has labelled, and those to draw again; write `reports/ranking.csv` and the drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..annotate.catalogue.records import FrameRecord, LabelledFrame
from ..annotate.editing.checkout import draft_sheets, held_out, write_checkout
from ..annotate.errors import UsageError
from ..annotate.formats.ranking_table import RankingRow, write_table
from ..annotate.overview.audit_figures import audit_figures
from ..annotate.settings.model import SelectSettings
from ..annotate.studio.pushing.outgoing import Outgoing
from ..annotate.workspace import Session
from .auditing import audit_place, draw_audits
from .drafts import predict_missing
from .labels.again import Again, frames_again
from .pools import asked_of, gather_pool, measured_pace, needs_embeddings, round_of, train_side
from .ranking_rows import Said, mean_guessed_dice, ranking_rows
from .selection.among import places_among
from .selection.informative import class_needs
from .selection.order import Asked, in_order
from .selection.pool import NotKnownError, Pool
from .selection.reasons import FROM_NOTHING
from .selection.select import Ranked, check_strategy

_HELD_OUT: Final = "this patient serves to judge the model: please outline all that you see, without a draft"
# Black frames are not eligible from the start. These have no sector either, but may show something faint; or the user
# asked for all frames.
_EMPTY: Final = "hardly any echo in this frame"
_UNREAD: Final = "no draft, because the model cannot read this frame"


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking and its table.

    Attributes:
        order: The frames in their order, with their reasons.
        rows: The same as rows of the table.
        table: The file with the table.
        frames: The frames by their id.
        bare: Frames that go out without a draft: of validation and test patients, the blind part of the audit, and
            those to draw again, which show their own outlines.
        again: Labelled frames to draw again, by frame id.
    """

    order: tuple[Ranked, ...]
    rows: tuple[RankingRow, ...]
    table: Path
    frames: Mapping[str, FrameRecord]
    bare: Set[str]
    again: Mapping[str, LabelledFrame]


@dataclass(frozen=True, slots=True)
class _Groups:
    """The unlabelled frames: to choose from, of validation and test patients, showing nothing, without a picture."""

    candidates: Sequence[FrameRecord]
    held: Sequence[FrameRecord]
    empty: Sequence[FrameRecord]
    unread: Sequence[FrameRecord]


@dataclass(slots=True)
class _Order:
    """A ranking as it grows.

    Attributes:
        lines: Frame id, reason and score of each, in order.
        said: What is said of frames with a draft or with outlines, by frame id.
        again: Labelled frames to draw again, by frame id.
    """

    lines: list[tuple[str, str, float | None]] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    again: dict[str, LabelledFrame] = field(default_factory=dict)

    def ranked(self) -> tuple[Ranked, ...]:
        """The same with their places."""
        return tuple(Ranked(k, frame, score, reason) for k, (frame, reason, score) in enumerate(self.lines, 1))


def rank_unlabelled(
    s: Session, *, settings: SelectSettings | None = None, seed: int | None = None
) -> tuple[Ranking, Mapping[str, Mapping[str, Any]]]:
    """Rank all frames that nobody has labelled yet, and those to draw again; write the table and the checkout.

    Args:
        s: A session that writes. The active model predicts the frames that it has not predicted yet.
        settings: How to choose; None for what `dmr.toml` says.
        seed: Random seed; None for that of `dmr.toml`.

    Returns:
        The ranking, and the active model's statistics by frame id.

    Raises:
        SettingsError: There is no such strategy.
        UsageError: The strategy needs what is not known of these frames.
    """
    settings = settings or s.settings.select
    check_strategy(settings.strategy)
    seed = s.settings.train.seed if seed is None else seed
    s.tell("Ranking", 0, None)
    asked = asked_of(settings)
    frames = s.catalogue.unlabelled_frames()
    labelled = train_side(s.catalogue)
    held = held_out(s.catalogue, frames)
    statistics: dict[str, dict[str, Any]] = {}
    active = s.catalogue.active_model()
    if active is not None:
        statistics = _predicted(s, active.id, [f for f in frames if f.frame_id not in held])
        if needs_embeddings(asked):
            known = s.catalogue.latest_embeddings(active.id)
            if more := [f for f in labelled if f.frame_id not in known]:
                predict_missing(s, more, counted=False)
    groups = _grouped(frames, held, statistics, with_model=active is not None)
    blind: set[str] = set()
    audits: dict[str, float] = {}
    if active is not None:
        slice_ = draw_audits(
            s.catalogue,
            groups.candidates,
            share=settings.audit_share if asked.parts.audit else 0.0,
            per_round=settings.frames_per_round,
            round_number=round_of(s.catalogue),
            model=active.id,
            seed=seed,
        )
        audits = {frame: audit_place(frame) for frame in slice_}
        blind = {frame for frame, a in slice_.items() if a.blind}
    s.tell("Ranking", 0, None)
    found = _ordered(s, groups, labelled, statistics, asked=asked, audits=audits, blind=blind, seed=seed)
    by_id = {f.frame_id: f for f in (*frames, *(item.frame for item in found.again.values()))}
    order = found.ranked()
    s.tell("Writing annotations/", 0, None)
    write_checkout(s.workspace, draft_sheets(s.catalogue, frames), report=s.report)
    rows = ranking_rows(s.catalogue, order, by_id, found.said, again=found.again)
    table = s.workspace.reports_folder / "ranking.csv"
    write_table(table, rows)
    bare = held | blind | found.again.keys()
    return Ranking(order, tuple(rows), table, by_id, bare, found.again), statistics


def outgoing_frames(s: Session, ranking: Ranking) -> list[Outgoing]:
    """The ranked frames with their drafts, ready to push."""
    active = s.catalogue.active_model()
    drafts = s.catalogue.latest_predictions(active.id) if active is not None else {}
    return [
        Outgoing(
            ranking.frames[r.frame_id],
            r.reason,
            None if r.frame_id in ranking.bare else drafts.get(r.frame_id),
            ranking.again.get(r.frame_id),
        )
        for r in ranking.order
    ]


def _predicted(s: Session, model: str, frames: Sequence[FrameRecord]) -> dict[str, dict[str, Any]]:
    """The active model's statistics of these frames; those that it has not predicted yet are predicted now."""
    there = s.catalogue.latest_scores(model)
    if any(f.frame_id not in there for f in frames):
        predict_missing(s, frames)
        there = s.catalogue.latest_scores(model)
    return there


def _grouped(
    frames: Sequence[FrameRecord], held: Set[str], statistics: Mapping[str, Any], *, with_model: bool
) -> _Groups:
    shown = [f for f in frames if f.sector is not None]
    own = [f for f in shown if f.frame_id not in held]
    return _Groups(
        candidates=[f for f in own if not with_model or f.frame_id in statistics],
        held=[f for f in shown if f.frame_id in held],
        empty=[f for f in frames if f.sector is None],
        unread=[f for f in own if with_model and f.frame_id not in statistics],
    )


def _ordered(
    s: Session,
    groups: _Groups,
    labelled: Sequence[FrameRecord],
    statistics: Mapping[str, Mapping[str, Any]],
    *,
    asked: Asked,
    audits: Mapping[str, float],
    blind: Set[str],
    seed: int,
) -> _Order:
    """All frames in order.

    Frames to draw again stand among the candidates by their gain a minute. Frames of validation and test patients come
    after them, in random order. Frames that show nothing come last: a network is unsure all over them, so their scores
    mean nothing.
    """
    order = _Order()
    names = [c.name for c in s.settings.classes.active]
    needs = dict.fromkeys(names, 1 / max(1, len(names)))
    if groups.candidates:
        audit = audit_figures(s.catalogue)
        pool, looks = gather_pool(s, groups.candidates, labelled, statistics, benefit=audit.benefit, seed=seed)
        line = audit.no_benefit_line()
        if line is not None and asked.strategy == "informative" and asked.parts.fallback:
            s.report.say(line)
        row_of = {frame: row for row, frame in enumerate(pool.ids)}
        placed = {row_of[frame]: place for frame, place in audits.items()}
        try:
            places = in_order(pool, asked, looks=looks, audits=placed)
        except NotKnownError as error:
            raise _lacking(asked.strategy, error.what) from None
        for place in places:
            frame = pool.ids[place.row]
            order.lines.append((frame, place.reason, place.gain))
            if statistics and frame not in blind:
                order.said[frame] = _said(pool, place.row, statistics[frame])
        if pool.names:
            needs = dict(zip(pool.names, (float(n) for n in class_needs(pool, asked.parts)), strict=True))
    if asked.parts.again:
        own = frames_again(s, needs=needs, pace=measured_pace(s.catalogue, s.catalogue.classes()), parts=asked.parts)
        _weave(order, own, first=asked.first)
    order.lines = [
        (frame, FROM_NOTHING if asked.parts.reasons else "", None) if frame in blind else (frame, reason, score)
        for frame, reason, score in order.lines
    ]
    held = sorted(f.frame_id for f in groups.held)
    order.lines += [(held[i], _HELD_OUT, None) for i in np.random.default_rng(seed).permutation(len(held))]
    order.lines += [(f.frame_id, _UNREAD, None) for f in groups.unread]
    order.lines += [(f.frame_id, _EMPTY, None) for f in groups.empty]
    return order


def _weave(order: _Order, again: Sequence[Again], *, first: int) -> None:
    """Put frames to draw again at the places that they earn."""
    places = places_among([score for *_, score in order.lines], [a.gain for a in again], first=first)
    for k, (place, a) in enumerate(zip(places, again, strict=True)):
        frame = a.item.frame.frame_id
        order.lines.insert(place + k, (frame, a.reason, a.gain))
        order.said[frame] = Said(seconds=round(a.seconds, 1))
        order.again[frame] = a.item


def _said(pool: Pool, row: int, statistics: Mapping[str, Any]) -> Said:
    scores: dict[str, float] = {}
    if pool.entropy is not None and pool.presence is not None:
        uncertain = pool.entropy[row] * pool.presence[row]
        scores = {name: round(float(value), 4) for name, value in zip(pool.names, uncertain, strict=True)}
    seconds = None if pool.seconds is None else round(float(pool.seconds[row]), 1)
    return Said(mean_guessed_dice(statistics), seconds, scores)


def _lacking(strategy: str, what: str) -> UsageError:
    why = "which drafts of an older dmr lack"
    remedy = "Train a new model: `dmr retrain`. Or choose another one: [select] strategy in dmr.toml, or --strategy"
    return UsageError("select", f"the strategy {strategy!r} needs {what}, {why}", remedy)
