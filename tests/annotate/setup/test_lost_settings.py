"""A lost `dmr.toml` comes back with the classes that the catalogue knows; one that cannot be read is no lost one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import SettingsError, WorkspaceError
from dmr.annotate.settings.model import load_settings
from dmr.annotate.workspace import Workspace
from dmr.cli import main

RICH = (
    ClassDef(1, "nerve", ("n\u00e9rf", "shenjing"), "#D55E00", 5, inside="muscle"),
    ClassDef(2, "muscle", (), "#0072B2", 3),
    ClassDef(7, "artery", ("dongmai",), "#009E73", 9, retired=True),
)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A workspace whose settings are gone."""
    workspace, _ = Workspace.create(tmp_path / "w", classes=RICH)
    (workspace.root / "dmr.toml").unlink()
    return workspace.root


def test_init_restores_every_class_under_its_id_and_says_so(lost: Path) -> None:
    with pytest.raises(WorkspaceError) as told:
        Workspace.at(lost)
    result = run("init", str(lost))

    assert str(told.value).endswith("dmr.toml is missing. `dmr init` here restores its classes from the catalogue.")
    assert result.exit_code == 0
    assert "restored from the catalogue: 1 nerve, 2 muscle, 7 artery (retired)" in result.output
    assert "other settings" in result.output
    assert list(Workspace.at(lost).settings.classes) == list(Classes(RICH))
    assert "is a workspace already" in run("init", str(lost)).output


def test_init_restores_renamed_merged_and_retired_classes(tmp_path: Path) -> None:
    root = tmp_path / "w"
    workspace, _ = Workspace.create(root, classes=RICH)
    later = Classes([ClassDef(1, "plexus", ("artery",)), ClassDef(9, "vein")])
    with workspace.catalogue(write=True) as catalogue:
        catalogue.sync_classes(later)
        before = list(catalogue.classes()), catalogue.merged_classes()
    (root / "dmr.toml").unlink()
    run("init", str(root))

    with Workspace.at(root).catalogue(write=True) as catalogue:
        assert (list(catalogue.classes()), catalogue.merged_classes()) == before
        assert before[1] == {7: 1}


def test_a_command_in_a_folder_below_names_the_lost_settings(lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lost / "frames")
    result = run("import")

    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"Error: {lost}: dmr.toml is missing. `dmr init` here restores its classes from the catalogue."
    ]


def test_other_classes_are_not_put_in_place_of_the_lost_ones(lost: Path) -> None:
    result = run("init", str(lost), "--classes", "psoas_major")

    assert result.exit_code == 2
    assert "which has its classes already" in result.output
    assert not (lost / "dmr.toml").exists()


def test_init_makes_no_settings_for_revisions_without_a_catalogue(lost: Path) -> None:
    Workspace.create(lost)[0].store.put(b"a revision")
    (lost / "dmr.toml").unlink()
    (lost / "catalogue.sqlite").unlink()
    result = run("init", str(lost))

    assert result.exit_code == 2
    assert "Restore the workspace from a backup" in result.output
    assert not (lost / "dmr.toml").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"\xff\xfe\x00", "is not UTF-8 text", id="not UTF-8"),
        pytest.param(b"format = 1\n\x00", "is not TOML", id="a zero byte"),
        pytest.param(b"a = " + b"[" * 50_000 + b"]" * 50_000, "nested too deep", id="nested lists"),
        pytest.param(b"a = " + b"{a=" * 50_000, "nested too deep", id="nested tables"),
        pytest.param(b"format = " + b"9" * 5000, "is not TOML that is read", id="a long number"),
        pytest.param(b'[import]\npatient = "' + b"(" * 5000 + b'"', "is no regular expression", id="nested groups"),
        pytest.param(b'[import]\npatient = "a{99999999999}"', "is no regular expression", id="a huge repetition"),
        pytest.param(b"#" * (2**20 + 1), "has 1 MiB, and at most 1 is read", id="huge"),
        pytest.param(b"", "has no [[class]]", id="empty"),
    ],
)
def test_settings_that_cannot_be_read_are_one_line_and_are_not_called_missing(
    content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = Workspace.create(tmp_path / "w", classes=RICH)
    (workspace.root / "dmr.toml").write_bytes(content)
    monkeypatch.chdir(workspace.root)
    for command in (["status"], ["init", "."]):
        result = run(*command)
        assert result.exit_code == 2
        (line,) = result.output.splitlines()
        assert words in line
        assert "missing" not in line and "`dmr init`" not in line
    assert (workspace.root / "dmr.toml").read_bytes() == content


def test_a_folder_in_place_of_the_settings_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, _ = Workspace.create(tmp_path / "w", classes=RICH)
    (workspace.root / "dmr.toml").unlink()
    (workspace.root / "dmr.toml").mkdir()
    monkeypatch.chdir(workspace.root)

    assert "is there and cannot be read" in run("status").output


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="whoever may read everything reads it")
def test_settings_without_permission_are_told_as_such(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path / "w", classes=RICH)
    (workspace.root / "dmr.toml").chmod(0)
    with pytest.raises(SettingsError, match=r"cannot be read \(Permission denied\)"):
        load_settings(workspace.root / "dmr.toml")
