"""A copy of the catalogue as it is at one moment: others go on writing while it is looked at."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ..errors import CatalogueError
from ..faults import told
from ..workspace import Workspace

CATALOGUE: Final = "catalogue.sqlite"
REBUILD: Final = "`dmr db rebuild` makes it anew from store/, or restore a backup: `dmr db restore`"
_WAIT_S: Final = 30.0


def copy_catalogue(source: Path, target: Path, *, lasting: bool = True) -> None:
    """Copy an SQLite file in one read transaction, as SQLite's own backup does.

    Args:
        source: The file.
        target: A new one.
        lasting: It has to survive a power cut.

    Raises:
        CatalogueError: It is missing, damaged, or locked all the time, or the disk refuses.
    """
    if not source.is_file():
        raise CatalogueError(source.name, "is missing", "`dmr db rebuild` makes it anew from store/")
    try:
        with (
            closing(sqlite3.connect(source, timeout=_WAIT_S)) as read,
            closing(sqlite3.connect(target, timeout=_WAIT_S)) as written,
        ):
            if not lasting:
                written.execute("PRAGMA synchronous = OFF")
            read.backup(written)
            # A file of its own: a copy has no second file beside it.
            written.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if _is_full(error):
            raise _no_room(target.parent) from error
        raise unreadable(error, source.name) from error


def unreadable(error: sqlite3.DatabaseError, name: str) -> CatalogueError:
    """Why SQLite cannot read a catalogue: only a file that is no whole database is called damaged.

    Args:
        error: SQLite's.
        name: The catalogue's file.
    """
    if (line := told(error)) is not None:
        return CatalogueError(name, line.what, line.remedy)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogueError(name, "is written by another process all the time", "Wait for it and try again")
    return CatalogueError(name, f"is damaged ({error})", REBUILD)


@contextmanager
def catalogue_copy(workspace: Workspace) -> Iterator[Path]:
    """A copy of a workspace's catalogue that is gone afterwards.

    Raises:
        CatalogueError: It is missing, damaged, locked all the time, or on a server, or there is no room for a copy.
    """
    refuse_server(workspace)
    folder = workspace.reports_folder
    folder.mkdir(exist_ok=True)
    path = folder / f".dmr-{secrets.token_hex(6)}.tmp"  # swept by the next command if this one is killed
    try:
        copy_catalogue(workspace.root / CATALOGUE, path, lasting=False)
        yield path
    except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
        if _is_full(getattr(error, "orig", error)):
            raise _no_room(folder) from error
        raise
    finally:
        path.unlink(missing_ok=True)


def _is_full(error: object) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def _no_room(folder: Path) -> CatalogueError:
    return CatalogueError(folder, f"has no room for a copy of {CATALOGUE}", "Make room on the disk")


def refuse_server(workspace: Workspace) -> None:
    """Raises:
    CatalogueError: The catalogue is on a server, which has tools of its own.
    """
    if workspace.settings.catalogue.url:
        what = "is on a database server, and `dmr db` works on the file that a workspace has otherwise"
        raise CatalogueError("[catalogue] url", what, "Back it up with the server's own tools, such as pg_dump")
