"""The file of a simulation's finished trainings: lines are appended and never changed."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .lines import KEY

OWN_KEY: Final = (*KEY, "data", "rounds")
COLUMNS: Final = (
    *OWN_KEY,
    "frames",
    "patients",
    "dice_mean",
    "dice_classes",
    "hd95_classes",
    "minutes",
    "round_minutes",
    "round_forecast",
    "added_px",
    "added_mm",
    "points_moved",
    "points_added",
    "points_removed",
    "touched",
    "accepted",
    "labelled",
    "version",
    "device",
    "train_seconds",
    "patients_dice",
)


class Book:
    """The lines of one file.

    Args:
        path: The file; it is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[tuple[str, ...]] = set()
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    if row.get("patients_dice"):  # the last column: a line that a crash cut off does not have it
                        self.done.add(tuple(row[name] for name in OWN_KEY))

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a training is there."""
        return tuple(str(row[name]) for name in OWN_KEY) in self.done

    def add(self, row: Mapping[str, Any]) -> bool:
        """Append a training, unless it is there; it is on the disk when this returns.

        Returns:
            Whether it was new.
        """
        if self.has(row):
            return False
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            writer.writeheader()
        elif not self.path.read_bytes().endswith(b"\n"):
            text.write("\n")
        writer.writerow(dict(row))
        with self.path.open("ab", buffering=0) as file:
            file.write(text.getvalue().encode("utf-8"))
            os.fsync(file.fileno())
        self.done.add(tuple(str(row[name]) for name in OWN_KEY))
        return True
