"""Which journal SQLite keeps, and readers beside a writer with either."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dmr.annotate.catalogue import sqlite as own
from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.errors import CatalogueError

AT_ONCE = 1.0  # seconds; a reader that waits for a writer waits ten


@pytest.fixture(params=["wal", "truncate"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As on a version of SQLite whose write-ahead log is safe, and on one whose is not."""
    monkeypatch.setattr(own, "wal_is_safe", lambda: request.param == "wal")
    return str(request.param)


def opened(tmp_path: Path, catalogue: Catalogue) -> Catalogue:
    return Catalogue.open(tmp_path / "catalogue.sqlite", store=catalogue.store)


def mode_of(catalogue: Catalogue) -> str:
    with catalogue.reading() as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 34, 1), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 4), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
    ids=str,
)
def test_the_versions_whose_write_ahead_log_can_lose_a_commit_are_known(
    version: tuple[int, int, int], safe: bool
) -> None:
    assert own.wal_is_safe(version) == safe


def test_an_older_catalogue_changes_over_when_nobody_else_has_it_open(
    catalogue: Catalogue, tmp_path: Path, mode: str
) -> None:
    catalogue.close()
    before = "delete" if mode == "wal" else "wal"
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as other:
        other.execute(f"PRAGMA journal_mode = {before}")
        assert other.execute("SELECT count(*) FROM class").fetchone() == (3,)
        if mode == "truncate":  # SQLite lets go of a write-ahead log only when nobody else has the file open
            with opened(tmp_path, catalogue) as waiting:
                assert mode_of(waiting) == "wal"
                assert len(waiting.classes()) == 3
                waiting.set_cursor(1, "")
                assert "another program has the catalogue open" in waiting.written_mode()
    with opened(tmp_path, catalogue) as again:
        assert mode_of(again) == mode
        assert "program" not in again.written_mode()


def test_who_reads_waits_for_no_writer_before_it_commits(catalogue: Catalogue, tmp_path: Path, mode: str) -> None:
    with opened(tmp_path, catalogue) as writer, writer.transaction() as connection:
        # More than SQLite keeps in its cache: it would lock readers out if it wrote that to the file now.
        for number in range(600):
            connection.execute(sa.insert(t.meta).values(key=f"k{number}", value="x" * 20_000))
        began = time.perf_counter()
        with opened(tmp_path, catalogue) as reader:
            assert mode_of(reader) == mode
            with pytest.raises(CatalogueError, match="has lost its k1"):
                reader.meta("k1")
        assert time.perf_counter() - began < AT_ONCE
    with opened(tmp_path, catalogue) as reader:
        assert reader.meta("k599")
