"""The page that `dmr evaluate` leaves: figures with their intervals, and the frames to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ... import __version__
from ...annotate.classes import Classes
from ...annotate.geometry.trace import index_to_shapes
from ...annotate.render.html import (
    NOTICE,
    drawing,
    facts,
    heading,
    legend,
    notice,
    page,
    paragraph,
    pictures,
    today,
)
from ...annotate.render.overlay import draw_overlay
from ...annotate.render.plot import Line, Panel, draw_svg
from ...annotate.scans.sector import sector_mask
from ...annotate.shapes import Annotation, Frame
from ...annotate.wording import counted
from ..data.dataset import Sample
from ..inference.calibration import BINS, REACH, Reliability
from ..inference.predict import Predictor
from ..network.checkpoint import Card
from .evaluate import Evaluation
from .metrics import patient_intervals, summarise
from .tables import calibration_table, confusion_table, scores_explained, scores_table

SHOWN: Final = 4  # frames of each kind: best, median, worst
_TOLERANCE: Final = 1.0  # px: outlines as they are, to be looked at
_WHOSE: Final[dict[str | None, str]] = {
    "test": "in frames of test patients. The model has learnt nothing from these patients.",
    "validation": "in frames of validation patients. They decided when its training stopped, and its calibration was"
    " fitted on them, so the figures look better than they are for other patients.",
    "train": "in frames of the patients that it learnt from, so the figures look much better than they are for other"
    " patients.",
    None: "in Labelme files from elsewhere.",
}
_FLATTERED: Final[dict[str | None, str]] = {
    "test": "The patients of this page are others, so the curves show how well the correction works for new patients.",
    "validation": "The frames of this page are of the same patients, so the curves look better than they are for"
    " other patients.",
    "train": "The frames of this page are those that the network learnt from, so the curves do not tell how it does on"
    " other patients.",
    None: "The frames of this page come from elsewhere, so the curves show how well the correction works there.",
}


def evaluation_page(
    done: Evaluation,
    *,
    title: str,
    card: Card,
    split: str | None,
    predictor: Predictor,
    samples: Callable[[], Iterable[Sample]],
    classes: Classes,
    date: str | None = None,
) -> bytes:
    """The whole page, with its pictures inside.

    Args:
        done: What was found.
        title: Says which model on which frames.
        card: The model's.
        split: Whose frames these are; None for Labelme files from elsewhere. Those frames are numbered, for a file's
            name may tell who the patient is.
        predictor: The model, which draws the frames shown once more.
        samples: Gives the frames once more; those shown are kept.
        classes: The workspace's.
        date: As `2026-01-31`; None for today.
    """
    parts = [
        heading(f"Evaluation: {title}", level=1),
        notice(NOTICE),
        facts(_facts(done, card=card, split=split, predictor=predictor, date=date or today())),
        *_figures(done, split=split, predictor=predictor, classes=classes),
    ]
    number = {frame: f"frame {k}" for k, frame in enumerate(dict.fromkeys(done.table["frame"]), 1)}
    shown = shown_frames(done.table)
    drawn = _drawn(predictor, samples(), {f for frames in shown.values() for f in frames}, classes.contained)
    for kind, frames in shown.items():
        seen = [f for f in frames if f in drawn]
        if not seen:
            continue
        parts += [heading(f"The {kind} frames, by their mean Dice"), legend(classes)]
        for frame in seen:
            name = number[frame] if split is None else frame
            row = _row(*drawn[frame], classes=classes, masked=split is None)
            parts.append(pictures(f"{name}: Dice {_told(done.table, frame)}", row))
    return page(title, parts)


def _figures(done: Evaluation, *, split: str | None, predictor: Predictor, classes: Classes) -> list[str]:
    """Scores, confusion and calibration, each with its words."""
    names = [classes.by_id(int(i)).name for i in predictor.class_ids[1:]]
    colors = {c.name: c.color for c in classes}
    return [
        heading("How well it draws"),
        paragraph(f"The model's outlines beside a physician's, {_WHOSE[split]}"),
        scores_table(summarise(done.table), patient_intervals(done.table)),
        scores_explained(),
        heading("What it takes for what"),
        paragraph(
            "Of 100 pixels that the physician drew as a class (rows), how many the model drew as each class (columns)."
            " Where the physician drew nothing, pixels count only in frames in which all classes are covered."
        ),
        confusion_table(done.confusion, names),
        heading("How far its probabilities can be trusted"),
        *(paragraph(words) for words in calibration_words(split, fitted=any(predictor.calibration.curves))),
        drawing("calibration curve of each class", draw_svg([_reliability(done.reliability, names, colors)])),
        calibration_table(done.reliability, names, done.table),
        paragraph(
            "Pixels: how many were looked at. Calibration error: the mean distance of the points from the dashed line,"
            " weighed by pixels; 0 is best. Correlation: for each outline the model guesses the Dice that it will have;"
            " 1 means that guesses and true Dice rise and fall together, 0 that guesses tell nothing."
        ),
    ]


def calibration_words(split: str | None, *, fitted: bool) -> list[str]:
    """What the calibration is computed over, and what it was fitted by."""
    over = (
        "Computed over the frames above, at their own size. In each frame only pixels within"
        f" {REACH:g} px of where the class was drawn or predicted count, and of these only those inside the"
        " ultrasound sector or drawn as the class. Only classes that the frame covers count: those that the physician"
        " drew or says are absent. Far from every structure the model is nearly always right that there is nothing,"
        " which would hide its errors."
    )
    how = (
        f"These pixels are put into {BINS} groups by the probability that the model gave them. Each point is a group:"
        " its mean probability, and the share of its pixels that are of the class. On the dashed line a probability"
        " means what it says."
    )
    if not fitted:
        by = "The probabilities are shown as the network gives them: no validation patients were there to correct them."
    else:
        by = (
            "The probabilities shown are corrected. The correction, one curve for each class, was fitted on the"
            " validation patients when the model was trained. "
        ) + _FLATTERED[split]
    return [over, how, by]


def _facts(
    done: Evaluation, *, card: Card, split: str | None, predictor: Predictor, date: str
) -> list[tuple[str, str]]:
    """When, by what, with which model, on which data."""
    details, learnt = card.details, card.details["data"]["train"]
    frames, patients = done.table["frame"].nunique(), done.table["patient"].nunique(dropna=False)
    unknown = int(done.table[done.table["patient"].isna()]["frame"].nunique())
    of = f" of {counted(patients, 'patients')}" if not unknown else f"; of {unknown} of them the patient is not known"
    whose = "Labelme files from elsewhere" if split is None else f"{split} patients of this workspace"
    engines = " and ".join(dict.fromkeys(look.engine.name for look in predictor.looks))
    looks = len(predictor.looks)
    views = f"the mean over {looks} views of each frame (brightness changed, mirrored)" if looks > 1 else "one view"
    return [
        ("Date", date),
        ("dmr", __version__),
        (
            "Model",
            f"{card.id}, DMRNet of size {card.size}, input {card.input} x {card.input} px,"
            f" {int(details['parameters']):,} parameters",
        ),
        ("Training", f"{counted(int(details['steps']), 'steps')} in {float(details['minutes']):.1f} minutes"),
        ("Learnt from", f"{counted(learnt['frames'], 'frames')} of {counted(learnt['patients'], 'training patients')}"),
        ("Judged on", f"{whose}: {counted(frames, 'frames')}{of}"),
        ("Computed with", f"{engines}, {views}"),
    ]


def _row(
    sample: Sample, prediction: Annotation, *, classes: Classes, masked: bool
) -> list[tuple[str, NDArray[np.uint8]]]:
    """A frame, as the physician drew it, and as the model did; masked, with nothing beside the sector."""
    height, width = sample.pixels.shape
    # Nobody has looked at pictures from outside: what stands beside the sector may be a name.
    seen = sample.pixels * sector_mask(sample.sector, height=height, width=width) if masked else sample.pixels
    plain = Annotation(height, width, (), frozenset())
    drawn = (("the frame", plain), ("physician", sample.annotation), ("model", prediction))
    return [(name, draw_overlay(seen, annotation, classes=classes)) for name, annotation in drawn]


def shown_frames(scores: pd.DataFrame, *, count: int = SHOWN) -> dict[str, list[str]]:
    """The `worst`, `median` and `best` frames by their mean Dice over the classes drawn, none of them twice.

    Of each kind one a patient, as far as the patients reach: frames of one patient are near-copies.
    """
    drawn = scores[scores["drawn"] > 0]
    dice = drawn.groupby("frame")["dice"].mean().sort_values(kind="stable")
    patient = dict(zip(drawn["frame"].astype(str), drawn["patient"].astype(str), strict=True))
    order = [str(frame) for frame in dice.index]
    middle = [f for _, f in sorted(enumerate(order), key=lambda place: abs(place[0] - len(order) // 2))]
    shown: dict[str, list[str]] = {}
    for kind, candidates in (("worst", order), ("best", order[::-1]), ("median", middle)):
        left = [f for f in candidates if not any(f in frames for frames in shown.values())]
        firsts = list({patient[f]: f for f in reversed(left)}.values())
        shown[kind] = [f for f in left if f in firsts][:count]
    return {kind: shown[kind] for kind in ("worst", "median", "best")}


def _drawn(
    predictor: Predictor, samples: Iterable[Sample], frames: set[str], contains: Mapping[int, frozenset[int]]
) -> dict[str, tuple[Sample, Annotation]]:
    """These frames and what the model draws in them, by their ids."""
    chosen = [s for s in samples if s.frame in frames]
    predictions = predictor.predict(Frame(s.pixels, "", sector=s.sector) for s in chosen)
    found = {}
    for sample, prediction in zip(chosen, predictions, strict=True):
        shapes = index_to_shapes(prediction.index, tolerance=_TOLERANCE, contains=contains)
        height, width = sample.pixels.shape
        found[sample.frame] = (sample, Annotation(height, width, shapes, frozenset()))
    return found


def _told(scores: pd.DataFrame, frame: str) -> str:
    own = scores[(scores["frame"] == frame) & (scores["drawn"] > 0)]
    figures = [
        f"{name} {dice:.2f}" + ("" if np.isnan(guessed) else f" (guessed {guessed:.2f})")
        for name, dice, guessed in zip(own["name"], own["dice"], own["guessed"], strict=True)
    ]
    return ", ".join(figures)


def _reliability(found: Reliability, names: Sequence[str], colors: Mapping[str, str]) -> Panel:
    lines = []
    for k, name in enumerate(names):
        seen = found.counts[k] > 0
        x, y = found.sums[k][seen] / found.counts[k][seen], found.hits[k][seen] / found.counts[k][seen]
        lines.append(Line(name, list(zip(x.tolist(), y.tolist(), strict=True)), colors[name]))
    return Panel(lines, "probability that the model gave", "share of pixels of the class", unit=True)
