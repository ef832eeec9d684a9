"""Metrics of each class and frame: Dice, IoU, HD95, ASSD and false positives; pooled and per image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from .bootstrap import BOUNDS, drawn_patients, mean_of_known, patients_of, resampled_means, sums_by_patient

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FrameScore:
    """The scores of one class in one frame.

    Attributes:
        frame: Frame id.
        patient: Pseudonym; None where unknown.
        name: Class name.
        overlap: Pixels that are both predicted and drawn.
        predicted: Pixels that the model predicted.
        drawn: Pixels that a physician drew.
        hd95: HD95 in pixels; nan unless the class is predicted and drawn.
        assd: ASSD in pixels; nan unless the class is predicted and drawn.
        hd95_mm: HD95 in millimetres; nan also where the spacing is not known.
        assd_mm: ASSD in millimetres; nan also where the spacing is not known.
        guessed: The guessed Dice; nan where there is none.
    """

    frame: str
    patient: str | None
    name: str
    overlap: int
    predicted: int
    drawn: int
    hd95: float
    assd: float
    hd95_mm: float
    assd_mm: float
    guessed: float = float("nan")


def surface_distances(a: Mask, b: Mask, *, spacing: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
    """HD95 and ASSD of two masks `(H, W)`, in the unit of `spacing` `(row, column)`; both masks need a pixel.

    HD95 is the larger of the two directed 95th percentiles. ASSD is the mean over the pixels of both boundaries
    (Maier-Hein et al. 2024, Metrics reloaded, doi:10.1038/s41592-023-02151-z).
    """
    rows, columns = np.nonzero(a | b)
    window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    a, b = np.pad(a[window], 1), np.pad(b[window], 1)
    edge_a, edge_b = a & ~ndimage.binary_erosion(a), b & ~ndimage.binary_erosion(b)
    to_b = ndimage.distance_transform_edt(~edge_b, sampling=spacing)[edge_a]
    to_a = ndimage.distance_transform_edt(~edge_a, sampling=spacing)[edge_b]
    hd95 = max(np.percentile(to_b, 95), np.percentile(to_a, 95))
    return float(hd95), float((to_a.sum() + to_b.sum()) / (len(to_a) + len(to_b)))


def score_mask(
    predicted: Mask,
    drawn: Mask,
    *,
    frame: str,
    patient: str | None,
    name: str,
    spacing_mm: tuple[float, float] | None = None,
    guessed: float = float("nan"),
) -> FrameScore:
    """Compare two masks `(H, W)` of one class at native size."""
    hd95 = assd = hd95_mm = assd_mm = float("nan")
    if predicted.any() and drawn.any():
        hd95, assd = surface_distances(predicted, drawn)
        if spacing_mm is not None:
            hd95_mm, assd_mm = surface_distances(predicted, drawn, spacing=spacing_mm)
    return FrameScore(
        frame=frame,
        patient=patient,
        name=name,
        overlap=int((predicted & drawn).sum()),
        predicted=int(predicted.sum()),
        drawn=int(drawn.sum()),
        hd95=hd95,
        assd=assd,
        hd95_mm=hd95_mm,
        assd_mm=assd_mm,
        guessed=guessed,
    )


def score_table(scores: Sequence[FrameScore]) -> pd.DataFrame:
    """A row for each frame and covered class, with `dice` and `iou`; nan if the class is not drawn or predicted."""
    columns = list(FrameScore.__dataclass_fields__)
    table = pd.DataFrame([[getattr(s, c) for c in columns] for s in scores], columns=columns)
    union = table["predicted"] + table["drawn"] - table["overlap"]
    table["iou"] = table["overlap"] / union.where(union > 0)
    table["dice"] = 2 * table["overlap"] / (table["predicted"] + table["drawn"]).where(union > 0)
    return table


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Metrics of each class over a score table.

    - *Per image*: the mean over the frames in which the class is drawn. A frame in which it is drawn but not predicted
      counts 0 in Dice and IoU, and is left out of the distances.
    - *Pooled*: over all pixels of all frames in which the class is covered.
    - `false_positive_rate`: of the frames in which the class is covered and absent, the share in which it is predicted;
      nan if there is no such frame.

    Returns:
        Index: class names in the table's order, then `mean`, in which each class weighs the same.
    """
    rows = {}
    for name, group in table.groupby("name", sort=False):
        present, absent = group[group["drawn"] > 0], group[group["drawn"] == 0]
        overlap, both = group["overlap"].sum(), (group["predicted"] + group["drawn"]).sum()
        rows[name] = {
            "frames": len(present),
            "patients": present["patient"].nunique(dropna=False),
            "dice": present["dice"].mean(),
            "iou": present["iou"].mean(),
            "hd95": present["hd95"].mean(),
            "assd": present["assd"].mean(),
            "hd95_mm": present["hd95_mm"].mean(),
            "assd_mm": present["assd_mm"].mean(),
            "missed": int((present["predicted"] == 0).sum()),
            "dice_pooled": 2 * overlap / both if both else float("nan"),
            "iou_pooled": overlap / (both - overlap) if both else float("nan"),
            "absent_frames": len(absent),
            "false_positive_rate": (absent["predicted"] > 0).mean() if len(absent) else float("nan"),
        }
    summary = pd.DataFrame.from_dict(rows, orient="index")
    if len(summary):
        mean = summary.mean()
        mean[["frames", "patients", "missed", "absent_frames"]] = float("nan")
        summary.loc["mean"] = mean
    return summary


def summary_values(summary: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """A summary as JSON values: four digits; None if a value is not known."""
    return {
        str(name): {str(k): None if pd.isna(v) else round(float(v), 4) for k, v in row.items()}
        for name, row in summary.iterrows()
    }


def patient_intervals(table: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """95 % intervals of Dice per image, from a bootstrap over patients; all unknown patients count as one.

    Returns:
        Index: class names, then `mean`; columns `low` and `high`, nan with fewer than two patients.
    """
    drawn = table[table["drawn"] > 0]
    names = list(dict.fromkeys(table["name"]))
    patients = sorted(set(patients_of(drawn)))
    if len(patients) < 2:
        return pd.DataFrame(np.nan, index=[*names, "mean"], columns=["low", "high"])
    sums, counts = sums_by_patient(drawn, drawn["dice"], patients=patients, names=names)
    dice = resampled_means(sums, counts, drawn_patients(len(patients), resamples=resamples, seed=seed))
    both = np.column_stack([dice, mean_of_known(dice)])
    low, high = np.full((2, both.shape[1]), np.nan)
    some = ~np.isnan(both).all(axis=0)  # a class may be covered but drawn nowhere
    low[some], high[some] = np.nanquantile(both[:, some], BOUNDS, axis=0)
    return pd.DataFrame({"low": low, "high": high}, index=[*names, "mean"])


def guess_correlation(table: pd.DataFrame) -> pd.Series[float]:
    """Pearson's correlation of guessed and true Dice, for each class and for `all`.

    Only structures that are both drawn and predicted count.
    """
    both = table[(table["drawn"] > 0) & (table["predicted"] > 0)]
    found = {str(name): g["guessed"].corr(g["dice"]) for name, g in both.groupby("name", sort=False) if len(g) > 2}
    return pd.Series({**found, "all": both["guessed"].corr(both["dice"]) if len(both) > 2 else float("nan")})


def mean_known(values: Iterable[float | None]) -> float | None:
    """The mean of the known values; None if no value is known."""
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
