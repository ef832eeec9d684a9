"""Faults of many kinds, put into a workspace by a random generator."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

from dmr.annotate.workspace import Workspace

Spoil = Callable[[Workspace, Random], str]
"""Puts one fault in, and says which."""


def flip(path: Path, random: Random, *, first: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[random.randrange(first, len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(bytes(data))


def blobs(w: Workspace) -> list[Path]:
    return [w.store.path(sha256) for sha256 in w.store.hashes()]


def journal(w: Workspace) -> Path:
    return sorted((w.store.root / "journal").glob("0*.jsonl"))[-1]


@contextmanager
def opened(w: Workspace) -> Iterator[sqlite3.Connection]:
    """The catalogue, with nothing that keeps its promises."""
    with closing(sqlite3.connect(w.root / "catalogue.sqlite", isolation_level=None)) as connection:
        for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON", "journal_mode = TRUNCATE"):
            connection.execute(f"PRAGMA {pragma}")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)


def tables(connection: sqlite3.Connection) -> list[str]:
    """Those with rows."""
    names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return [n for n in names if connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0]]


def flipped_blob(w: Workspace, random: Random) -> str:
    path = random.choice(blobs(w))
    flip(path, random)
    return path.name


def removed_blob(w: Workspace, random: Random) -> str:
    path = random.choice(blobs(w))
    path.unlink()
    return path.name


def truncated_blob(w: Workspace, random: Random) -> str:
    path = random.choice(blobs(w))
    path.write_bytes(path.read_bytes()[: random.randrange(path.stat().st_size)])
    return path.name


def renamed_blob(w: Workspace, random: Random) -> str:
    path = random.choice(blobs(w))
    path.rename(path.with_name(random.choice([f"{path.name}.bak", path.name[::-1], path.name.upper() + "x"])))
    return path.name


def swapped_blobs(w: Workspace, random: Random) -> str:
    one, other = random.sample(blobs(w), 2)
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)
    return f"{one.name} {other.name}"


def changed_value(w: Workspace, random: Random) -> str:
    with opened(w) as connection:
        table = random.choice(tables(connection))
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        column = random.choice([c for c in columns if (table, c) != ("queue", "cursor")])
        rowid, value = random.choice(connection.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall())
        connection.execute(
            f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE rowid = ?', (other(value, random), rowid)
        )
        return f"{table}.{column}: {value!r:.60}"


def other(value: object, random: Random) -> object:
    """Nearly the same value."""
    if value is None:
        return "7"
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 4]) + value[1:]
    text = str(value)
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    if not digits:
        return text + "x"
    i = random.choice(digits)
    return text[:i] + str((int(text[i]) + random.randrange(1, 10)) % 10) + text[i + 1 :]


def deleted_row(w: Workspace, random: Random) -> str:
    with opened(w) as connection:
        table = random.choice(tables(connection))
        (rowid,) = random.choice(connection.execute(f'SELECT rowid FROM "{table}"').fetchall())
        connection.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (rowid,))
        return f"{table} {rowid}"


def deleted_rows(w: Workspace, random: Random) -> str:
    with opened(w) as connection:
        table = random.choice([name for name in tables(connection) if name not in ("meta", "alembic_version")])
        connection.execute(f'DELETE FROM "{table}"')
        return table


def foreign_row(w: Workspace, random: Random) -> str:
    with opened(w) as connection:
        insert = "INSERT INTO patient (id, key_id) SELECT ?, value FROM meta WHERE key = 'key_id'"
        connection.execute(insert, (f"p{random.randrange(10**9)}",))
    return "patient"


def damaged_catalogue(w: Workspace, random: Random) -> str:
    path = w.root / "catalogue.sqlite"
    data = bytearray(path.read_bytes())
    kind = random.choice(["header", "cut", "page", "gone"])
    if kind == "gone":
        path.unlink()
        return kind
    if kind == "header":
        data[:16] = bytes(16)
    elif kind == "cut":
        data = data[: len(data) // 2]
    else:
        page = 4096 * random.randrange(1, len(data) // 4096)
        data[page : page + 4096] = random.randbytes(4096)
    path.write_bytes(bytes(data))
    return kind


def store_gone(w: Workspace, random: Random) -> str:
    w.store.root.rename(w.root.with_name(f"{w.root.name}-store"))
    return "store"


def journal_flipped(w: Workspace, random: Random) -> str:
    flip(journal(w), random)
    return journal(w).name


def journal_line_gone(w: Workspace, random: Random) -> str:
    lines = journal(w).read_bytes().splitlines(keepends=True)
    del lines[random.randrange(len(lines))]
    journal(w).write_bytes(b"".join(lines))
    return journal(w).name


def journal_gone(w: Workspace, random: Random) -> str:
    journal(w).unlink()
    return "journal"


def frame_flipped(w: Workspace, random: Random) -> str:
    path = random.choice(sorted(w.frames_folder.iterdir()))
    flip(path, random)
    return path.name


def frame_removed(w: Workspace, random: Random) -> str:
    path = random.choice(sorted(w.frames_folder.iterdir()))
    path.unlink()
    return path.name


def frame_replaced(w: Workspace, random: Random) -> str:
    one, another = random.sample(sorted(w.frames_folder.iterdir()), 2)
    one.write_bytes(another.read_bytes())
    return one.name


def weights_flipped(w: Workspace, random: Random) -> str:
    path = w.models_folder / random.choice(["v1", "v2"]) / "weights.safetensors"
    flip(path, random)
    return path.name


def weights_gone(w: Workspace, random: Random) -> str:
    (w.models_folder / random.choice(["v1", "v2"]) / "weights.safetensors").unlink()
    return "weights"


def card_altered(w: Workspace, random: Random) -> str:
    path = w.models_folder / random.choice(["v1", "v2"]) / "card.json"
    flip(path, random)
    return path.name


def card_gone(w: Workspace, random: Random) -> str:
    (w.models_folder / random.choice(["v1", "v2"]) / "card.json").unlink()
    return "card"


def sheet_cut(w: Workspace, random: Random) -> str:
    path = random.choice(sorted(w.annotations_folder.glob("*.json")))
    path.write_bytes(path.read_bytes()[: random.randrange(path.stat().st_size - 2)])
    return path.name


MENDED: tuple[Spoil, ...] = (
    renamed_blob,
    swapped_blobs,
    foreign_row,
    journal_flipped,
    journal_line_gone,
    journal_gone,
    frame_flipped,
    frame_removed,
    frame_replaced,
)
"""What `--repair` mends whatever was hit."""

OTHERS: tuple[Spoil, ...] = (
    flipped_blob,
    removed_blob,
    truncated_blob,
    changed_value,
    changed_value,
    changed_value,
    deleted_row,
    deleted_row,
    deleted_rows,
    damaged_catalogue,
    store_gone,
    weights_flipped,
    weights_gone,
    card_altered,
    card_gone,
    sheet_cut,
)
