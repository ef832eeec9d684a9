"""The catalogue is made anew from the journal in `store/`, and says the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.journal import Journal
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.errors import CatalogueError
from dmr.annotate.report import Report
from dmr.annotate.upkeep.rebuild import rebuild
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace

KILLED = """
import os, sys
from pathlib import Path
from dmr.annotate.catalogue.journal import Journal
from dmr.annotate.workspace import Workspace
before = Journal.commit
def commit(self, connection, **options):
    before(self, connection, **options)
    if connection.info["dmr_journal"]:
        os._exit(9)  # what is written is on the disk, and not committed
Journal.commit = commit
workspace = Workspace.at(Path(sys.argv[1]))
with workspace.session(write=True) as s:
    s.catalogue.set_eligible([f.frame_id for f in s.catalogue.frames()], eligible=False)
"""


def rebuilt(workspace: Workspace) -> Report:
    report = Report("db rebuild")
    rebuild(workspace, report=report)
    return report


def said(workspace: Workspace) -> tuple[str, list[tuple[object, ...]]]:
    """What the catalogue says, with its times and the order of arrival, which its hash leaves out."""
    with Catalogue.open(workspace.root / "catalogue.sqlite", store=workspace.store, is_copy=True) as catalogue:
        with catalogue.reading() as connection:
            rows = [
                (table.name, *row)
                for table in t.metadata.sorted_tables
                for row in connection.execute(sa.select(table))
                if row[0] != "journal"
            ]
        return catalogue.catalogue_hash(), sorted(rows, key=repr)


def test_a_catalogue_that_is_gone_comes_back_row_by_row(ward: Workspace) -> None:
    before = said(ward)
    (ward.root / "catalogue.sqlite").unlink()
    with pytest.raises(CatalogueError, match="is missing"), ward.session():
        pass
    report = rebuilt(ward)
    assert report.failures == []
    assert said(ward) == before
    assert verify(ward, report=Report("db verify")) == []


def test_a_damaged_one_is_kept_under_another_name_with_the_files_beside_it(ward: Workspace) -> None:
    before = said(ward)
    path = ward.root / "catalogue.sqlite"
    path.write_bytes(b"no database, " * 400)
    path.with_name("catalogue.sqlite-shm").write_bytes(b"of the old one")
    rebuilt(ward)
    assert said(ward) == before
    kept = sorted(p.name.split("sqlite")[1] for p in ward.root.glob("catalogue-before-rebuild-*"))
    assert kept == ["", "-shm"]


def test_a_sound_catalogue_is_not_replaced(ward: Workspace) -> None:
    with pytest.raises(CatalogueError, match="is there and can be read"):
        rebuilt(ward)


def test_without_a_journal_it_says_that_a_backup_is_needed(ward: Workspace) -> None:
    (ward.root / "catalogue.sqlite").unlink()
    for path in (ward.store.root / "journal").iterdir():
        path.unlink()
    with pytest.raises(CatalogueError, match=r"holds nothing from which the catalogue can be rebuilt\. Restore"):
        rebuilt(ward)
    assert not (ward.root / "catalogue.sqlite").exists()


def test_a_damaged_line_costs_its_rows_only_and_is_named(ward: Workspace) -> None:
    with ward.session(write=True) as s:
        frames = [f.frame_id for f in s.catalogue.frames()]
        s.catalogue.mark_reviewed(frames[:1])
        s.catalogue.mark_reviewed(frames[1:2])
    before = said(ward)
    (ward.root / "catalogue.sqlite").unlink()
    path = ward.store.root / "journal" / "000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"rendition" in lines[-2]
    lines[-2] = lines[-2].replace(b"reviewed_at", b"reviewed_aT")
    path.write_bytes(b"".join(lines))
    report = rebuilt(ward)
    assert [f"line {len(lines) - 1} is damaged" in failure for failure in report.failures] == [True]
    lost = set(before[1]) - set(said(ward)[1])
    assert [row[:2] for row in lost] == [("rendition", frames[0])]


def test_an_end_that_was_torn_off_is_told(ward: Workspace) -> None:
    with ward.session(write=True) as s:
        s.catalogue.mark_reviewed([f.frame_id for f in s.catalogue.frames()][:1])
    path = ward.store.root / "journal" / "000001.jsonl"
    path.write_bytes(path.read_bytes()[:-50])
    (ward.root / "catalogue.sqlite").write_bytes(b"")
    (failure,) = rebuilt(ward).failures

    assert failure.startswith("store/journal/000001.jsonl: breaks off within a change, and that change is lacking")
    assert verify(ward, report=Report("db verify")) == []


def test_what_was_written_and_never_committed_becomes_no_fact(ward: Workspace) -> None:
    before = said(ward)
    path = ward.store.root / "journal" / "000001.jsonl"
    size = path.stat().st_size
    run = subprocess.run([sys.executable, "-c", KILLED, str(ward.root)], check=False, env={**os.environ})
    assert run.returncode == 9
    assert path.stat().st_size > size
    assert said(ward) == before
    assert verify(ward, report=Report("db verify")) == []
    with ward.session(write=True) as s:
        s.catalogue.assign_splits(
            {p: ("train", "chosen") for p, split in s.catalogue.splits().items() if split is None}
        )
    after = said(ward)
    assert [p.name for p in path.parent.iterdir() if p.name.startswith("uncommitted")] != []
    (ward.root / "catalogue.sqlite").unlink()
    rebuilt(ward)
    assert said(ward) == after


def test_a_transaction_that_fails_leaves_no_line_and_the_next_one_is_kept(catalogue: Catalogue) -> None:
    journal = catalogue.store.root / "journal" / "000001.jsonl"
    before = journal.read_bytes()
    with pytest.raises(KeyError), catalogue.transaction() as connection:
        connection.execute(sa.insert(t.meta).values(key="a", value="1"))
        raise KeyError
    assert journal.read_bytes() == before
    with catalogue.transaction() as connection:
        connection.execute(sa.insert(t.meta).values(key="b", value="2"))
    (line,) = journal.read_bytes()[len(before) :].splitlines()
    said = json.loads(line.split(b" ", 2)[2])
    assert said == {"ends": True, "format": 1, "put": {"meta": [{"key": "b", "value": "2"}]}, "schema": t.SCHEMA}


def test_a_pull_that_finds_nothing_writes_nothing_into_the_journal(catalogue: Catalogue) -> None:
    queue = catalogue.put_queue("main", server="http://127.0.0.1", project=1)
    journal = catalogue.store.root / "journal" / "000001.jsonl"
    before = journal.read_bytes()
    catalogue.put_queue("main", server="http://127.0.0.1", project=1)
    catalogue.set_cursor(queue.id, "2026-01-01")
    assert journal.read_bytes() == before
    catalogue.put_queue("main", server="http://127.0.0.1", project=2)
    assert journal.read_bytes() != before


@pytest.mark.parametrize("loss", ["gone", "cut"])
def test_a_journal_that_is_lost_begins_anew_with_all_that_is_there(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], loss: str
) -> None:
    catalogue.add_frames(make_frame(n) for n in range(3))
    folder = catalogue.store.root / "journal"
    if loss == "gone":
        (folder / "000001.jsonl").unlink()
    else:
        os.truncate(folder / "000001.jsonl", 100)
    catalogue.add_frames([make_frame(4)])
    newest = sorted(folder.iterdir())[-1].read_bytes()
    assert newest.count(b'"eligible"') == 4


def test_each_change_reaches_the_journal_also_by_another_connection(
    catalogue: Catalogue,
    tmp_path: Path,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Journal, "_snapshot", lambda *_: pytest.fail("the journal goes on"))
    path = catalogue.store.root / "journal" / "000001.jsonl"
    for use in range(3):
        with Catalogue.open(tmp_path / "catalogue.sqlite", store=catalogue.store) as other:
            size = path.stat().st_size
            other.add_frames([make_frame(1)])
            other.append_revision(make_revision(make_frame(1), at=use))
            written = path.read_bytes()[size:]
        assert (written.count(b'"pixel_sha256"'), written.count(b'"lead_time_s"')) == (1 if use == 0 else 0, 1)


@pytest.mark.parametrize("line", [0, -1], ids=["first", "last"])
def test_a_journal_whose_snapshot_is_damaged_at_an_end_still_tells_all_rows(ward: Workspace, line: int) -> None:
    folder = ward.store.root / "journal"
    with ward.session(write=True) as s, s.catalogue.transaction() as connection:
        assert s.catalogue.journal is not None
        s.catalogue.journal.commit(connection, anew=True)
    before = said(ward)
    (ward.root / "catalogue.sqlite").unlink()
    for path in sorted(folder.iterdir()):
        lines = path.read_bytes().splitlines(keepends=True)
        if path.name == "000001.jsonl":
            path.unlink()
            continue
        lines[line] = lines[line].replace(b"format", b"formaT")
        path.write_bytes(b"".join(lines))
    assert rebuilt(ward).failures != []
    assert said(ward) == before
