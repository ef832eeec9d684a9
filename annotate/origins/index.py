"""The private index: links frames to the files that they came from. It lies beside the keys, never in a workspace.

A file's name may reveal the patient, so the index lies beside the key, and only its owner can read it. It helps people
to find their files again. Nothing else depends on it, and no command fails because of it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..catalogue.database import AT_ONCE
from ..errors import DmrError
from ..report import Report
from ..scans.identity import key_path
from ..system.clock import utc_now
from ..system.pipeline import batched
from ..system.platform import owner_only, private_folder

_SCHEMA: Final = 1
_WAIT_S: Final = 5.0  # seconds to wait for another command that writes
_MADE: Final = (
    "CREATE TABLE IF NOT EXISTS source "
    '(frame TEXT PRIMARY KEY, path BLOB NOT NULL, "index" INTEGER NOT NULL, seen_at TEXT NOT NULL) WITHOUT ROWID'
)
_PUT: Final = 'INSERT OR REPLACE INTO source (frame, path, "index", seen_at) VALUES (?, ?, ?, ?)'
_GET: Final = 'SELECT frame, path, "index", seen_at FROM source WHERE frame IN ({})'
CANNOT_WRITE: Final = "the private index of source files cannot be written; `dmr where` will not know these frames"


class IndexBrokenError(DmrError):
    """The index cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The place where a frame's file was last seen.

    Attributes:
        frame: The frame's id.
        path: The file's path.
        index: The frame's place in the file, from 0.
        at: The time, as `clock.utc_text` writes it; empty for now.
    """

    frame: str
    path: Path
    index: int
    at: str = ""


def index_path(key_id: str) -> Path:
    """The path of the index for a key's frames: in this user's key folder, even if `DMR_KEY_FILE` names another place.

    A key may lie on a stick or a share that others can read. File names must not go there.
    """
    return key_path(key_id).with_suffix(".sources.sqlite").absolute()


def lasting(path: Path) -> Path:
    """An absolute path. On Windows, a mapped drive keeps the letter that people know."""
    plain = Path(os.path.abspath(path))  # noqa: PTH100  (`Path.absolute` keeps "..")
    return path.resolve() if ".." in path.parts and plain.resolve() != path.resolve() else plain


def remember(key_id: str, seen: Iterable[Seen], *, report: Report) -> None:
    """Record where files were seen. Earlier entries of the same frames are replaced.

    If the index cannot be written, this is noted once and not tried again in this command; no error is raised.
    """
    path = index_path(key_id)
    if CANNOT_WRITE in report.oddities:
        return
    try:
        write(path, seen)
    except IndexBrokenError as error:
        report.note(CANNOT_WRITE, str(error.__cause__))


def write(path: Path, seen: Iterable[Seen]) -> None:
    """Add entries to the index in one commit. A new index is readable by its owner only, from the first byte on.

    Raises:
        IndexBrokenError: The index is damaged or not writable, or the disk is full.
    """
    now = utc_now()
    rows = [(s.frame, os.fsencode(lasting(s.path)), s.index, s.at or now) for s in seen]
    if not rows:
        return
    with opened(path, write=True) as connection, connection:
        connection.executemany(_PUT, rows)


def look_up(path: Path, frames: Iterable[str]) -> dict[str, Seen]:
    """The index's entries for these frames, by frame id.

    Raises:
        IndexBrokenError: The index is damaged or not readable.
    """
    found: dict[str, Seen] = {}
    if not path.is_file():
        return found
    with opened(path) as connection:
        if _version(connection) == 0:
            return found
        for ids in batched(frames, AT_ONCE):
            query = _GET.format(",".join("?" * len(ids)))
            for frame, name, index, at in connection.execute(query, ids):
                found[frame] = Seen(frame, Path(os.fsdecode(name)), index, at)
    return found


def all_seen(path: Path) -> dict[str, Path]:
    """The files of all frames that the index knows, by frame id.

    Raises:
        IndexBrokenError: It may not be read, or is damaged.
    """
    if not path.is_file():
        return {}
    with opened(path) as connection:
        if _version(connection) == 0:
            return {}
        return {frame: Path(os.fsdecode(name)) for frame, name in connection.execute("SELECT frame, path FROM source")}


@contextmanager
def opened(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to the index; with `write` it is made if needed.

    Raises:
        IndexBrokenError: It is damaged, may not be used, or the disk is full.
    """
    with _errors_told(path):
        if write and not path.exists():
            private_folder(path.parent)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            owner_only(path)
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as connection:
            if write and _version(connection) == 0:
                connection.execute(_MADE)
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
            yield connection


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _SCHEMA:
        raise sqlite3.DatabaseError("it was made by a newer dmr")
    return int(version)


@contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        remedy = "Check the disk and its permissions. You may delete the index: `dmr where --in FOLDER` makes a new one"
        raise IndexBrokenError(path, f"the private index of source files cannot be used ({what})", remedy) from error
