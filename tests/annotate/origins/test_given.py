"""What `--hide-names` hid is turned back by `dmr where`, also where no file holds it, such as a part of a path."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmr.annotate import hiding
from dmr.annotate.origins.given import given_name, keep_given
from dmr.annotate.origins.index import index_path
from dmr.annotate.system.platform import user_data_folder
from dmr.annotate.workspace import Workspace
from dmr.cli import main


@pytest.fixture
def workspace(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "ward")
    monkeypatch.chdir(made.root)
    return made


def run(*arguments: str) -> str:
    return CliRunner().invoke(main, list(arguments)).output


def test_whatever_a_command_hid_is_turned_back_without_a_folder(workspace: Workspace) -> None:
    hidden = run("where", "Müller, Hans (2)", "--hide-names")
    assert "ller" not in hidden
    (short,) = [word.strip(":'") for word in hidden.split() if hiding.is_short(word.strip(":'"))][:1]
    assert f"{short}\n  Müller, Hans (2)" in run("where", short)
    assert given_name(index_path(workspace.key.id), "00000000") is None
    assert "stands for no file" in run("where", "file-00000000")


def test_the_names_lie_beside_the_key_for_its_owner_only_and_not_in_the_workspace(workspace: Workspace) -> None:
    run("where", "Meier", "--hide-names")
    path = index_path(workspace.key.id)
    assert path.is_relative_to(user_data_folder()) and b"Meier" in path.read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p for p in workspace.root.rglob("*") if p.is_file() and b"Meier" in p.read_bytes()] == []


def test_without_a_key_or_a_workspace_nothing_is_kept(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = index_path(workspace.key.id)
    monkeypatch.chdir(tmp_path)
    keep_given({"01234567": "Meier"})
    assert not path.exists()
    assert given_name(path, "01234567") is None


def test_a_broken_index_costs_no_command(workspace: Workspace) -> None:
    path = index_path(workspace.key.id)
    path.write_bytes(b"no database" * 99)
    assert "Traceback" not in run("status", "--hide-names")
    assert "cannot be used" in run("where", "file-01234567")
