"""The lines of a simulation: one for each finished training, as a table."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Final

import pandas as pd

from ...annotate.system.appended import whole_lines

FULL: Final = "full"  # strategy of the trainings on the whole pool
INITIAL: Final = "initial"  # strategy of the trainings on the first frames, which all strategies of a seed share
ALL: Final = "all"  # budget of the trainings on the whole pool
KEY: Final = ("strategy", "seed", "budget", "network", "steps")

Patients = dict[str, list[list[float]]]
"""For each held-out patient, for each class: the sum of the frames' Dice, and the number of frames."""


def read_lines(path: Path, *, key: tuple[str, ...] = KEY) -> pd.DataFrame:
    """All finished trainings of a file, the oldest first; of two with the same key the older one counts.

    A line that a crash cut off is left out.
    """
    text = io.StringIO("\n".join(whole_lines(path)))
    table = pd.read_csv(text, dtype={"budget": str, "data": str, "rounds": str, "steps": str, "seed": str})
    for name in ("seed", "steps", "dice_mean", "frames"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    whole = table.dropna(subset=["strategy", "seed", "budget", "steps", "dice_mean", "frames"])
    return whole.astype({"seed": int, "steps": int}).drop_duplicates(subset=list(key)).reset_index(drop=True)


def budget_rows(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split lines of one network and length.

    Returns:
        The trainings on budgets, with the shared first one repeated for every strategy of its seed; and the trainings
        on the whole pool.
    """
    full, first = table[table["strategy"] == FULL], table[table["strategy"] == INITIAL]
    own = table[~table["strategy"].isin([FULL, INITIAL])]
    keys = own[["strategy", "seed"]].drop_duplicates()
    shared = keys.merge(first.drop(columns="strategy"), on="seed")
    rows = pd.concat([shared, own], ignore_index=True) if len(own) else own
    rows = rows[rows["budget"] != ALL].astype({"budget": int})
    return rows.sort_values(["strategy", "seed", "budget"]).reset_index(drop=True), full.reset_index(drop=True)


def patients_of_line(cell: object) -> Patients | None:
    """The held-out patients' Dice of one line; None where the line does not have them."""
    if not isinstance(cell, str) or not cell:
        return None
    found: Patients = json.loads(cell)
    return found or None
