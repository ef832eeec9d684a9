"""What `dmr db verify` says: a line a kind, whatever the number of faults, and the place that has no room."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from dmr.annotate.upkeep import check_catalogue
from dmr.annotate.workspace import Workspace
from dmr.cli import main

KINDS = 6  # of faults that one spoiled workspace may show here


def told(ward: Workspace, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[str]:
    monkeypatch.chdir(ward.root)
    return CliRunner().invoke(main, ["db", "verify", *options]).output.splitlines()


def test_a_store_that_is_gone_is_told_in_a_line_a_kind(ward: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(ward.root / "store")
    lines = told(ward, monkeypatch)
    assert len(lines) < KINDS, lines
    assert any("is missing. `dmr db verify --repair` mends it: 11 (store/" in line for line in lines), lines
    assert any("as it came in" in line and " and 3 more)" in line for line in lines), lines

    mended = told(ward, monkeypatch, "--repair")
    assert len(mended) < KINDS, mended
    assert any(line.startswith("Mended: is missing: 11 (store/") for line in mended), mended


def test_rows_that_are_wrong_in_one_way_are_told_in_one_line(ward: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(ward.root / "store" / "journal")
    with closing(sqlite3.connect(ward.root / "catalogue.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER revision_as_is")
        connection.execute("UPDATE revision SET at = at, author = author || 'x'")
    lines = told(ward, monkeypatch)
    (line,) = [line for line in lines if "says what has the hash" in line]
    assert "11 (catalogue.sqlite, revision " in line and " and 6 more)" in line


@pytest.mark.parametrize("step", ["the copy", "the journal's tables"])
def test_a_full_disk_is_told_with_the_folder_that_has_no_room(
    step: str, ward: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite's own error for a full disk
        connection.execute("CREATE TABLE a (b)")
        connection.execute("CREATE TABLE c (d)")

    class Full(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: object) -> None:
            fill(target)

    if step == "the copy":
        monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Full))
    else:
        monkeypatch.setattr(check_catalogue, "make_plain_tables", fill)
    lines = told(ward, monkeypatch)
    error = f"Error: {ward.reports_folder}: has no room for a copy of catalogue.sqlite. Make room on the disk."
    assert error in lines, lines
    assert list(ward.reports_folder.glob(".dmr-*")) == []
