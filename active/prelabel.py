"""`dmr prelabel`: scans in, drafts out, ranked, each with a reason."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import FrameRecord, PredictionRecord
from ..annotate.classes import Classes
from ..annotate.editing.checkout import Sheet, draft_sheets, held_out, write_checkout
from ..annotate.editing.edits import sync_checkout
from ..annotate.errors import BrokenInput
from ..annotate.formats.ranking_table import RankingRow, write_table
from ..annotate.geometry.trace import index_to_shapes
from ..annotate.intake.ingest import BATCH, ingest_scans, load_frame
from ..annotate.progress.tell import Tell, silent
from ..annotate.render.overlay import contact_sheet, draw_overlay
from ..annotate.report import Report
from ..annotate.scans.images import encode_png
from ..annotate.shapes import Frame
from ..annotate.system.pipeline import ahead, batched
from ..annotate.system.store import write_atomic
from ..annotate.workspace import Session, Workspace
from ..model.inference.predict import BATCH as READY
from ..model.inference.predict import Prediction, Predictor, index_to_layers, layer_probabilities
from ..model.training.train import contained
from ..model.versions.load import load_predictor
from .ranking_rows import ranking_rows
from .selection.scores import class_scores, frame_score, reason
from .selection.select import Candidate, Ranked, check_strategy, rank

TOLERANCE: Final = 4.0  # px: how far a draft's outline may be from the exact one, so that it can be edited by hand;
TOLERANCE_MM: Final = 1.0  # and mm, where the spacing is known
SPECK: Final = 30.0  # px²: smaller parts of a draft are noise to a physician
SHEET_FRAMES: Final = 24
LEAST_EMPTY: Final = 3  # empty drafts of which something is said, where they are also
EMPTY_SHARE: Final = 0.5  # more than this share of the drafts

OnProgress = Tell
"""Called with what is going on, how many more are done, and how many there are if known."""


@dataclass(frozen=True, slots=True)
class Prelabelled:
    """What a run left: the frames in the order to be corrected, and where to look at them."""

    ranking: tuple[Ranked, ...]
    table: Path
    sheet: Path


def prelabel_scans(
    workspace: Workspace,
    catalogue: Catalogue,
    scans: Sequence[Path],
    *,
    device: torch.device,
    report: Report,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Prelabelled | None:
    """Bring scans in, draw drafts with the active model, and rank the frames that nobody has labelled yet.

    Without a model the frames are ranked for a cold start, without outlines.

    Args:
        workspace: Where to.
        catalogue: Its catalogue, open.
        scans: Image files and folders.
        device: To compute on.
        report: Gets counts, failures, oddities and words.
        seed: Of what is drawn at random.
        on_progress: Told what is going on.

    Returns:
        The ranking and its pictures; None when every frame is labelled already.
    """
    tell = on_progress or silent
    check_strategy(workspace.settings.select.strategy)
    s = Session(workspace, catalogue, report, tell)
    sync_checkout(s)
    ids = ingest_scans(s, scans)
    unlabelled = {f.frame_id for f in catalogue.unlabelled_frames()}
    frames = [f for f in catalogue.frames(ids) if f.frame_id in unlabelled]
    if len(ids) > len(frames):
        report.count("labelled already", len(ids) - len(frames))
    blind = held_out(catalogue, frames)
    scores: Mapping[str, Mapping[str, Any]] = {}
    if catalogue.active_model() is None:
        report.say(f"{no_model(catalogue)}: the frames are ranked for a cold start, without outlines.")
    elif frames:
        wanted = [f for f in frames if f.frame_id not in blind]
        version = predict_missing(workspace, catalogue, wanted, device=device, report=report, tell=tell)
        scores = catalogue.latest_scores(version)
        count_empty(catalogue, version, [f for f in wanted if f.frame_id in scores], report=report)
    if blind:
        report.count("frames of validation and test patients, without a draft", len(blind))
    tell("Writing annotations/", 0, None)
    write_checkout(workspace, draft_sheets(catalogue, frames))
    if not frames:
        report.say("Nothing to rank: every frame of these scans is labelled already.")
        return None
    tell("Ranking, and drawing the contact sheet", 0, None)
    ranking = rank_frames(workspace, frames, scores, blind=blind, seed=seed)
    by_id = {f.frame_id: f for f in frames}
    first = draft_sheets(catalogue, [by_id[r.frame_id] for r in ranking[:SHEET_FRAMES]])
    drafted = {frame: own for frame, own in scores.items() if frame not in blind}
    rows = ranking_rows(catalogue, ranking, by_id, drafted)
    return _write_reports(workspace, ranking, rows, first, report=report)


def no_model(catalogue: Catalogue) -> str:
    """Why there are no drafts, as the beginning of a sentence."""
    return "No model is active: none has learnt enough yet" if catalogue.models() else "No model yet"


def count_empty(catalogue: Catalogue, version: str, frames: Sequence[FrameRecord], *, report: Report) -> None:
    """Count the drafts that show no outline, and say what to do where they are many.

    Args:
        catalogue: The catalogue.
        version: Whose drafts.
        frames: The frames that were drafted; those that show next to nothing are no sign of a poor model.
        report: Gets the count and words.
    """
    if not frames:
        return
    nothing = catalogue.empty_predictions(version)
    report.count("empty drafts", sum(f.frame_id in nothing for f in frames))
    shown = [f for f in frames if f.sector is not None]
    empty = sum(f.frame_id in nothing for f in shown)
    if too_many_empty(empty, len(shown)):
        report.say(
            f"{empty} of {len(shown)} drafts are empty: {version} finds nothing in these frames. Train longer, or "
            "outline some of them by hand (`dmr open`) and `dmr retrain`."
        )


def too_many_empty(empty: int, of: int) -> bool:
    """Whether so many drafts without an outline say that something is wrong, and not just with single frames."""
    return empty >= LEAST_EMPTY and empty > EMPTY_SHARE * of


def rank_frames(
    workspace: Workspace,
    frames: Sequence[FrameRecord],
    scores: Mapping[str, Mapping[str, Any]],
    *,
    blind: Collection[str],
    seed: int,
) -> list[Ranked]:
    """Order frames by the workspace's strategy and a model's scores.

    After them those in `blind`, at random; at the end those that show nothing, on which a network is unsure all over.
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
    select = workspace.settings.select
    empty = {f.frame_id for f in frames if f.sector is None}
    shown = [c for c in candidates if c.frame_id not in empty]
    seen = [c for c in shown if c.frame_id not in blind]
    unseen = [c for c in shown if c.frame_id in blind]
    ranking = rank(seen, strategy=select.strategy, per_clip=select.per_clip_per_round, seed=seed)
    why = "patient of the validation or test set: drawn at random, to be outlined without a draft"
    for r in rank(unseen, strategy="random", per_clip=select.per_clip_per_round, seed=seed):
        ranking.append(Ranked(len(ranking) + 1, r.frame_id, None, why))
    for c in candidates:
        if c.frame_id in empty:
            ranking.append(Ranked(len(ranking) + 1, c.frame_id, None, "shows next to nothing: hardly any echo in it"))
    return ranking


