"""`dmr db verify` finds every fault that is put in, and mends what the workspace still knows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from spoiling import MENDED, OTHERS, Spoil, changed_value, deleted_row, deleted_rows, flipped_blob, opened, store_gone

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.report import Report
from dmr.annotate.upkeep.fault import Fault
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace
from dmr.cli import main

FAULTS = 200


def faults_of(workspace: Workspace, *, repair: bool = False) -> list[Fault]:
    return verify(workspace, report=Report("db verify"), repair=repair)


def catalogue_hash(workspace: Workspace) -> str:
    with Catalogue.open(workspace.root / "catalogue.sqlite", store=workspace.store, is_copy=True) as catalogue:
        return catalogue.catalogue_hash()


def blobs(workspace: Workspace) -> dict[str, bytes]:
    return {sha256: workspace.store.get(sha256) for sha256 in workspace.store.hashes()}


def test_nothing_is_found_in_a_sound_workspace_and_nothing_in_it_changes(ward: Workspace) -> None:
    def files() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in sorted(ward.root.rglob("*")) if p.is_file() and not p.name.endswith(".lock")}

    before = files()
    assert faults_of(ward) == []
    assert files() == before


def test_each_of_200_faults_is_found(copied: Callable[[], Workspace]) -> None:
    kinds = [*MENDED, *OTHERS]
    missed = []
    for number in range(FAULTS):
        workspace, random = copied(), Random(number)
        spoil = kinds[number % len(kinds)]
        put_in = spoil(workspace, random)
        if not faults_of(workspace):
            missed.append((number, spoil.__name__, put_in))
        shutil.rmtree(workspace.root)
    assert missed == []


@pytest.mark.parametrize(
    ("spoil", "seed"),
    [(spoil, seed) for spoil in MENDED for seed in range(3)]
    + [(spoil, seed) for spoil in (changed_value, deleted_row, deleted_rows) for seed in range(12)],
    ids=lambda given: given if isinstance(given, int) else given.__name__,
)
def test_what_can_be_mended_is_mended_and_nothing_is_lost(
    sound: Workspace, ward: Workspace, spoil: Spoil, seed: int
) -> None:
    put_in = spoil(ward, Random(seed))
    assert faults_of(ward, repair=True) == [], put_in
    if spoil.__name__ != "foreign_row":
        assert catalogue_hash(ward) == catalogue_hash(sound), put_in
    assert blobs(ward).items() >= blobs(sound).items()


def test_of_a_store_that_is_gone_the_revisions_come_back_and_what_came_in_is_named(
    sound: Workspace, ward: Workspace
) -> None:
    store_gone(ward, Random(0))
    left = faults_of(ward, repair=True)

    with Catalogue.open(sound.root / "catalogue.sqlite", store=sound.store, is_copy=True) as catalogue:
        revisions = {r.sha256 for f in catalogue.frames() for r in catalogue.history(f.frame_id)}
    lost = set(blobs(sound)) - revisions
    assert blobs(ward) == {sha256: data for sha256, data in blobs(sound).items() if sha256 in revisions}
    assert {Path(fault.where).name for fault in left} == lost
    assert all("Restore it from a backup" in fault.remedy for fault in left)
    assert catalogue_hash(ward) == catalogue_hash(sound)


def test_a_row_that_the_journal_cannot_tell_is_mended_from_its_blob(sound: Workspace, ward: Workspace) -> None:
    shutil.rmtree(ward.store.root / "journal")
    with opened(ward) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'journal'")
        connection.execute("UPDATE revision SET shapes = replace(shapes, '9.25', '9.26'), author = 'eve'")
    found = faults_of(ward)
    assert {fault.mend for fault in found} >= {"said", "derived"}
    assert faults_of(ward, repair=True) == []
    assert catalogue_hash(ward) == catalogue_hash(sound)


def test_a_row_that_others_name_comes_back_from_its_blob(ward: Workspace) -> None:
    shutil.rmtree(ward.store.root / "journal")
    with opened(ward) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'journal'")
        (sha256,) = connection.execute("SELECT revision FROM tombstone").fetchone()
        connection.execute("DELETE FROM revision WHERE sha256 = ?", (sha256,))
    assert faults_of(ward, repair=True) == []
    with Catalogue.open(ward.root / "catalogue.sqlite", store=ward.store) as catalogue:
        assert catalogue.revision(sha256).withdrawn


@pytest.mark.parametrize("table", ["head", "truth", "conflict"])
def test_what_follows_is_made_again_without_a_journal(sound: Workspace, ward: Workspace, table: str) -> None:
    shutil.rmtree(ward.store.root / "journal")
    with opened(ward) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'journal'")
        connection.execute(f"DELETE FROM {table}")
    assert {fault.mend for fault in faults_of(ward)} == {"derived"}
    assert faults_of(ward, repair=True) == []
    assert catalogue_hash(ward) == catalogue_hash(sound)


def test_what_is_no_blob_is_set_aside_and_never_deleted(ward: Workspace) -> None:
    kept = ward.store.put(b"nobody names this")
    flipped_blob_of_nobody = ward.store.path(kept)
    flipped_blob_of_nobody.write_bytes(b"damaged")
    (ward.store.root / "note.txt").write_text("mine", encoding="utf-8")
    assert {fault.mend for fault in faults_of(ward)} == {"aside"}
    assert faults_of(ward, repair=True) == []
    aside = [path.read_bytes() for path in (ward.store.root / "damaged").iterdir()]
    assert sorted(aside) == [b"damaged", b"mine"]


def test_the_command_names_each_fault_in_a_line_and_ends_with_1(
    ward: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ward.root)
    assert CliRunner().invoke(main, ["db", "verify"]).exit_code == 0
    name = flipped_blob(ward, Random(1))
    result = CliRunner().invoke(main, ["db", "verify"])
    assert result.exit_code == 1
    assert f"Error: store/{name[:2]}/{name}: is damaged: its content has another hash" in result.output
    told = json.loads(CliRunner().invoke(main, ["db", "verify", "--json"]).stdout)
    assert [fault["where"] for fault in told["faults"]] == [f"store/{name[:2]}/{name}"]


def test_a_key_that_is_not_there_is_told(ward: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "elsewhere"))
    (fault,) = faults_of(ward)
    assert "the workspace's pseudonym key cannot be read" in fault.what


def test_a_catalogue_that_names_another_schema_is_mended(ward: Workspace) -> None:
    with opened(ward) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert [fault.mend for fault in faults_of(ward)][:1] == ["version"]
    assert faults_of(ward, repair=True) == []


def test_a_damaged_catalogue_is_named_with_what_makes_it_anew(ward: Workspace) -> None:
    (ward.root / "catalogue.sqlite").write_bytes(b"no database, " * 400)
    (fault,) = faults_of(ward, repair=True)
    assert fault.where == "catalogue.sqlite"
    assert "`dmr db rebuild` makes it anew" in fault.remedy
