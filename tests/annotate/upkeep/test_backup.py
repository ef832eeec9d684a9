"""A backup made while others write, made again, killed on the way, and restored: the same as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.errors import CatalogueError, UsageError
from dmr.annotate.report import Report
from dmr.annotate.upkeep.backup import KEPT, back_up
from dmr.annotate.upkeep.manifest import Manifest, blobs_of, manifests
from dmr.annotate.upkeep.restore import bring_back
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace
from dmr.cli import main

KILLED = """
import os, sys
from pathlib import Path
from dmr.annotate.report import Report
from dmr.annotate.upkeep.backup import back_up
from dmr.annotate.workspace import Workspace
left = int(sys.argv[3])
def tell(*_):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
back_up(Workspace.at(Path(sys.argv[1])), Path(sys.argv[2]), report=Report("db backup"), tell=tell)
"""


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def backed_up(workspace: Workspace, dest: Path, *, with_key: bool = False) -> tuple[Manifest, Report]:
    report = Report("db backup")
    return back_up(workspace, dest, with_key=with_key, report=report), report


def restored(dest: Path, folder: Path) -> Workspace:
    report = Report("db restore")
    bring_back(dest, folder, report=report)
    assert report.failures == []
    return Workspace.at(folder)


def files(workspace: Workspace) -> dict[str, bytes]:
    own = [
        p for p in sorted(workspace.root.rglob("*")) if p.is_file() and not p.name.startswith(("catalogue", ".lock"))
    ]
    return {p.relative_to(workspace.root).as_posix(): p.read_bytes() for p in own}


def catalogue_hash(workspace: Workspace) -> str:
    with Catalogue.open(workspace.root / "catalogue.sqlite", store=workspace.store, is_copy=True) as catalogue:
        return catalogue.catalogue_hash()


def test_what_is_restored_is_what_was_backed_up(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    made, report = backed_up(ward, dest)
    assert report.failures == []
    for name in ("catalogue.sqlite", "dmr.toml"):
        (ward.root / name).rename(tmp_path / name)  # a workspace of which not even that is left
    again = restored(dest, tmp_path / "again")
    assert files(again) == {**files(ward), "dmr.toml": (tmp_path / "dmr.toml").read_bytes()}
    assert catalogue_hash(again) == made.catalogue_hash
    assert verify(again, report=Report("db verify")) == []
    with again.session(write=True) as s:
        assert s.catalogue.mark_reviewed([s.catalogue.frames()[0].frame_id]) == 1


def test_a_second_backup_copies_what_is_new(ward: Workspace, dest: Path) -> None:
    _, first = backed_up(ward, dest)
    _, second = backed_up(ward, dest)
    assert first.counts["files new"] > 20
    assert second.counts["files new"] == 0
    assert "Nothing was new." in second.words
    ward.store.put(b"one more")
    _, third = backed_up(ward, dest)
    assert third.counts["files new"] == 1
    assert len(manifests(dest)) == 2


def test_a_backup_is_of_one_moment_while_others_write(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    stop, errors = threading.Event(), []

    def write() -> None:
        number = 0
        try:
            while not stop.is_set():
                with ward.session(write=True) as s:
                    head = s.catalogue.heads(s.catalogue.frames()[3].frame_id)[0]
                    number += 1
                    record = head.record
                    raw = s.catalogue.store.put(f"raw {number}".encode())
                    blind = number % 2 == 0
                    annotation = replace(record.annotation, covered=frozenset({1} if blind else {1, 2}))
                    s.catalogue.append_revision(replace(record, annotation=annotation, raw_sha256=raw))
        except Exception as error:
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backed_up(ward, dest) for _ in range(4)]
    finally:
        stop.set()
        writer.join()
    assert errors == []
    assert len({m.catalogue_hash for m, _ in made}) > 1, "somebody wrote between them"
    for number, (manifest, report) in enumerate(made):
        assert report.failures == []
        only = tmp_path / f"only{number}"
        only.mkdir()
        (only / manifest.name).write_bytes((dest / manifest.name).read_bytes())
        (dest / "blobs").rename(only / "blobs")
        again = restored(only, tmp_path / f"again{number}")
        (only / "blobs").rename(dest / "blobs")
        assert catalogue_hash(again) == manifest.catalogue_hash
        assert verify(again, report=Report("db verify")) == []


@pytest.mark.parametrize("at", [1, 9, 33])
def test_a_killed_backup_is_gone_on_with_and_spoils_no_earlier_one(
    ward: Workspace, dest: Path, tmp_path: Path, at: int
) -> None:
    if at > 1:
        backed_up(ward, dest)
    (ward.reports_folder / "notes.txt").write_text("new", encoding="utf-8")
    before = [path.name for path in manifests(dest)]
    command = [sys.executable, "-c", KILLED, str(ward.root), str(dest), str(at)]
    assert subprocess.run(command, check=False, env={**os.environ}).returncode == 9
    assert [path.name for path in manifests(dest)] == before
    _, report = backed_up(ward, dest)
    assert report.failures == []
    assert files(restored(dest, tmp_path / "again"))["reports/notes.txt"] == b"new"


def test_a_file_that_is_damaged_in_the_workspace_replaces_no_good_one(
    ward: Workspace, dest: Path, tmp_path: Path
) -> None:
    backed_up(ward, dest)
    good = files(ward)
    spoilt = [next(name for name in good if name.startswith(start)) for start in ("frames/", "models/v1/w", "store/0")]
    spoilt.append(next(name for name in good if name.startswith("store/") and len(Path(name).name) == 64))
    for name in set(spoilt[:2] + spoilt[3:]):
        (ward.root / name).write_bytes(b"damaged")
    _, report = backed_up(ward, dest)
    assert len(report.failures) == 3
    assert all("the backup keeps the one before" in failure for failure in report.failures)
    assert files(restored(dest, tmp_path / "again")) == good


def test_a_file_that_is_damaged_in_the_backup_is_written_anew(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    made, _ = backed_up(ward, dest)
    damaged = set(list(blobs_of(dest).hashes())[::5]) - {made.files[n] for n in ("catalogue.sqlite", "dmr.toml")}
    for sha256 in damaged:
        blobs_of(dest).path(sha256).write_bytes(b"damaged")
    report = Report("db restore")
    bring_back(dest, tmp_path / "first", report=report)
    assert len(report.failures) == sum(sha256 in damaged for sha256 in made.files.values())
    backed_up(ward, dest)
    assert files(restored(dest, tmp_path / "again")) == files(ward)


def test_the_key_goes_in_only_when_asked_and_comes_back(
    ward: Workspace, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ward.key.secret.hex().encode()
    _, report = backed_up(ward, dest)
    assert any("keep a copy of the key apart" in line for line in report.words)
    held = [path.read_bytes() for path in dest.rglob("*") if path.is_file()]
    assert not any(secret in data for data in held)
    backed_up(ward, dest, with_key=True)
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "another computer"))
    assert restored(dest, tmp_path / "again").key.secret.hex().encode() == secret


def test_old_backups_go_and_the_newest_stays_whole(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (ward.reports_folder / "notes.txt").write_text(f"{number}", encoding="utf-8")
        backed_up(ward, dest)
    assert len(manifests(dest)) == KEPT
    assert files(restored(dest, tmp_path / "again")) == files(ward)
    numbers = {blobs_of(dest).get(sha256) for sha256 in blobs_of(dest).hashes()} & {b"0", b"1", b"2", b"8"}
    assert numbers == {b"2", b"8"}


def test_places_that_cannot_be_meant_are_refused(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in the workspace"):
        backed_up(ward, ward.root / "backup")
    with pytest.raises(UsageError, match="holds files that are no backup"):
        backed_up(ward, ward.root.parent)
    backed_up(ward, dest)
    other, _ = Workspace.create(tmp_path / "other")
    with pytest.raises(UsageError, match="holds backups of another workspace"):
        backed_up(other, dest)
    with pytest.raises(UsageError, match="is not empty"):
        restored(dest, ward.root)
    with pytest.raises(UsageError, match="holds no backup"):
        restored(tmp_path, tmp_path / "x")


def test_a_path_that_leads_out_of_the_folder_is_refused(ward: Workspace, dest: Path, tmp_path: Path) -> None:
    backed_up(ward, dest)
    (path,) = manifests(dest)
    path.write_bytes(path.read_bytes().replace(b'"dmr.toml"', b'"../dmr.toml"'))
    with pytest.raises(CatalogueError, match="is damaged"):
        restored(dest, tmp_path / "x")


def test_the_commands_work_from_a_shell(ward: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ward.root)
    assert CliRunner().invoke(main, ["db", "backup", str(tmp_path / "b")]).exit_code == 0
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["db", "restore", "b", "new"])
    assert result.exit_code == 0, result.output
    monkeypatch.chdir(tmp_path / "new")
    assert "Nothing is wrong." in CliRunner().invoke(main, ["db", "verify"]).output
