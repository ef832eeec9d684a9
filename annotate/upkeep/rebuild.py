"""`dmr db rebuild`: the catalogue made anew from its journal in `store/`."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.database import make_tables
from ..catalogue.journal_lines import Segment, segments
from ..errors import CatalogueError
from ..progress.tell import Tell, silent
from ..report import Report
from ..system.platform import fsync_file, fsync_folder
from ..workspace import Workspace
from .check_catalogue import is_readable, sound
from .copy import CATALOGUE, catalogue_copy, refuse_server
from .replay import replay

_LACKING: Final = "Look for what is lacking with `dmr db verify --repair`, or restore a backup"
_TORN: Final = "If a backup is newer, restore it with `dmr db restore`; else import and check `dmr status`"
_BESIDE: Final = ("", "-journal", "-wal", "-shm")


def rebuild(workspace: Workspace, *, report: Report, tell: Tell = silent) -> None:
    """Make the catalogue anew where it is missing or damaged; what is there is kept under another name.

    Raises:
        CatalogueError: There is no journal, or a sound catalogue is there.
    """
    refuse_server(workspace)
    path = workspace.root / CATALOGUE
    with workspace.lock():
        if path.is_file() and is_readable(path):
            with catalogue_copy(workspace) as copy:
                if not list(sound(copy)):
                    what = "is there and can be read"
                    raise CatalogueError(CATALOGUE, what, "To look for other faults, run `dmr db verify`")
        segment = _newest(workspace, report=report)
        workspace.reports_folder.mkdir(exist_ok=True)
        again = workspace.reports_folder / f".dmr-{secrets.token_hex(6)}.tmp"
        try:
            make_catalogue(segment, again, tell=tell)
            for number in segment.damaged:
                where = f"store/journal/{segment.path.name}"
                report.fail(CatalogueError(where, f"line {number} is damaged and was left out", _LACKING))
            if segment.read_bytes < segment.path.stat().st_size and not segment.damaged:
                what = "breaks off within a change, and that change is lacking (such as new outlines, or splits)"
                report.fail(CatalogueError(f"store/journal/{segment.path.name}", what, _TORN))
            _set_aside(workspace, report=report)
            again.replace(path)
            fsync_folder(workspace.root)
        finally:
            again.unlink(missing_ok=True)
        with Catalogue.open(path, store=workspace.store) as catalogue:
            with catalogue.transaction() as connection:  # a journal of its own from here on
                if catalogue.journal is not None:
                    catalogue.journal.commit(connection, anew=True)
            counts = catalogue.counts()
            report.data["catalogue_hash"] = catalogue.catalogue_hash()
    for what in ("frames", "revisions", "models"):
        report.count(f"{what} rebuilt", counts[what])
    report.say("The catalogue was made anew. Next: `dmr db verify` checks it.")


def _newest(workspace: Workspace, *, report: Report) -> Segment:
    """The newest file of the journal that begins with a whole snapshot."""
    folder = workspace.store.root / "journal"
    found = segments(folder)
    for path in reversed(found):
        if Segment(path).is_whole():
            return Segment(path)
    if found:
        what = "has no end of a snapshot: rows may be lacking"
        report.fail(CatalogueError(f"store/journal/{found[-1].name}", what, _LACKING))
        return Segment(found[-1])
    remedy = "Restore the workspace from a backup: `dmr db restore`"
    raise CatalogueError("store/journal", "holds nothing from which the catalogue can be rebuilt", remedy)


def make_catalogue(segment: Segment, path: Path, *, tell: Tell) -> None:
    """Put a segment's rows into a new file, with the tables of its schema.

    Raises:
        CatalogueError: Nobody can tell its schema.
    """
    schema = next((line.schema for lines in segment.transactions() for line in lines if line.schema), "")
    if not schema:
        what = "is damaged, and nothing in it tells of which schema its rows are"
        raise CatalogueError(segment.path.name, what, "Restore the workspace from a backup: `dmr db restore`")
    segment.damaged.clear()
    segment.read_bytes = 0
    make_tables(path, schema=schema)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        replay(segment, connection, tell=tell)
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("PRAGMA journal_mode = DELETE")
    fsync_file(path)


def _set_aside(workspace: Workspace, *, report: Report) -> None:
    """Keep what is there of the old catalogue, with the files beside it, which would spoil the new one."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    for ending in _BESIDE:
        path = workspace.root / f"{CATALOGUE}{ending}"
        if path.is_file() and path.stat().st_size:
            kept = workspace.root / f"catalogue-before-rebuild-{at}.sqlite{ending}"
            path.replace(kept)
            report.say(f"What was there is kept as {kept.name}.")
        else:
            path.unlink(missing_ok=True)
