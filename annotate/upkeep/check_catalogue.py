"""Whether the catalogue's file is sound, and whether its rows are those that were written."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ..catalogue import tables as t
from ..catalogue.database import Database
from ..catalogue.journal import Position
from ..catalogue.journal_lines import Segment, segments
from ..faults import told
from ..progress.tell import Tell
from ..system.store import BlobStore
from ..workspace import Workspace
from .copy import CATALOGUE, REBUILD, unreadable
from .fault import Fault, Mend
from .replay import differences, make_plain_tables, replay

_OF_AN_INDEX: Final = re.compile(r"(row \d+ missing from|wrong # of entries in|non-unique entry in) index")
_TRIGGERS: Final = {"revision_as_is", "revision_kept", "tombstone_as_is", "tombstone_kept", "patient_split_once"}
_DIFFERENT: Final[dict[str, tuple[str, Mend]]] = {
    "missing": ("is missing", "row"),
    "changed": ("is not what was written", "row"),
    "rekeyed": ("has another key than was written", "remove"),
    "unknown": ("is in no line of the journal", "unknown"),
}
_MOST: Final = 20  # messages of SQLite about one file


def sound(copy: Path) -> Iterator[Fault]:
    """What SQLite itself finds in a catalogue's file, and rows that name others which are not there."""
    with closing(sqlite3.connect(copy)) as connection:
        try:
            for (said,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
                if said != "ok":
                    of_index = _OF_AN_INDEX.match(said) is not None
                    what = f"is damaged: {said}"
                    yield Fault(CATALOGUE, what, mend="index") if of_index else Fault(CATALOGUE, what, REBUILD)
            yield from _schema(connection, copy)
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            for name in sorted((set(t.metadata.tables) | _TRIGGERS) - there):
                yield Fault(CATALOGUE, f"lacks its table or trigger {name!r}", REBUILD)
            for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                key = ", ".join(f'"{c.name}"' for c in t.metadata.tables[table].primary_key.columns)
                found = connection.execute(f'SELECT {key} FROM "{table}" WHERE rowid = ?', (rowid,)).fetchone()
                yield Fault(row_place(table, found or ()), f"names a {parent} that is not there")
        except sqlite3.DatabaseError as error:
            line = unreadable(error, CATALOGUE)
            yield Fault(line.where, line.what, line.remedy)


def _schema(connection: sqlite3.Connection, copy: Path) -> Iterator[Fault]:
    """The schema is named, and is the one in which the journal goes on."""
    named = [str(row[0]) for row in connection.execute("SELECT version_num FROM alembic_version")]
    position = position_in(copy)
    if position is not None and position.schema == t.SCHEMA and named != [t.SCHEMA]:
        what = f"says that it is of schema {' '.join(named) or 'none'}, and its journal is of {t.SCHEMA}"
        yield Fault(f"{CATALOGUE}, alembic_version", what, mend="version")


def as_written(workspace: Workspace, copy: Path, *, tell: Tell) -> Iterator[Fault]:
    """How the rows differ from what the journal says was written; and whether the journal is whole."""
    folder = workspace.store.root / "journal"
    position = position_in(copy)
    if position is None:
        if segments(folder):
            yield Fault("store/journal", "is there, and the catalogue does not know how far it goes", mend="journal")
        return
    where = f"store/journal/{position.segment}"
    path = folder / position.segment
    if not path.is_file():
        yield Fault(where, "is missing: the catalogue could not be rebuilt", mend="journal")
        return
    if position.schema != t.SCHEMA:
        return
    segment = Segment(path, position.size)
    again = copy.with_name(f".dmr-{secrets.token_hex(6)}.tmp")
    try:
        with closing(sqlite3.connect(again, isolation_level=None)) as connection:
            for pragma in ("synchronous = OFF", "journal_mode = MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            make_plain_tables(connection)
            replay(segment, connection, tell=tell)
        if segment.damaged or segment.sha256 != position.sha256:
            lines = ", ".join(map(str, segment.damaged[:5])) or "the last one"
            yield Fault(where, f"is damaged: line {lines}", mend="journal")
            return
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("ATTACH ? AS written", (str(again),))
            for found in differences(connection):
                place = row_place(found.table, found.key)
                what, kind = _DIFFERENT[found.kind]
                yield Fault(place, what, mend=kind, given={"table": found.table, "key": found.key, "row": found.row})
    except sqlite3.DatabaseError as error:
        if told(error) is not None:  # the disk refuses: that says nothing about the catalogue
            raise
        yield Fault(CATALOGUE, f"cannot be held against its journal ({error})", REBUILD)
    finally:
        again.unlink(missing_ok=True)


def position_in(copy: Path) -> Position | None:
    """How far a catalogue says that its journal goes."""
    engine = sa.create_engine(f"sqlite:///{copy}")
    try:
        with engine.connect() as connection:
            return Position.read(connection)
    except sa.exc.DatabaseError as error:
        if told(error) is not None:
            raise
        return None
    finally:
        engine.dispose()


def meta_values(connection: sa.Connection) -> dict[str, str]:
    """What `meta` says."""
    return {row.key: row.value for row in connection.execute(sa.select(t.meta.c.key, t.meta.c.value))}


def row_place(table: str, key: tuple[object, ...]) -> str:
    """A row as it is named to people."""
    return f"{CATALOGUE}, {table} {' '.join(map(str, key))}"


def is_readable(path: Path) -> bool:
    """Whether a catalogue opens as one."""
    if not path.is_file():
        return False
    from ..errors import CatalogueError

    try:
        Database.open(path, store=BlobStore(path.parent), is_copy=True).close()
    except CatalogueError:
        return False
    return True
