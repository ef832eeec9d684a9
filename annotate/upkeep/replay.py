"""The journal's rows put into tables again, and a catalogue held against them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from ..catalogue import tables as t
from ..catalogue.journal import POSITION
from ..catalogue.journal_lines import Segment
from ..progress.tell import Tell, silent

_UNSAID: Final = frozenset({t.queue.c.cursor})
"""Not in the journal each time that it changes."""


class Difference(NamedTuple):
    """A row that is not as it was written.

    Attributes:
        table: Of the row.
        key: Its primary key.
        kind: `missing`, `changed` or `unknown`, which the journal does not know.
        row: As the journal has it; empty for `unknown`.
    """

    table: str
    key: tuple[Any, ...]
    kind: str
    row: dict[str, Any]


def replay(segment: Segment, connection: sqlite3.Connection, *, tell: Tell = silent) -> None:
    """Put a segment's rows into tables that are there and empty, in one transaction."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN")
    for lines in segment.transactions():
        tell("Reading the journal", 1, None)
        for line in lines:  # first all that goes: a unique value may pass from one row to another
            for table, keys in line.gone.items():
                _delete(connection, table, keys)
            for table, rows in line.put.items():
                names = _key(table)
                _delete(connection, table, [[row[name] for name in names] for row in rows])
        for line in lines:
            for table, rows in line.put.items():
                for row in rows:
                    columns = ", ".join(f'"{name}"' for name in row)
                    places = ", ".join("?" * len(row))
                    connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', list(row.values()))
    connection.execute("COMMIT")


def make_plain_tables(connection: sqlite3.Connection) -> None:
    """The tables of today's schema in an empty file, without what keeps promises: what is put in was looked at."""
    for statement in _plain_tables():
        connection.execute(statement)


@cache
def _plain_tables() -> tuple[str, ...]:
    return tuple(str(CreateTable(table).compile(dialect=sqlite.dialect())) for table in t.metadata.sorted_tables)


def differences(connection: sqlite3.Connection) -> Iterator[Difference]:
    """How the catalogue in `main` differs from the journal's rows, attached as `written`."""
    connection.row_factory = sqlite3.Row
    for table in t.metadata.sorted_tables:
        names = [c.name for c in table.columns]
        same = " AND ".join(f'a."{name}" = b."{name}"' for name in _key(table.name))
        first = _key(table.name)[0]
        other = " OR ".join(f'a."{c.name}" IS NOT b."{c.name}"' for c in table.columns if c not in _UNSAID)
        ours = f"a.key <> '{POSITION}' AND " if table is t.meta else ""
        theirs = ", ".join(f'b."{name}"' for name in names)
        own_key = ", ".join(f'a."{name}"' for name in _key(table.name))
        changed = (
            f'SELECT {own_key}, b."{first}" IS NULL, {theirs} FROM main."{table.name}" a '
            f'LEFT JOIN written."{table.name}" b ON {same} WHERE {ours}(b."{first}" IS NULL OR {other})'
        )
        n = len(_key(table.name))
        for found in connection.execute(changed):
            values = tuple(found)
            if values[n]:
                yield Difference(table.name, values[:n], "unknown", {})
            else:
                yield Difference(table.name, values[:n], "changed", dict(zip(names, values[n + 1 :], strict=True)))
        missing = (
            f'SELECT {theirs} FROM written."{table.name}" b LEFT JOIN main."{table.name}" a ON {same} '
            f'WHERE a."{first}" IS NULL'
        )
        for found in connection.execute(missing):
            row = dict(zip(names, tuple(found), strict=True))
            yield Difference(table.name, tuple(row[name] for name in _key(table.name)), "missing", row)


def _key(table: str) -> list[str]:
    return [c.name for c in t.metadata.tables[table].primary_key.columns]


def _delete(connection: sqlite3.Connection, table: str, keys: Any) -> None:
    where = " AND ".join(f'"{name}" = ?' for name in _key(table))
    connection.executemany(f'DELETE FROM "{table}" WHERE {where}', keys)


def put_rows(connection: sa.Connection, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Put rows into the catalogue over what stands there, past the triggers that let nobody change a revision."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for table, some in rows.items():
        for row in some:
            columns = ", ".join(f'"{name}"' for name in row)
            places = ", ".join("?" * len(row))
            # REPLACE fires no trigger on the row that it takes away.
            statement = f'INSERT OR REPLACE INTO "{table}" ({columns}) VALUES ({places})'
            connection.exec_driver_sql(statement, tuple(row.values()))
