"""The catalogue's journal in `store/journal/`: what each transaction changes, on the disk before it is committed.

The catalogue can be rebuilt from it, and every row can be held against it. See decision 16.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..system.canonical import canonical_json
from ..system.pipeline import batched
from ..system.platform import fsync_file, fsync_folder
from ..system.store import make_folder
from . import tables as t
from .journal_lines import BEGINNING, Line, in_lines, segments

POSITION: Final = "journal"
"""The key in `meta` under which the catalogue keeps how far its journal goes: changed in the same commit."""

_AT_ONCE: Final = 200  # rows in one line: bounds the memory
_WATCHED: Final = "dmr_journal"
_TRIGGERS: Final = f"SELECT count(*) FROM sqlite_temp_master WHERE type = 'trigger' AND name LIKE '{_WATCHED}_%'"
# When a queue was pulled last decides nothing: a pull that finds nothing new writes nothing.
_QUEUE_SAID: Final = " OR ".join(
    f'OLD."{c.name}" IS NOT NEW."{c.name}"' for c in t.queue.columns if c is not t.queue.c.cursor
)
_WHEN: Final = {
    "meta INSERT": f"WHEN NEW.key <> '{POSITION}'",
    "meta UPDATE": f"WHEN NEW.key <> '{POSITION}'",
    "queue UPDATE": f"WHEN {_QUEUE_SAID}",
}


@dataclass(frozen=True, slots=True)
class Position:
    """How far a journal goes.

    Attributes:
        segment: Name of its newest file.
        size: Bytes of it that are committed.
        sha256: Of the last line of these.
        schema: Of the rows in it.
    """

    segment: str
    size: int
    sha256: str
    schema: str

    @classmethod
    def read(cls, connection: Connection) -> Position | None:
        """Where the catalogue says that its journal ends; None where it has none, or says nonsense."""
        text = connection.scalar(sa.select(t.meta.c.value).where(t.meta.c.key == POSITION))
        try:
            return None if text is None else cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def write(self, connection: Connection) -> None:
        """Keep it in the catalogue."""
        value = canonical_json(asdict(self))
        if connection.execute(sa.update(t.meta).where(t.meta.c.key == POSITION).values(value=value)).rowcount == 0:
            connection.execute(sa.insert(t.meta).values(key=POSITION, value=value))


class Journal:
    """The journal of an SQLite catalogue; whoever calls it holds the catalogue's write lock.

    Args:
        folder: `store/journal/`, made with the first line.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, connection: Connection) -> None:
        """Watch what a transaction changes, from here on."""
        connection.info.pop(_WATCHED, None)
        if self._usable(connection) is not None:
            changes: dict[tuple[str, tuple[Any, ...]], None] = {}
            connection.info[_WATCHED] = changes
            _watch(connection, changes)

    def commit(self, connection: Connection, *, anew: bool = False) -> None:
        """Write what the transaction has changed, safe on the disk, and where that ends into the transaction itself.

        Where there is no journal that can be gone on with, all that the catalogue says is written into a new file.
        """
        position, changes = self._usable(connection), connection.info.get(_WATCHED)
        if anew or position is None or changes is None:
            self._snapshot(connection).write(connection)
        elif changes:
            self._append(connection, position, list(changes)).write(connection)

    def _usable(self, connection: Connection) -> Position | None:
        if not sa.inspect(connection).has_table(t.meta.name):
            return None
        position = Position.read(connection)
        if position is None or position.schema != t.SCHEMA:
            return None
        path = self.folder / position.segment
        return position if path.is_file() and path.stat().st_size >= position.size else None

    def _append(
        self, connection: Connection, position: Position, changes: list[tuple[str, tuple[Any, ...]]]
    ) -> Position:
        path = self.folder / position.segment
        self._set_rest_aside(path, position)
        with path.open("r+b") as file:
            file.seek(position.size)
            size, own = _write(file, _changed(connection, changes), position.sha256)
        fsync_file(path)
        return Position(position.segment, position.size + size, own, t.SCHEMA)

    def _set_rest_aside(self, path: Path, position: Position) -> None:
        """Take off what a killed run wrote and never committed; whole lines of it are kept beside."""
        if path.stat().st_size == position.size:
            return
        with path.open("r+b") as file:
            file.seek(position.size)
            rest = file.read()
            if b"\n" in rest:
                aside = path.with_name(f"uncommitted-{path.stem}-{position.size}.jsonl")
                aside.write_bytes(rest)
                fsync_file(aside)
            file.truncate(position.size)

    def _snapshot(self, connection: Connection) -> Position:
        there = segments(self.folder)
        path = self.folder / f"{int(there[-1].stem) + 1 if there else 1:06}.jsonl"
        make_folder(path.parent)
        first = Line(schema=t.SCHEMA)
        rows = in_lines(_all_rows(connection), at_once=_AT_ONCE)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
        ) as f:
            size, own = _write(f, chain([first], rows, [Line(ends=True, schema=t.SCHEMA)]), BEGINNING)
        fsync_file(path)
        fsync_folder(path.parent)
        return Position(path.name, size, own, t.SCHEMA)


