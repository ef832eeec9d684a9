"""The file of a simulation's finished trainings: lines are appended and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ...annotate.errors import WorkspaceError
from ...annotate.system.appended import add_row, rows_of, whole_lines
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

    Raises:
        WorkspaceError: Its header is damaged, or that of another file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[tuple[str, ...]] = set()
        lines = whole_lines(path)
        if lines and lines[0] != ",".join(COLUMNS):
            remedy = "Move it away, and the same command begins a new one"
            raise WorkspaceError(path, "its first line does not name the columns of a simulation", remedy)
        for row in rows_of(lines):
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
        add_row(self.path, row, columns=COLUMNS)
        self.done.add(tuple(str(row[name]) for name in OWN_KEY))
        return True
