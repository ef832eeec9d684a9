"""The tables of an evaluation's page, narrow enough to print, and what their columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...annotate.render.html import Table
from ...annotate.wording import counted
from ..inference.calibration import Reliability
from .metrics import guess_correlation

WIDE: Final = 6  # with more classes a matrix's columns are numbered, because names side by side would be too wide

SCORES: Final = (
    ("class", "the structure; the last row is the mean over the classes, each of which weighs the same"),
    ("frames", "frames in which the physician drew the class; below, of how many patients"),
    (
        "Dice",
        "twice the overlap of both outlines over the sum of their areas: 1 is the same outline, 0 no overlap. The mean"
        " over the frames in which the class is drawn; a frame in which the model misses it counts 0. Below, the 95 %"
        " interval: the middle 95 % of 2,000 random draws of the patients, each with all of their frames",
    ),
    ("IoU", "the overlap over the area of both outlines together, 0 to 1; mean over the same frames"),
    (
        "HD95",
        "a large distance between the two outlines: 95 % of their points lie nearer to the other one. Pixels of the"
        " frame at its own size; below in millimetres, where the spacing is known. Frames where both drew the class",
    ),
    ("ASSD", "the mean distance between the two outlines, in the same units, over the same frames"),
    ("missed", "frames in which the physician drew the class and the model did not"),
    (
        "pooled",
        "Dice over the pixels of all frames at once; below, IoU. Large structures and frames count more in it",
    ),
    (
        "false positives",
        "share of the frames in which the physician says that the class is absent, and the model draws it; '-' where"
        " there is no such frame",
    ),
)
"""Each column of `scores_table`, in plain words."""


def scores_table(summary: pd.DataFrame, intervals: pd.DataFrame) -> Table:
    """The metrics of each class, as `metrics.summarise` and `metrics.patient_intervals` give them."""
    rows = []
    for name, row in summary.iterrows():
        low, high = (float(intervals[side][str(name)]) for side in ("low", "high"))
        known = not np.isnan(row["frames"])  # the mean over the classes has no frames of its own
        rows.append(
            [
                str(name),
                f"{row['frames']:.0f}\n{counted(int(row['patients']), 'patients')}" if known else "",
                number(row["dice"], 3) + ("" if np.isnan(low) else f"\n{low:.3f} to {high:.3f}"),
                number(row["iou"], 3),
                _distance(row["hd95"], row["hd95_mm"]),
                _distance(row["assd"], row["assd_mm"]),
                f"{row['missed']:.0f}" if known else "",
                f"{number(row['dice_pooled'], 3)}\nIoU {number(row['iou_pooled'], 3)}",
                number(row["false_positive_rate"], 3),
            ]
        )
    return Table([name for name, _ in SCORES], rows)


def confusion_table(counts: NDArray[np.int64], names: Sequence[str]) -> Table:
    """Of the pixels drawn as a class (rows), the percentage predicted as each class (columns)."""
    every = ["background", *names]
    numbered = len(names) > WIDE
    head = [str(k) for k in range(len(every))] if numbered else every
    rows = []
    for k, (name, row) in enumerate(zip(every, counts, strict=True)):
        total = int(row.sum())
        shares = (number(100 * c / total if total else float("nan"), 1) for c in row)
        rows.append([f"{k} {name}" if numbered else name, *shares, f"{total:,}"])
    return Table(["drawn as", *head, "pixels"], rows)


def calibration_table(found: Reliability, names: Sequence[str], scores: pd.DataFrame) -> Table:
    """How right each class's probabilities and guessed Dice are."""
    correlation = guess_correlation(scores)
    errors, pixels = found.error().tolist(), found.counts.sum(1)
    rows = [
        [name, f"{n:,.0f}", number(error, 3), number(float(correlation.get(name, float("nan"))), 2)]
        for name, n, error in zip(names, pixels, errors, strict=True)
    ]
    rows.append(["all", f"{pixels.sum():,.0f}", "", number(float(correlation["all"]), 2)])
    return Table(["class", "pixels", "calibration error", "correlation of guessed and true Dice"], rows)


def number(value: float, digits: int) -> str:
    """A number as text; `-` for nan."""
    return "-" if pd.isna(value) else format(value, f".{digits}f")


def _distance(px: float, mm: float) -> str:
    if pd.isna(px):
        return "-"
    return f"{px:.1f}\u00a0px" + ("" if pd.isna(mm) else f"\n{mm:.1f}\u00a0mm")
