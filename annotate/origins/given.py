"""The names behind the short names that `--hide-names` printed: kept in the private index, for `dmr where`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import DmrError

_MADE: Final = "CREATE TABLE IF NOT EXISTS given (code TEXT PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID"


def keep_given(names: Mapping[str, str]) -> None:
    """Keep the names that a command hid, by the digits of their short names, beside the key of the workspace here.

    Without the key nobody can turn short names back, so then nothing is kept. No command fails because of it.
    """
    from ..workspace import Workspace
    from .index import index_path, opened

    with suppress(DmrError):
        workspace = Workspace.find()
        key = workspace.key
        rows = [(code, name.encode("utf-8", "surrogatepass")) for code, name in names.items()]
        with opened(index_path(key.id), write=True) as connection, connection:
            connection.execute(_MADE)
            connection.executemany("INSERT OR REPLACE INTO given (code, name) VALUES (?, ?)", rows)


def given_name(path: Path, code: str) -> str | None:
    """The name that a command of this computer printed as this short name; None if none did.

    Args:
        path: The index.
        code: The digits of the short name.

    Raises:
        IndexBrokenError: It may not be read, or is damaged.
    """
    from .index import opened

    if not path.is_file():
        return None
    with opened(path) as connection:
        connection.execute("PRAGMA query_only = ON")
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'given'").fetchone()
        row = connection.execute("SELECT name FROM given WHERE code = ?", (code,)).fetchone() if known else None
    return None if row is None else bytes(row[0]).decode("utf-8", "surrogatepass")
