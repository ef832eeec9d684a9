"""The journal's rows put into tables again, and a catalogue held against them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
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
        kind: `missing`; `changed`; `unknown`: the journal does not know it; or `rekeyed`: the journal knows it by
            another key.
        row: As the journal has it; empty for `unknown` and `rekeyed`.
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
    for table in t.metadata.sorted_tables:
        key, names = _key(table.name), [c.name for c in table.columns]
        rest = [name for name in names if name not in key and table.c[name] not in _UNSAID]
        same = " AND ".join(f'a."{name}" = b."{name}"' for name in key)
        ours, theirs = (", ".join(f'{side}."{name}"' for name in names) for side in "ab")
        missing = list(
            connection.execute(
                f'SELECT {theirs} FROM written."{table.name}" b LEFT JOIN main."{table.name}" a ON {same} '
                f'WHERE a."{key[0]}" IS NULL'
            )
        )
        for values in missing:
            row = dict(zip(names, values, strict=True))
            yield Difference(table.name, tuple(row[name] for name in key), "missing", row)
        gone = {tuple(dict(zip(names, values, strict=True))[name] for name in rest) for values in missing if rest}
        other = " OR ".join([f'b."{key[0]}" IS NULL', *(f'a."{name}" IS NOT b."{name}"' for name in rest)])
        but = f"a.key <> '{POSITION}' AND " if table is t.meta else ""
        changed = (
            f'SELECT b."{key[0]}" IS NULL, {ours}, {theirs} FROM main."{table.name}" a '
            f'LEFT JOIN written."{table.name}" b ON {same} WHERE {but}({other})'
        )
        for is_unknown, *values in connection.execute(changed):
            own = dict(zip(names, values[: len(names)], strict=True))
            known = dict(zip(names, values[len(names) :], strict=True))
            place = tuple(own[name] for name in key)
            if not is_unknown:
                yield Difference(table.name, place, "changed", known)
            elif tuple(own[name] for name in rest) in gone:
                yield Difference(table.name, place, "rekeyed", {})
            else:
                yield Difference(table.name, place, "unknown", {})


def remove_rows(connection: sa.Connection, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
    """Take rows out of the catalogue by their tables and keys, past the triggers that let nobody delete a revision."""
    rows = list(rows)
    if not rows:
        return
    kept = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    for name, _ in kept:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    for table, key in rows:
        where = " AND ".join(f'"{name}" = ?' for name in _key(table))
        connection.exec_driver_sql(f'DELETE FROM "{table}" WHERE {where}', key)
    for _, sql in kept:
        connection.exec_driver_sql(sql)


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
