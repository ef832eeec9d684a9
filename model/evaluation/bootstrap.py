"""The bootstrap over patients: it draws whole patients, because frames of one patient are alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
BOUNDS = (0.025, 0.975)  # quantiles of a 95 % interval


def patients_of(rows: pd.DataFrame) -> list[str]:
    """The patient of each row of a score table, as text; all unknown patients count as one."""
    return [str(patient) for patient in rows["patient"]]


def drawn_patients(patients: int, *, resamples: int, seed: int) -> Floats:
    """`(resamples, patients)`: how often each patient was drawn, with replacement."""
    drawn = np.random.default_rng(seed).multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    return drawn.astype(np.float64)


def sums_by_patient(
    rows: pd.DataFrame, values: ArrayLike, *, patients: Sequence[str], names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Sums of a figure, and numbers of frames; both are `(patients, classes)`.

    Args:
        rows: Rows of a score table.
        values: The figure in each row.
        patients: The patients, as `patients_of` names them.
        names: Names of the classes.
    """
    row_of = {p: i for i, p in enumerate(patients)}
    place = np.array([row_of[patient] for patient in patients_of(rows)], np.int64)
    column = rows["name"].map({name: k for k, name in enumerate(names)}).to_numpy()
    sums, counts = np.zeros((len(patients), len(names))), np.zeros((len(patients), len(names)))
    np.add.at(sums, (place, column), np.asarray(values, np.float64))
    np.add.at(counts, (place, column), 1.0)
    return sums, counts


def resampled_means(sums: Floats, counts: Floats, drawn: Floats) -> Floats:
    """The mean figure of each class in each resample; nan where a resample has no frame of the class."""
    total = drawn @ counts
    return np.divide(drawn @ sums, total, out=np.full_like(total, np.nan), where=total > 0)


def mean_of_known(values: Floats) -> Floats:
    """The mean over the known classes in each row; 0 if no class is known."""
    known = ~np.isnan(values)
    mean: Floats = np.where(known, values, 0).sum(1) / known.sum(1).clip(min=1)
    return mean
