"""An evaluation's figures as text, for a terminal."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ...annotate.render.text_table import text_table

_TITLES: Final = {
    "frames": "frames",
    "dice": "Dice",
    "iou": "IoU",
    "hd95": "HD95 px",
    "hd95_mm": "HD95 mm",
    "missed": "missed",
    "dice_pooled": "Dice pooled",
    "iou_pooled": "IoU pooled",
    "false_positive_rate": "FP rate",
}
_DIGITS: Final = {"frames": 0, "missed": 0, "hd95": 1, "hd95_mm": 1}


def summary_text(summary: pd.DataFrame, intervals: pd.DataFrame) -> str:
    """The metrics of each class, as `metrics.summarise` and `metrics.patient_intervals` give them."""
    shown = {
        title: ["-" if v != v else format(v, f".{_DIGITS.get(key, 3)}f") for v in summary[key]]
        for key, title in _TITLES.items()
        if key != "hd95_mm" or summary[key].notna().any()
    }
    between = [
        f"[{low:.2f}, {high:.2f}]" if low == low else "-"
        for low, high in zip(intervals["low"], intervals["high"], strict=True)
    ]
    shown = {"frames": shown.pop("frames"), "Dice": shown.pop("Dice"), "over patients": between, **shown}
    rows = [[str(name), *(column[i] for column in shown.values())] for i, name in enumerate(summary.index)]
    return text_table([["class", *shown], *rows])
