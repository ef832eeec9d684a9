"""The page that `dmr evaluate` leaves: figures with their intervals, and the frames to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from ..annotate.classes import Classes
from ..annotate.figure import Line, Panel, draw_panels
from ..annotate.overlay import draw_overlay
from ..annotate.page import NOTICE, drawing, legend, page, pictures, table
from ..annotate.sector import sector_mask
from ..annotate.shapes import Annotation, Frame
from ..annotate.trace import index_to_shapes
from .calibration import REACH, Reliability
from .dataset import Sample
from .evaluate import Evaluation
from .metrics import guess_correlation, patient_intervals, summarise
from .predict import Predictor

SHOWN: Final = 4  # frames of each kind: best, median, worst
_TOLERANCE: Final = 1.0  # px: outlines as they are, to be looked at


def evaluation_page(
    done: Evaluation,
    *,
    title: str,
    predictor: Predictor,
    samples: Callable[[], Iterable[Sample]],
    classes: Classes,
    contains: Mapping[int, frozenset[int]],
    named: bool = True,
) -> bytes:
    """The whole page, with its pictures inside.

    Args:
        done: What was found.
        title: Says which model on which frames.
        predictor: The model, which draws the frames shown once more.
        samples: Gives the frames once more; those shown are kept.
        classes: The workspace's.
        contains: Class id to the ids that lie inside it.
        named: Frames have ids; without, they are numbered, for a file's name may tell who the patient is.
    """
    number = {frame: f"frame {k}" for k, frame in enumerate(dict.fromkeys(done.table["frame"]), 1)}
    names = [classes.by_id(int(i)).name for i in predictor.class_ids[1:]]
    summary, intervals = summarise(done.table), patient_intervals(done.table)
    colors = {c.name: c.color for c in classes}
    parts = [
        f"<h1>{title}</h1>",
        f"<p class=notice>{NOTICE}</p>",
        legend(classes),
        "<h2>How well it draws</h2><p>Dice per image: the mean over the frames in which a class is drawn; a frame where"
        " it is missed counts 0. The interval is the middle 95 % of 2,000 draws of patients with all of their"
        " frames.</p>",
        _metrics(summary, intervals),
        "<h2>What is taken for what</h2><p>Share of the pixels drawn as a class (rows) by what they were predicted to"
        " be (columns).</p>",
        _confusion(done.confusion, names),
        f"<h2>What its probabilities are worth</h2><p>Within {REACH:g} px of predicted or drawn foreground: how often a"
        " pixel is of the class, by the probability that it was given. On the dashed line a probability means what it"
        " says.</p>",
        drawing("calibration curve", draw_panels([_reliability(done.reliability, names, colors)])),
        _errors(done.reliability, names, done.table),
    ]
    shown = shown_frames(done.table)
    drawn = _drawn(predictor, samples(), {f for frames in shown.values() for f in frames}, contains)
    for kind, frames in shown.items():
        parts.append(f"<h2>The {kind} frames</h2>")
        for frame in (f for f in frames if f in drawn):
            sample, prediction = drawn[frame]
            height, width = sample.pixels.shape
            # Nobody has looked at pictures from outside: what stands beside the sector may be a name.
            seen = sample.pixels if named else sample.pixels * sector_mask(sample.sector, height=height, width=width)
            plain = Annotation(height, width, (), frozenset())
            row = [
                ("the frame", draw_overlay(seen, plain, classes=classes)),
                ("physician", draw_overlay(seen, sample.annotation, classes=classes)),
                ("model", draw_overlay(seen, prediction, classes=classes)),
            ]
            parts.append(pictures(f"{frame if named else number[frame]}: Dice {_told(done.table, frame)}", row))
    return page(title, parts)


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


def _metrics(summary: pd.DataFrame, intervals: pd.DataFrame) -> str:
    columns = {
        "frames": ("frames", 0),
        "patients": ("patients", 0),
        "dice": ("Dice", 3),
        "iou": ("IoU", 3),
        "hd95": ("HD95 px", 1),
        "assd": ("ASSD px", 1),
        "hd95_mm": ("HD95 mm", 1),
        "assd_mm": ("ASSD mm", 1),
        "missed": ("missed", 0),
        "dice_pooled": ("Dice pooled", 3),
        "iou_pooled": ("IoU pooled", 3),
        "false_positive_rate": ("FP rate", 3),
    }
    known = {k: v for k, v in columns.items() if not k.endswith("_mm") or summary[k].notna().any()}
    head = ["class"]
    for key, (title, _) in known.items():
        head += [title, "95 % interval"] if key == "dice" else [title]
    rows = []
    for name, row in summary.iterrows():
        cells = [str(name)]
        for key, (_, digits) in known.items():
            cells.append(_number(row[key], digits))
            if key == "dice":
                low, high = (float(intervals[side][str(name)]) for side in ("low", "high"))
                cells.append(f"{_number(low, 3)} to {_number(high, 3)}")
        rows.append(cells)
    return table(head, rows)


def _confusion(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], names: Sequence[str]) -> str:
    every = ["background", *names]
    rows = []
    for name, row in zip(every, counts, strict=True):
        total = int(row.sum())
        rows.append([name, *(_number(c / total if total else float("nan"), 3) for c in row), f"{total:,}"])
    return table(["drawn as", *every, "pixels"], rows)


def _reliability(found: Reliability, names: Sequence[str], colors: Mapping[str, str]) -> Panel:
    lines = []
    for k, name in enumerate(names):
        seen = found.counts[k] > 0
        x, y = found.sums[k][seen] / found.counts[k][seen], found.hits[k][seen] / found.counts[k][seen]
        lines.append(Line(name, list(zip(x.tolist(), y.tolist(), strict=True)), colors[name]))
    return Panel(lines, "probability", "share of the class", unit=True)


def _errors(found: Reliability, names: Sequence[str], scores: pd.DataFrame) -> str:
    correlation = guess_correlation(scores)
    errors = [*found.error().tolist(), float("nan")]
    rows = [
        [name, _number(error, 3), _number(float(correlation.get(name, float("nan"))), 2)]
        for name, error in zip([*names, "all"], errors, strict=True)
    ]
    return table(["class", "calibration error", "guessed and true Dice, correlation"], rows)


def _number(value: float, digits: int) -> str:
    return "-" if pd.isna(value) else format(value, f".{digits}f")