def predict_missing(
    workspace: Workspace,
    catalogue: Catalogue,
    frames: Sequence[FrameRecord],
    *,
    device: torch.device,
    report: Report,
    tell: OnProgress,
) -> str:
    """Let the active model predict these frames; what it predicted before is not predicted again.

    Returns:
        The model's id.
    """
    active = catalogue.active_model()
    there = catalogue.latest_scores(active.id) if active else {}
    missing = [f for f in frames if f.frame_id not in there]
    tell("Loading the model", 0, None)
    version, predictor = load_predictor(workspace, catalogue, model=None, device=device, frames=len(missing))
    classes = catalogue.classes()  # a model may know classes that are retired since
    tell("Drawing drafts", 0, len(missing))
    # Pictures are read in one thread, the network works in another, and outlines are traced here.
    under_way: deque[FrameRecord] = deque()
    loaded = ahead(_loaded(workspace, missing, report=report), depth=2 * READY)
    made_now = (
        prediction_record(under_way.popleft(), prediction, model=version, predictor=predictor, classes=classes)
        for prediction in predictor.predict(_noting(loaded, under_way))
    )
    for batch in batched(made_now, BATCH):
        catalogue.add_predictions(batch)
        tell("Drawing drafts", len(batch), len(missing))
    made = catalogue.latest_scores(version)
    report.count("drafts made", sum(f.frame_id in made for f in missing))
    if len(frames) > len(missing):
        report.count("drafts unchanged", len(frames) - len(missing))
    return version


