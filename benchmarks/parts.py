"""The parts of a benchmark that takes hours: lines of `results/NAME.csv`, to which lines are only added.

A line is written when its part ends, and holds its commit. So a benchmark can be stopped at any time. Cells are JSON,
except in the columns of text; an empty cell is no value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from record import RESULTS, commit

from dmr.annotate.system.appended import add_row, whole_rows

TEXT: Final = frozenset(
    ("part", "commit", "run", "network", "on", "changes", "design", "what", "verdict", "scored", "place", "told")
)

Row = dict[str, Any]


def lines(name: str) -> list[Row]:
    """All lines, the oldest first."""
    return [
        {key: cell if key in TEXT else json.loads(cell) for key, cell in line.items() if cell}
        for line in whole_rows(_path(name))
    ]


def add(name: str, row: Mapping[str, Any], *, columns: Sequence[str] = ()) -> None:
    """Add a line with the commit that is checked out.

    Args:
        name: The benchmark's name.
        row: The line's values; the keys are columns of the file.
        columns: The columns of a new file; by default those of the row.

    Raises:
        ValueError: The file has no column for a key.
    """
    row = {"commit": commit(), **row}
    cells = {key: value if key in TEXT else json.dumps(value) for key, value in row.items()}
    add_row(_path(name), cells, columns=columns or list(row))


def open_round(name: str, wanted: Collection[str]) -> tuple[int, dict[str, Row]]:
    """The last round and the parts that it has; if it is complete, the next round without parts."""
    known = lines(name)
    last = max((row["round"] for row in known), default=1)
    done = {row["part"]: row for row in known if row["round"] == last}
    return (last + 1, {}) if set(wanted) <= set(done) else (last, done)


def _path(name: str) -> Path:
    return RESULTS / f"{name}.csv"
