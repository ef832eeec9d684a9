"""CSV files to which lines are only added: what a crash or a failing disk left of a line is passed over."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..errors import WorkspaceError
from .platform import fsync_folder
from .store import make_folder

_LONGEST: Final = 2**31 - 1  # characters of a cell; a simulation's line holds all its patients
_MOMENT: Final = 0.05  # seconds in which another process ends the line that it is writing


def whole_lines(path: Path) -> list[str]:
    """The header and the whole lines of such a file, without their ends; empty if there is no header.

    A line is whole if it ends, is UTF-8 without NUL, closes its quotes, and has as many cells as the header.

    Raises:
        WorkspaceError: The header is damaged.
    """
    try:
        ended = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    found = [_cells(line) for line in ended]
    if not found:
        return []
    if found[0] is None:
        raise WorkspaceError(path, "its first line is damaged", "Move it away, and the same command begins a new one")
    return [line for line, cells in filter(None, found) if cells == found[0][1]]


def whole_rows(path: Path) -> list[dict[str, str]]:
    """The whole lines of such a file by the names of its columns, the oldest first."""
    return rows_of(whole_lines(path))


def rows_of(lines: Sequence[str]) -> list[dict[str, str]]:
    """The lines, the header first, by the names of its columns."""
    with _long_cells():
        return list(csv.DictReader(lines))


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be long. The limit is the whole process's, and its other tables have short ones."""
    usual = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def add_row(path: Path, row: Mapping[str, Any], *, columns: Sequence[str]) -> None:
    """Add a line; it is on the disk when this returns.

    An unfinished last line is dropped. In a file that has no header yet, `columns` become it.

    Raises:
        ValueError: There is no column for a key.
        WorkspaceError: The header is damaged.
    """
    drop_unfinished(path)
    text = io.StringIO()
    lines = whole_lines(path)
    writer = csv.DictWriter(text, next(csv.reader(lines[:1]), columns), lineterminator="\n")
    if not lines:
        writer.writeheader()
    writer.writerow({k: v.replace("\n", " ") if isinstance(v, str) else v for k, v in row.items()})
    add_text(path, text.getvalue())


def add_text(path: Path, text: str) -> None:
    """Add whole lines in one write, so that two processes do not cut each other's; they are on the disk after it."""
    drop_unfinished(path)
    make_folder(path.parent)
    is_new = not path.exists()
    with path.open("ab", buffering=0) as file:
        file.write(text.encode("utf-8"))
        os.fsync(file.fileno())
    if is_new:
        fsync_folder(path.parent)


def drop_unfinished(path: Path) -> None:
    """Cut off what stands behind the last end of a line, unless another process is writing there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    if data.endswith(b"\n") or not data:
        return
    time.sleep(_MOMENT)
    with path.open("r+b") as file:
        if file.read() == data:
            file.truncate(data.rfind(b"\n") + 1)


def _cells(line: bytes) -> tuple[str, int] | None:
    """A line and how many cells it has; None if it is not whole."""
    try:
        text = line.decode("utf-8").removesuffix("\r")
        with _long_cells():
            rows = list(csv.reader([text], strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if "\0" in text or len(rows) != 1:
        return None
    return text, len(rows[0])
