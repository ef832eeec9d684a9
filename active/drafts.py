"""Drafts: let the active model draw them, keep them in the catalogue, and report empty ones."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import FrameRecord, PredictionRecord
from ..annotate.classes import Classes
from ..annotate.errors import BrokenInput
from ..annotate.geometry.trace import index_to_shapes
from ..annotate.intake.ingest import BATCH, load_frame
from ..annotate.shapes import Frame, Shape
from ..annotate.system.pipeline import ahead, batched
from ..annotate.workspace import Session
from ..model.inference.predict import BATCH as READY
from ..model.inference.predict import Prediction, Predictor, index_to_layers
from ..model.versions.load import load_predictor
from .selection.scores import boundary_length, class_scores, plausible_bald, whole_frame
from .selection.seconds import GRID

TOLERANCE: Final = 4.0  # px that a draft's outline may be off, so that it has few points and can be edited by hand
TOLERANCE_MM: Final = 1.0  # the same in mm, where the spacing is known; the smaller of the two counts
SPECK: Final = 30.0  # px²: smaller parts of a draft are noise to a physician
LEAST_EMPTY: Final = 3  # the user is told of empty drafts if there are at least so many,
EMPTY_SHARE: Final = 0.5  # and if they are more than this share of the drafts


def predict_missing(s: Session, frames: Sequence[FrameRecord], *, counted: bool = True) -> str:
    """Let the active model predict those of these frames that it has not predicted before.

    Args:
        s: A session that writes.
        frames: The frames.
        counted: Count the drafts in the report; not for frames that are labelled, and looked at to compare others.

    Returns:
        The model's id.
    """
    active = s.catalogue.active_model()
    there = s.catalogue.latest_scores(active.id) if active else {}
    missing = [f for f in frames if f.frame_id not in there]
    damaged = s.catalogue.predicted_frames(active.id) if active and missing else frozenset()
    for frame in missing:
        if frame.frame_id in damaged:
            s.report.note("a draft has scores that are no numbers (it is drawn anew)", frame.path)
    s.tell("Loading the model", 0, None)
    version, predictor = load_predictor(s, frames=len(missing))
    what = "Drawing drafts" if counted else "Looking at labelled frames"
    s.tell(what, 0, len(missing))
    made_now = drawn(s, missing, model=version, predictor=predictor)
    for batch in batched(made_now, BATCH):
        s.catalogue.add_predictions(batch)
        s.tell(what, len(batch), len(missing))
    if not counted:
        return version
    made = s.catalogue.latest_scores(version)
    s.report.count("drafts made", sum(f.frame_id in made for f in missing))
    if len(frames) > len(missing):
        s.report.count("drafts unchanged", len(frames) - len(missing))
    return version


def drawn(s: Session, frames: Sequence[FrameRecord], *, model: str, predictor: Predictor) -> Iterator[PredictionRecord]:
    """A model's predictions of frames, made now and not kept. What cannot be read or drawn is reported.

    Args:
        s: The session.
        frames: The frames.
        model: The model's id.
        predictor: The same, loaded.
    """
    classes = s.catalogue.classes()  # a model may know classes that were retired later
    # Pictures are read in one thread, the network works in another, and outlines are traced here.
    under_way: deque[FrameRecord] = deque()
    loaded = ahead(_loaded(s, frames), depth=2 * READY)
    for prediction in predictor.predict(_noting(loaded, under_way)):
        frame = under_way.popleft()
        if is_finite(s, frame, prediction, model=model):
            yield prediction_record(frame, prediction, model=model, predictor=predictor, classes=classes)


def _loaded(s: Session, records: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, Frame]]:
    for record in records:
        try:
            yield record, load_frame(s.workspace, record)
        except BrokenInput as error:
            s.report.fail_once(error)


def _noting(items: Iterable[tuple[FrameRecord, Frame]], noted: deque[FrameRecord]) -> Iterator[Frame]:
    """The frames alone; each record is noted as its frame passes."""
    for record, frame in items:
        noted.append(record)
        yield frame


def is_finite(s: Session, frame: FrameRecord, prediction: Prediction, *, model: str) -> bool:
    """Whether a model gives numbers for a frame; if not, the report says so and the frame gets no draft."""
    if np.isfinite(prediction.probabilities).all():
        return True
    what = f"{model} gives no numbers for it, so it gets no draft"
    s.report.fail_once(
        BrokenInput(frame.path, what, "Use another model: `dmr models list`, or train one: `dmr retrain`")
    )
    return False


def prediction_record(
    frame: FrameRecord, prediction: Prediction, *, model: str, predictor: Predictor, classes: Classes
) -> PredictionRecord:
    """What the catalogue keeps of a prediction: editable outlines, statistics and the embedding."""
    ids = [int(i) for i in predictor.class_ids[1:]]
    contains = classes.contained
    drawn = index_to_layers(prediction.index, class_ids=ids, contains=contains)
    layers, masks = predictor.on_grid(prediction, contains=contains)
    scores = class_scores(layers, drawn, names=[classes.by_id(i).name for i in ids])
    whole = asdict(whole_frame(prediction.probabilities, prediction.spread))
    statistics: dict[str, Any] = {
        "classes": {
            s.name: {
                "entropy": round(s.entropy, 5),
                "peak": round(s.peak, 5),
                "area": round(s.area, 6),
                "guessed_dice": round(predictor.calibration.dice(p, mask), 4) if s.area else None,
                "bald": round(plausible_bald(own, spread), 6),
                "length": round(boundary_length(mask) * GRID / predictor.input_size, 1),
            }
            for s, p, mask, own, spread in zip(
                scores, layers, masks, prediction.probabilities[1:], prediction.spread[1:], strict=True
            )
        },
        "whole": {name: round(value, 6) for name, value in whole.items()},
        "disagreement": [round(float(d), 5) if math.isfinite(d) else None for d in prediction.disagreement],
    }
    return PredictionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        model=model,
        shapes=draft_shapes(prediction, spacing_mm=frame.spacing_mm, classes=classes),
        scores=statistics,
        embedding=prediction.embedding.astype("<f2").tobytes() if np.isfinite(prediction.embedding).all() else None,
    )


def draft_shapes(
    prediction: Prediction, *, spacing_mm: tuple[float, float] | None, classes: Classes
) -> tuple[Shape, ...]:
    """A prediction's outlines as a physician gets them: few points, and no specks."""
    return index_to_shapes(
        prediction.index, tolerance=_tolerance_px(spacing_mm), contains=classes.contained, drop_below=SPECK
    )


