"""How SQLite is opened: which journal it keeps, so that a commit survives a power cut, and how a transaction begins."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

_WAL_SAFE: Final = (3, 51, 3)  # sqlite.org/wal.html, "The WAL-Reset Bug": commits could be lost from 3.7.0 on
_WAL_SAFE_PATCHES: Final = {(3, 44): 6, (3, 50): 7}  # older lines that got the fix
_IN_THE_WAY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY)


def wal_is_safe(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether a version of SQLite loses no commit in WAL mode when several connections write."""
    patch = _WAL_SAFE_PATCHES.get(version[:2])
    return version >= _WAL_SAFE or (patch is not None and version[2] >= patch)


def configure(engine: Engine, *, busy_ms: int) -> None:
    """Open each connection of an engine with care, and begin its transactions ourselves."""

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # Python's sqlite3 begins no transaction on its own: `_begin` does
        _set_journal_mode(connection)
        for pragma in (
            f"busy_timeout = {busy_ms}",
            # EXTRA syncs the folder too when a rollback journal ends; WAL needs no more than FULL.
            f"synchronous = {'FULL' if wal_is_safe() else 'EXTRA'}",
            "foreign_keys = ON",
            # With a rollback journal, a writer that spills would lock readers out long before it commits.
            "cache_spill = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin)


def told_mode(connection: Connection) -> str:
    """Which journal a database keeps and why, in words for `dmr doctor`."""
    mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
    version = sqlite3.sqlite_version
    if wal_is_safe():
        return f"SQLite {version}, with a {'write-ahead log' if mode == 'wal' else 'rollback journal'}"
    if mode == "wal":
        return (
            f"SQLite {version} still keeps a write-ahead log, with which this version can lose a commit: another "
            "program has the catalogue open. Close it; the next command changes over to a rollback journal"
        )
    return f"SQLite {version}, with a rollback journal: before 3.51.3 a write-ahead log can lose a commit"


def _set_journal_mode(connection: Any) -> None:
    """Change the journal if nobody else has the database open; else the next one who opens it does."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute(f"PRAGMA journal_mode = {'WAL' if wal_is_safe() else 'TRUNCATE'}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _IN_THE_WAY:
            raise


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once: one that reads first and writes later could fail in the middle.
    write = connection.get_execution_options().get("dmr_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