def _loaded(
    workspace: Workspace, records: Sequence[FrameRecord], *, report: Report
) -> Iterator[tuple[FrameRecord, Frame]]:
    for record in records:
        try:
            yield record, load_frame(workspace, record)
        except BrokenInput as error:
            report.fail(error)


def _noting(items: Iterable[tuple[FrameRecord, Frame]], noted: deque[FrameRecord]) -> Iterator[Frame]:
    """The frames alone, whose records are noted as they pass."""
    for record, frame in items:
        noted.append(record)
        yield frame


def prediction_record(
    frame: FrameRecord, prediction: Prediction, *, model: str, predictor: Predictor, classes: Classes
) -> PredictionRecord:
    """What the catalogue keeps of a prediction: outlines that can be edited, statistics, a reason, the embedding."""
    ids = [int(i) for i in predictor.class_ids[1:]]
    contains = contained(classes)
    layers = layer_probabilities(prediction.probabilities, class_ids=ids, contains=contains)
    drawn = index_to_layers(prediction.index, class_ids=ids, contains=contains)
    guessed = predictor.guessed_dice(prediction, contains=contains)
    scores = class_scores(layers, drawn, names=[classes.by_id(i).name for i in ids])
    statistics: dict[str, Any] = {
        "score": round(frame_score(scores), 6),
        "reason": reason(scores),
        "classes": {
            s.name: {
                "entropy": round(s.entropy, 5),
                "peak": round(s.peak, 5),
                "area": round(s.area, 6),
                "guessed_dice": round(dice, 4) if s.area else None,
            }
            for s, dice in zip(scores, guessed, strict=True)
        },
        "disagreement": [round(float(d), 5) if math.isfinite(d) else None for d in prediction.disagreement],
    }
    return PredictionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        model=model,
        shapes=index_to_shapes(
            prediction.index, tolerance=tolerance_px(frame.spacing_mm), contains=contains, drop_below=SPECK
        ),
        scores=statistics,
        embedding=prediction.embedding.astype("<f2").tobytes(),
    )


def tolerance_px(spacing_mm: tuple[float, float] | None) -> float:
    """How far a draft's outline may be from the exact one, px."""
    return TOLERANCE if spacing_mm is None else min(TOLERANCE, TOLERANCE_MM / max(spacing_mm))


def _write_reports(
    workspace: Workspace,
    ranking: Sequence[Ranked],
    rows: Sequence[RankingRow],
    first: Iterable[Sheet],
    *,
    report: Report,
) -> Prelabelled:
    """`reports/ranking.csv`, and a contact sheet of the frames that come first."""
    table, picture = workspace.reports_folder / "ranking.csv", workspace.reports_folder / "prelabel.png"
    write_table(table, rows)
    cells: list[tuple[NDArray[np.uint8], str]] = []
    classes = workspace.settings.classes
    for r, sheet in zip(ranking, first, strict=False):
        try:
            pixels = load_frame(workspace, sheet.frame).pixels
        except BrokenInput:
            continue  # named when its draft was to be drawn
        score = "" if r.score is None else f" ({r.score:.2f})"
        overlay = draw_overlay(pixels, sheet.annotation, classes=classes)
        cells.append((overlay, f"{r.rank}. {r.frame_id}{score}\n{r.reason}"))
    legend = {c.name: c.color for c in classes.active}
    write_atomic(picture, encode_png(contact_sheet(cells, legend=legend)))
    report.count("frames ranked", len(ranking))
    report.data["ranking"] = [asdict(row) for row in rows]
    return Prelabelled(tuple(ranking), table, picture)
