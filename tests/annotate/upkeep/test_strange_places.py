"""What stands where a file or a folder of the workspace belongs is named, and a disk that refuses is no damage."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.models import CARD_KEY
from dmr.annotate.errors import CatalogueError, UsageError, WorkspaceError
from dmr.annotate.report import Report
from dmr.annotate.upkeep import copy
from dmr.annotate.upkeep.backup import back_up
from dmr.annotate.upkeep.check_files import file_hash
from dmr.annotate.upkeep.fault import Fault
from dmr.annotate.upkeep.restore import bring_back
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import WORKSPACE_FOLDERS, Workspace
from dmr.cli import main


def faults_of(workspace: Workspace, *, repair: bool = False) -> list[Fault]:
    return verify(workspace, report=Report("db verify"), repair=repair)


def make_pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(path)


@pytest.mark.parametrize("began", [True, False], ids=["with-files", "locked-only"])
def test_a_backup_that_was_not_finished_is_told_with_what_to_do(ward: Workspace, tmp_path: Path, began: bool) -> None:
    dest = tmp_path / "usb"

    def killed(what: str, more: int, of: int | None, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(ward, dest, report=Report("db backup"), tell=killed)
    if not began:
        shutil.rmtree(dest / "blobs")
    with pytest.raises(UsageError, match="a backup that was not finished"):
        bring_back(dest, tmp_path / "again", report=Report("db restore"))
    back_up(ward, dest, report=Report("db backup"))
    bring_back(dest, tmp_path / "again", report=Report("db restore"))
    assert faults_of(Workspace.at(tmp_path / "again")) == []


@pytest.mark.parametrize("name", WORKSPACE_FOLDERS)
def test_a_file_where_a_folder_belongs_is_named(
    ward: Workspace, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ward.root / name).rename(tmp_path / "aside")
    (ward.root / name).write_text("a note", encoding="utf-8")
    monkeypatch.chdir(ward.root)
    for command in (["db", "verify"], ["import"], ["status"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2
        assert result.output == (
            f"Error: {ward.root / name}: is a file where a folder belongs. "
            "Move it away: the folder is made anew.\n"
        )  # fmt: skip


def test_a_link_to_a_folder_that_is_gone_is_named_and_one_that_is_there_is_followed(
    ward: Workspace, tmp_path: Path
) -> None:
    frames = ward.root / "frames"
    frames.rename(tmp_path / "disk")
    try:
        frames.symlink_to(tmp_path / "disk", target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    assert faults_of(Workspace.at(ward.root)) == []
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    with pytest.raises(WorkspaceError, match=r"frames: is a link that leads to no folder\. Bring back the folder"):
        Workspace.at(ward.root)


def test_pipes_in_a_workspace_are_one_line_and_nobody_waits_for_them(
    ward: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("annotations/a.json", "annotations/b.json", "store/00", "store/pipe", "reports/c.csv"):
        if not (ward.root / place).exists():
            make_pipe(ward.root / place)
    (fault,) = (f for f in faults_of(ward) if "sockets" in f.what or ("socket" in f.what and "more" in f.what))
    assert fault.what.startswith("is a pipe, a socket or a device, and ")
    report = Report("db backup")
    back_up(ward, tmp_path / "usb", report=report)
    assert list(report.oddities) == ["a pipe, a socket or a device (left out)"]
    assert "annotations/a.json" in report.oddities["a pipe, a socket or a device (left out)"]
    monkeypatch.chdir(ward.root)
    result = CliRunner().invoke(main, ["import"])
    assert result.exit_code == 1
    assert "a.json: is a pipe, a socket or a device. Move it away." in result.output


def test_a_card_or_weights_that_are_a_pipe_keep_nobody_waiting(ward: Workspace) -> None:
    for name in ("card.json", "weights.safetensors"):
        (ward.models_folder / "v1" / name).unlink()
        make_pipe(ward.models_folder / "v1" / name)
    told = {fault.where: fault.what for fault in faults_of(ward)}
    assert told["models/v1/card.json"] == "is a pipe, a socket or a device"
    assert told["models/v1/weights.safetensors"] == "cannot be read (it is no file)"


def test_missing_files_of_annotations_are_one_line_and_are_written_anew(ward: Workspace) -> None:
    sheets = sorted(ward.annotations_folder.glob("*.json"))
    before = {path: path.read_bytes() for path in sheets}
    sheets[1].unlink()
    (fault,) = faults_of(ward)
    assert (fault.where, fault.what) == (f"annotations/{sheets[1].name}", "is missing")
    for path in (sheets[0], sheets[3]):
        path.unlink()
    (fault,) = faults_of(ward)
    assert (fault.where, fault.what) == (
        f"annotations/{sheets[0].name}", "is missing, and 2 files more of this folder"
    )  # fmt: skip
    assert faults_of(ward, repair=True) == []
    assert {path: path.read_bytes() for path in sheets} == before


def test_a_card_is_known_from_the_moment_it_is_written(ward: Workspace) -> None:
    with Catalogue.open(ward.root / "catalogue.sqlite", store=ward.store) as catalogue:
        (record, _) = catalogue.models()
        with catalogue.transaction() as connection:
            connection.exec_driver_sql(f"DELETE FROM meta WHERE key LIKE '{CARD_KEY}%'")
            connection.exec_driver_sql("DELETE FROM prediction")
            connection.exec_driver_sql("DELETE FROM activation")
            connection.exec_driver_sql("DELETE FROM cycle")
            connection.exec_driver_sql("UPDATE task SET model = NULL")
            connection.exec_driver_sql("DELETE FROM model WHERE id = 'v1'")
        card = ward.models_folder / "v1" / "card.json"
        catalogue.add_model(
            type(record)(id="v1", sha256=record.sha256, class_ids=record.class_ids), card_sha256=file_hash(card)
        )
    card.write_text(card.read_text(encoding="utf-8").replace("12.5", "99.5"), encoding="utf-8")
    assert ("models/v1/card.json", "was changed after the model was made") in {
        (fault.where, fault.what) for fault in faults_of(ward)
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(sqlite3.SQLITE_IOERR | (1 << 8), f"cannot be used ({os.strerror(errno.EIO)})", id="disk"),
        pytest.param(sqlite3.SQLITE_FULL, "has no room for a copy of catalogue.sqlite", id="full"),
        pytest.param(sqlite3.SQLITE_BUSY, "is written by another process all the time", id="locked"),
        pytest.param(sqlite3.SQLITE_CORRUPT, "is damaged (refused)", id="damaged"),
        pytest.param(sqlite3.SQLITE_NOTADB, "is damaged (refused)", id="no-database"),
    ],
)
def test_a_disk_that_refuses_is_not_a_damaged_catalogue(
    ward: Workspace, tmp_path: Path, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> sqlite3.Connection:
        error = sqlite3.OperationalError("refused")
        error.sqlite_errorcode = code  # as SQLite itself sets it
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(copy.sqlite3, "connect", refused)  # type: ignore[attr-defined]
        with pytest.raises(CatalogueError) as raised:
            back_up(ward, tmp_path / "usb", report=Report("db backup"))
    full = code == sqlite3.SQLITE_FULL  # the folder of the copies is, and not the catalogue
    assert raised.value.where == (str(ward.reports_folder) if full else "catalogue.sqlite")
    assert raised.value.what == said
    assert ("rebuild" in raised.value.remedy) == said.startswith("is damaged")


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Closes a folder, as its permissions would for anybody but root."""
    true_scandir, true_access = os.scandir, os.access

    def close(folder: Path) -> None:
        def scandir(path: Any = ".") -> Any:
            if Path(os.fspath(path)) == folder:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            return true_scandir(path)

        monkeypatch.setattr(os, "scandir", scandir)
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and true_access(path, mode))

    return close


def test_a_folder_that_may_not_be_opened_is_not_taken_for_an_empty_one(
    ward: Workspace, closed: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ward.root)
    closed(ward.annotations_folder)
    result = CliRunner().invoke(main, ["import"])
    assert result.exit_code == 2
    assert "annotations: cannot be opened (no permission)" in result.output


def test_a_closed_folder_is_named_and_loses_nothing_of_the_backup_before(
    ward: Workspace, closed: Callable[[Path], None], tmp_path: Path
) -> None:
    inner = ward.reports_folder / "round 1"
    inner.mkdir()
    (inner / "notes.txt").write_text("seen", encoding="utf-8")
    before = back_up(ward, tmp_path / "usb", report=Report("db backup"))
    closed(inner)
    (fault,) = faults_of(ward)
    assert (fault.where, fault.remedy) == ("reports/round 1", "Check its permissions")
    report = Report("db backup")
    after = back_up(ward, tmp_path / "usb", report=report)
    assert after.files == before.files
    (line,) = report.failures
    assert "reports/round 1: cannot be opened" in line and "keeps 1 file of it" in line
