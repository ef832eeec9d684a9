from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.database import MIGRATIONS, schema_sql
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord, TaskRecord
from dmr.annotate.catalogue.sqlite import wal_is_safe
from dmr.annotate.errors import CatalogueError
from dmr.annotate.system.store import BlobStore

WRITE = """
import sys
from pathlib import Path
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.system.store import BlobStore
root = Path(sys.argv[1])
with Catalogue.open(root / "catalogue.sqlite", store=BlobStore(root / "store")) as catalogue:
    with catalogue.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('written', 'by another process')")
        print("inside", flush=True)
        sys.stdin.readline()
"""


def test_the_migrated_tables_are_those_that_the_program_uses(catalogue: Catalogue) -> None:
    with catalogue.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, t.metadata) == []
        # Alembic does not compare checks: these are compared by name.
        inspector = sa.inspect(connection)
        made = {check["name"] for name in t.metadata.tables for check in inspector.get_check_constraints(name)}
    wanted = {
        f"ck_{table.name}_{check.name}" if not str(check.name).startswith("ck_") else str(check.name)
        for table in t.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }
    assert made == wanted


def test_the_newest_script_is_the_schema_that_the_program_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [t.SCHEMA]
    assert resources.files("dmr.annotate.catalogue.migrations").joinpath("script.py.mako").is_file()


def test_the_schema_can_be_written_for_postgresql() -> None:
    sql = schema_sql("postgresql")
    assert sql.count("CREATE TABLE") == len(t.metadata.tables) + 1
    assert "EXECUTE FUNCTION dmr_refuse('a revision is never changed')" in sql
    assert "PRAGMA" not in sql


def test_a_commit_survives_a_power_cut_as_far_as_sqlite_can_promise(catalogue: Catalogue) -> None:
    for connecting in (catalogue.reading, catalogue.transaction):
        with connecting() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        journal = (
            {"journal_mode": "wal", "synchronous": 2}
            if wal_is_safe()
            else {"journal_mode": "truncate", "synchronous": 3}
        )
        assert pragmas == {**journal, "foreign_keys": 1, "busy_timeout": 10_000}


def test_an_older_catalogue_is_brought_up_to_date_and_keeps_what_it_holds_and_promises(
    catalogue: Catalogue,
    tmp_path: Path,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
) -> None:
    frame = make_frame(1)
    catalogue.add_frames([frame])
    kept = catalogue.append_revision(make_revision(frame))
    queue = catalogue.put_queue("main", server="http://127.0.0.1:8080", project=3, reader="ann")
    task = TaskRecord(queue=queue.id, frame=frame.frame_id, remote_id=7)
    catalogue.put_tasks([task])
    catalogue.close()
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as older:  # as the first version left it
        for statement in (
            "ALTER TABLE rendition DROP COLUMN reviewed_at",
            "ALTER TABLE task DROP COLUMN rank",
            "ALTER TABLE revision DROP COLUMN draft_model",
            "ALTER TABLE revision DROP COLUMN words",
            "ALTER TABLE revision DROP COLUMN reading",
            "ALTER TABLE conflict DROP COLUMN classes",
            "ALTER TABLE rendition DROP COLUMN small",
            "ALTER TABLE rendition DROP COLUMN deid",
            "DROP TABLE audit",
            "DROP TABLE unread",
            "DELETE FROM meta WHERE key = 'journal'",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            older.execute(statement)
        older.commit()
    with reopened(catalogue, tmp_path) as newer:
        assert newer.head(frame.frame_id, "ann") is not None
        assert not newer.append_revision(make_revision(frame)).is_new  # its hash is the same
        assert newer.append_revision(make_revision(frame, at=2)).sha256 != kept.sha256
        assert newer.revision(kept.sha256).record.reading == "first"
        assert (newer.queues(), newer.queue_tasks(queue.id)) == ([queue], {frame.frame_id: task})
        assert newer.put_queue("again", server="http://127.0.0.1:8080", project=4, purpose="repeat").id != queue.id
        told = pytest.raises(sa.exc.IntegrityError, match="a revision is never changed")
        with told, newer.transaction() as connection:
            connection.exec_driver_sql("UPDATE revision SET author = 'x'")
        with newer.reading() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, t.metadata) == []


def test_a_network_share_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dmr.annotate.catalogue.database.is_network_share", lambda path: True)
    with pytest.raises(
        CatalogueError, match=r"c\.sqlite: lies on a network share, .*\. Move the workspace to a local disk"
    ):
        Catalogue.create(tmp_path / "c.sqlite", store=BlobStore(tmp_path), key_id="k")
    assert list(tmp_path.iterdir()) == []