def _tolerance_px(spacing_mm: tuple[float, float] | None) -> float:
    """How far a draft's outline may be from the exact one, px."""
    return TOLERANCE if spacing_mm is None else min(TOLERANCE, TOLERANCE_MM / max(spacing_mm))


def no_model(catalogue: Catalogue) -> str:
    """Why there are no drafts, as the beginning of a sentence."""
    return "No model is active, because none has learnt enough yet" if catalogue.models() else "No model yet"


def count_empty(s: Session, version: str, frames: Sequence[FrameRecord]) -> None:
    """Count the drafts without an outline, and say what to do if there are many.

    Args:
        s: The session; its report gets the count and words.
        version: The model that drew the drafts.
        frames: The frames that were drafted. Frames without a sector show next to nothing, so they are not held
            against the model.
    """
    if not frames:
        return
    nothing = s.catalogue.empty_predictions(version)
    s.report.count("empty drafts", sum(f.frame_id in nothing for f in frames))
    shown = [f for f in frames if f.sector is not None]
    empty = sum(f.frame_id in nothing for f in shown)
    if too_many_empty(empty, len(shown)):
        s.report.say(
            f"{empty} of {len(shown)} drafts are empty: {version} finds nothing in these frames. Train longer, or "
            "outline some of them by hand (`dmr open`), then run `dmr retrain`."
        )


def too_many_empty(empty: int, of: int) -> bool:
    """Whether there are so many empty drafts that the model is to blame, and not single frames."""
    return empty >= LEAST_EMPTY and empty > EMPTY_SHARE * of
