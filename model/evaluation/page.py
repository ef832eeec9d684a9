"""The page of `dmr evaluate`: figures with their intervals, and the frames to look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ... import __version__
from ...annotate.classes import Classes
from ...annotate.geometry.trace import index_to_shapes
from ...annotate.render.html import page, today
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
from .tables import SCORES, calibration_table, confusion_table, scores_table

SHOWN: Final = 4  # frames of each kind: best, median, worst
_TOLERANCE: Final = 1.0  # px: these outlines are only looked at, so they may have many points


def evaluation_page(
    done: Evaluation,
    *,
    title: str,
    card: Card,
    split: str | None,
    predictor: Predictor,
    samples: Callable[[], Iterable[Sample]],
    classes: Classes,
    held: Collection[str] = (),
    date: str | None = None,
) -> bytes:
    """The whole page, with its pictures inside.

    Args:
        done: The evaluation.
        title: Says which model was scored on which frames.
        card: The model's card.
        split: The split that the frames are from; None for Labelme files from elsewhere. Frames from elsewhere are
            numbered, because a file's name may tell who the patient is.
        predictor: The model; it draws the shown frames again.
        samples: Gives the frames again; only the shown ones are kept in memory.
        classes: The workspace's classes.
        held: Ids of frames that are not shown, because they are in quarantine.
        date: The date, such as `2026-01-31`; None for today.
    """
    number = {frame: f"frame {k}" for k, frame in enumerate(dict.fromkeys(done.table["frame"]), 1)}
    names = [classes.by_id(int(i)).name for i in predictor.class_ids[1:]]
    colors = {c.name: c.color for c in classes}
    kinds = shown_frames(done.table[~done.table["frame"].isin(list(held))])
    drawn = _drawn(predictor, samples(), {f for frames in kinds.values() for f in frames}, classes.contained)

    def shown(frame: str) -> tuple[str, list[tuple[str, NDArray[np.uint8]]]]:
        name = number[frame] if split is None else frame
        row = _row(*drawn[frame], classes=classes, masked=split is None)
        return f"{name}: Dice {_told(done.table, frame)}", row

    return page(
        "evaluation.html",
        package=__package__,
        title=title,
        facts=_facts(done, card=card, split=split, predictor=predictor, date=date or today()),
        split=split,
        scores=scores_table(summarise(done.table), patient_intervals(done.table)),
        columns=SCORES,
        confusion=confusion_table(done.confusion, names),
        reach=format(REACH, "g"),
        bins=BINS,
        fitted=any(predictor.calibration.curves),
        curves=draw_svg([_reliability(done.reliability, names, colors)]),
        calibration=calibration_table(done.reliability, names, done.table),
        classes=classes,
        shown=[(kind, [shown(f) for f in frames if f in drawn]) for kind, frames in kinds.items()],
    )


def _facts(
    done: Evaluation, *, card: Card, split: str | None, predictor: Predictor, date: str
) -> list[tuple[str, str]]:
    """Facts about the evaluation: date, versions, model and data."""
    frames_learnt, patients_learnt = (card.detail("data", "train", what) for what in ("frames", "patients"))
    frames, patients = done.table["frame"].nunique(), done.table["patient"].nunique(dropna=False)
    unknown = int(done.table[done.table["patient"].isna()]["frame"].nunique())
    of = f" of {counted(patients, 'patients')}" if not unknown else f"; the patient is not known for {unknown} of them"
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
            f" {card.detail('parameters'):,} parameters",
        ),
        ("Training", f"{counted(card.detail('steps'), 'steps')} in {card.detail('minutes'):.1f} minutes"),
        ("Learnt from", f"{counted(frames_learnt, 'frames')} of {counted(patients_learnt, 'training patients')}"),
        ("Judged on", f"{whose}: {counted(frames, 'frames')}{of}"),
        ("Computed with", f"{engines}, {views}"),
    ]


def _row(
    sample: Sample, prediction: Annotation, *, classes: Classes, masked: bool
) -> list[tuple[str, NDArray[np.uint8]]]:
    """A frame, with the physician's outlines, and with the model's; `masked` blackens what is outside the sector."""
    height, width = sample.pixels.shape
    # Nobody has reviewed frames from outside: text beside the sector may be a name.
    seen = sample.pixels * sector_mask(sample.sector, height=height, width=width) if masked else sample.pixels
    plain = Annotation(height, width, (), frozenset())
    drawn = (("the frame", plain), ("physician", sample.annotation), ("model", prediction))
    return [(name, draw_overlay(seen, annotation, classes=classes)) for name, annotation in drawn]


def shown_frames(scores: pd.DataFrame, *, count: int = SHOWN) -> dict[str, list[str]]:
    """The `worst`, `median` and `best` frames by their mean Dice over the classes drawn; no frame comes twice.

    A patient has at most one frame of each kind, because frames of one patient are alike.
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
    """These frames and the model's outlines in them, by frame id."""
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