def reopened(catalogue: Catalogue, tmp_path: Path) -> Catalogue:
    catalogue.close()
    return Catalogue.open(tmp_path / "catalogue.sqlite", store=catalogue.store)


def test_a_catalogue_of_a_newer_program_is_refused_in_one_line(catalogue: Catalogue, tmp_path: Path) -> None:
    with catalogue.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(CatalogueError) as caught:
        reopened(catalogue, tmp_path)
    assert str(caught.value) == (
        f"catalogue.sqlite: has schema 0099, and this dmr knows no newer one than {t.SCHEMA}. Install a newer dmr."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "is missing. Make it anew from store/ with `dmr db rebuild`", id="missing"),
        pytest.param(b"", "is no catalogue of dmr", id="empty"),
        pytest.param(b"no database at all, " * 400, "is damaged", id="overwritten"),
    ],
)
def test_what_is_no_catalogue_is_refused_in_one_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogueError, match=message):
        Catalogue.open(path, store=BlobStore(tmp_path))
    assert path.exists() == (content is not None)


def test_a_second_catalogue_is_not_made_over_the_first(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is a catalogue already"):
        Catalogue.create(tmp_path / "catalogue.sqlite", store=catalogue.store, key_id="other")
    assert catalogue.meta("key_id") == "0123456789abcdef"


def test_of_a_transaction_that_fails_nothing_stays_not_even_of_an_inner_one(catalogue: Catalogue) -> None:
    insert = sa.insert(t.meta)
    with pytest.raises(KeyError), catalogue.transaction() as outer:
        outer.execute(insert.values(key="a", value="1"))
        with catalogue.transaction() as inner:
            inner.execute(insert.values(key="b", value="2"))
        assert catalogue.meta("b") == "2"
        raise KeyError
    with pytest.raises(CatalogueError, match="has lost its a"):
        catalogue.meta("a")
    with pytest.raises(CatalogueError, match="has lost its b"):
        catalogue.meta("b")


def test_one_process_writes_at_a_time_and_readers_see_what_was_committed(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "inside\n"
        with pytest.raises(CatalogueError, match="has lost its written"):
            catalogue.meta("written")
        monkeypatch.setattr("dmr.annotate.catalogue.database._BUSY_MS", 50)
        told = pytest.raises(CatalogueError, match=r"catalogue\.sqlite: another process has been writing all the time")
        with reopened(catalogue, tmp_path) as impatient, told, impatient.transaction():
            pass
        other.communicate("\n")
    assert catalogue.meta("written") == "by another process"


def test_a_wrong_statement_is_a_bug_and_keeps_its_traceback(catalogue: Catalogue) -> None:
    with pytest.raises(sa.exc.OperationalError, match="no such table"), catalogue.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_a_full_disk_is_an_error_in_one_line_and_changes_nothing(catalogue: Catalogue) -> None:
    with catalogue.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    before = catalogue.catalogue_hash()
    told = pytest.raises(CatalogueError, match="the database refuses: database or disk is full")
    with told as caught, catalogue.transaction() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.execute(sa.insert(t.meta).values(key="big", value="secret" * 100_000))
    assert "secret" not in str(caught.value)
    assert catalogue.catalogue_hash() == before


@pytest.mark.parametrize("statement", ["UPDATE revision SET author = 'x'", "DELETE FROM revision"])
def test_a_revision_is_kept_even_from_another_program(
    statement: str,
    catalogue: Catalogue,
    tmp_path: Path,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
) -> None:
    frame = make_frame(1)
    catalogue.add_frames([frame])
    catalogue.append_revision(make_revision(frame))
    catalogue.withdraw(frame.frame_id, "ann", reason="deleted on the server")
    other = sqlite3.connect(tmp_path / "catalogue.sqlite")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="a revision is never"):
            other.execute(statement)
        with pytest.raises(sqlite3.IntegrityError, match="a tombstone is never"):
            other.execute(statement.replace("revision", "tombstone").replace("author", "reason"))
        other.execute("PRAGMA foreign_keys = ON")
        other.execute("UPDATE patient SET erased_at = '2026-01-01T00:00:00.000000Z'")
        for table in ("head", "truth", "tombstone", "revision"):
            other.execute(f"DELETE FROM {table}")
        assert other.execute("SELECT count(*) FROM revision").fetchone() == (0,)
    finally:
        other.close()


def test_a_journal_that_cannot_be_written_is_an_error_in_one_line_and_changes_nothing(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dmr.annotate.catalogue.journal.fsync_file", full)
        told = r"store/journal: cannot be written \(No space left on device\)\. See to the disk and try again"
        with pytest.raises(CatalogueError, match=told):
            catalogue.add_frames([make_frame(1)])
    assert catalogue.frames() == []
    assert len(catalogue.add_frames([make_frame(1)])) == 1
