from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dmr.annotate.classes import ClassDef
from dmr.annotate.errors import WorkspaceError
from dmr.annotate.scans.identity import key_path
from dmr.annotate.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from dmr.annotate.workspace import Workspace
with Workspace.at(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_workspace_has_its_parts_and_its_key_lies_outside(tmp_path: Path) -> None:
    workspace, made = Workspace.create(tmp_path / "ward")

    assert made
    parts = {path.name for path in workspace.root.iterdir() if not path.name.startswith("catalogue.sqlite-")}
    assert parts == {
        "dmr.toml", "frames", "store", "models", "annotations", "reports", "catalogue.sqlite", ".lock"
    }  # fmt: skip
    secret = workspace.key.secret
    assert key_path(workspace.key.id).is_file()
    for name, content in snapshot(workspace.root).items():
        assert secret not in content and secret.hex().encode() not in content, name


def test_making_it_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path / "ward", classes=[ClassDef(1, "nerve")])
    key = workspace.key
    with workspace.catalogue() as catalogue:
        before = catalogue.catalogue_hash(), catalogue.meta("workspace_id")
    again, made = Workspace.create(tmp_path / "ward")

    assert not made
    assert again.settings.classes.names == ("nerve",)
    assert again.key == key
    with again.catalogue() as catalogue:
        assert (catalogue.catalogue_hash(), catalogue.meta("workspace_id")) == before


@pytest.mark.parametrize("lost", ["catalogue.sqlite", "frames", "empty catalogue"])
def test_one_that_was_begun_is_completed(lost: str, tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path)
    if lost == "frames":
        (tmp_path / "frames").rmdir()
    else:
        (tmp_path / "catalogue.sqlite").unlink()
    if lost == "empty catalogue":
        (tmp_path / "catalogue.sqlite").touch()

    assert Workspace.create(tmp_path)[1]
    with workspace.catalogue() as catalogue:
        assert catalogue.classes().names == workspace.settings.classes.names


def test_a_lost_catalogue_is_not_replaced_by_an_empty_one_while_there_are_revisions(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path)
    workspace.store.put(b"a revision")
    (tmp_path / "catalogue.sqlite").unlink()

    with pytest.raises(WorkspaceError, match="holds revisions, and its catalogue is missing"):
        Workspace.create(tmp_path)


def test_a_workspace_is_found_from_below_and_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = Workspace.create(tmp_path / "ward")
    deep = workspace.root / "frames" / "a" / "b"
    deep.mkdir(parents=True)

    assert Workspace.find(deep).root == workspace.root
    monkeypatch.chdir(deep)
    assert Workspace.find().root == workspace.root
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match=r"no workspace here or above: no dmr\.toml\. `dmr init` makes one\."):
        Workspace.find()
    monkeypatch.setenv("DMR_WORKSPACE", str(workspace.root))
    assert Workspace.find().root == workspace.root
    monkeypatch.setenv("DMR_WORKSPACE", str(tmp_path))
    with pytest.raises(WorkspaceError, match="is no workspace"):
        Workspace.find()


def test_a_workspace_inside_another_is_refused(tmp_path: Path) -> None:
    Workspace.create(tmp_path)
    with pytest.raises(WorkspaceError, match="lies in the workspace"):
        Workspace.create(tmp_path / "frames" / "inner")


def test_a_workspace_can_be_moved(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path / "here")
    path = workspace.relative(workspace.frames_folder / "ab" / "x.png")
    assert path == "frames/ab/x.png"
    key = workspace.key

    shutil.move(workspace.root, tmp_path / "there")
    moved = Workspace.at(tmp_path / "there")
    assert moved.absolute(path) == moved.root / "frames" / "ab" / "x.png"
    assert moved.key == key


def test_a_second_writer_is_turned_away_until_the_first_is_gone(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        told = pytest.raises(WorkspaceError, match=r"another dmr command has been writing here for 0\.1 s")
        with told, workspace.lock(wait_s=0.1):
            pass
        other.kill()
    with workspace.lock(wait_s=5):
        pass


def test_a_time_out_of_the_work_itself_is_not_taken_for_a_held_lock(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path)
    with pytest.raises(TimeoutError, match="the server"), workspace.lock():
        raise TimeoutError("the server")


def test_a_place_that_cannot_be_a_workspace_is_one_line(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from dmr.cli import main

    (tmp_path / "file").write_bytes(b"x")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        result = CliRunner().invoke(main, ["init", str(place)])
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Error: ") and "name another place" in result.output
        assert len(result.output.splitlines()) == 1