def _write(file: Any, lines: Iterable[Line], previous: str) -> tuple[int, str]:
    size, own = 0, previous
    for line in lines:
        text, own = line.text(own)
        file.write(text)
        size += len(text)
    return size, own


def _all_rows(connection: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    for table in t.metadata.sorted_tables:
        for row in connection.execute(sa.select(table)).yield_per(_AT_ONCE):
            if not _is_position(table.name, (row[0],)):
                yield table.name, dict(row._mapping)


def _is_position(table: str, key: tuple[Any, ...]) -> bool:
    return table == t.meta.name and key == (POSITION,)


def _changed(connection: Connection, changes: list[tuple[str, tuple[Any, ...]]]) -> Iterator[Line]:
    by_table: dict[str, list[tuple[Any, ...]]] = {}
    for name, key in changes:
        by_table.setdefault(name, []).append(key)
    waiting: Line | None = None
    for name, keys in by_table.items():
        table = t.metadata.tables[name]
        columns = list(table.primary_key.columns)
        for some in batched(keys, _AT_ONCE):
            found = connection.execute(sa.select(table).where(sa.tuple_(*columns).in_(some)))
            rows = {tuple(row._mapping[c] for c in columns): dict(row._mapping) for row in found}
            gone = [key for key in some if key not in rows]
            if waiting is not None:
                yield waiting
            waiting = Line({name: list(rows.values())} if rows else {}, {name: gone} if gone else {})
    if waiting is not None:
        yield Line(waiting.put, waiting.gone, ends=True, schema=t.SCHEMA)


def _watch(connection: Connection, changes: dict[tuple[str, tuple[Any, ...]], None]) -> None:
    """Note the key of each row that this connection changes; its triggers are seen by nobody else."""

    def changed(table: str, *key: Any) -> None:
        changes[table, key] = None

    driver: Any = connection.connection.driver_connection
    driver.create_function(_WATCHED, -1, changed)
    # A transaction that failed took the triggers along that were made in it.
    if connection.exec_driver_sql(_TRIGGERS).scalar() == 3 * len(t.metadata.tables):
        return
    for table in t.metadata.sorted_tables:
        for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])):
            key = [f'"{column.name}"' for column in table.primary_key.columns]
            calls = " ".join(
                f"SELECT {_WATCHED}('{table.name}', {', '.join(f'{row}.{name}' for name in key)});" for row in rows
            )
            connection.exec_driver_sql(
                f"CREATE TEMP TRIGGER IF NOT EXISTS {_WATCHED}_{table.name}_{event} "
                f'AFTER {event} ON main."{table.name}" {_WHEN.get(f"{table.name} {event}", "")} BEGIN {calls} END'
            )
