"""No name from outside is stored; on the screen names are shown, or hidden behind keyed short names."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from labelme_json import labelme, shape
from PIL import Image
from scans import write_scans

from dmr.annotate import hiding
from dmr.annotate.classes import ClassDef
from dmr.annotate.hiding import Hider
from dmr.annotate.scans.identity import key_path
from dmr.annotate.workspace import Workspace
from dmr.cli import main

NAME = "Zhang-San"  # of nobody
SHORT = re.compile(r"(?:file|text)-[0-9a-f]{8}")


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve")])
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """Files of which every text names a patient; the second cannot be read."""
    folder = tmp_path / "ward" / NAME
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (100, 100), dtype=np.uint8)
    Image.fromarray(picture).save(folder / f"{NAME}_1.png")
    shapes = [
        shape(points=[[9, 9], [60, 9], [60, 60]]),
        shape(f"node of {NAME}", points=[[9, 9], [60, 9], [60, 60]], group_id=19780412),
        shape(f"node of {NAME}", points=[[19, 9], [60, 9], [60, 60]]),
    ]
    content = labelme(*shapes, imagePath=f"{NAME}_1.png", imageHeight=100, imageWidth=100)
    (folder / f"{NAME}_1.json").write_bytes(content)
    (folder / f"{NAME}_2.json").write_text("broken", encoding="utf-8")
    return folder


def stored(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".png")


def test_nothing_that_is_stored_holds_a_name_or_a_number_from_outside(workspace: Workspace, outlines: Path) -> None:
    shown = run("import", outlines, "--yes")

    assert NAME in shown.output, "the person at the screen has to know which file it is"
    everything = stored(workspace.root)
    assert NAME.encode() not in everything
    assert b"19780412" not in everything
    blobs = map(workspace.store.get, workspace.store.hashes())
    raw = next(json.loads(blob) for blob in blobs if blob.startswith(b"["))
    assert [s["label"] for s in raw] == ["nerve", "unknown 1", "unknown 1"]


@pytest.mark.parametrize("way", ["option", "variable", "json"])
def test_hidden_names_stand_nowhere_on_the_screen(way: str, workspace: Workspace, outlines: Path) -> None:
    options = {"option": ["--hide-names"], "variable": [], "json": ["--hide-names", "--json"]}[way]
    env = {"DMR_HIDE_NAMES": "1"} if way == "variable" else None
    commands: list[list[str | Path]] = [
        ["import", outlines, "--yes"],
        ["import", outlines.parent, "--dry-run"],
        ["check", outlines],
        ["convert", "labelme-to-mask", outlines, outlines.parent / f"{NAME} masks", "--classes", "nerve"],
        ["import", outlines / f"{NAME}_missing"],
        ["ingest", outlines / f"{NAME}_2.json"],
        ["where", outlines / f"{NAME}_1.png"],
    ]
    for command in commands:
        result = run(*command, *options, env=env)
        assert NAME not in result.output, command
        assert "ward" not in result.output, command
        assert SHORT.search(result.output), result.output


def test_where_turns_a_short_name_back_into_the_file(workspace: Workspace, outlines: Path) -> None:
    hidden = run("import", outlines, "--yes", "--hide-names").output
    hider = Hider(workspace.names_secret)
    failed, note = hider.short(f"{NAME}_2.json"), hider.short(f"node of {NAME}", kind="text")
    assert failed in hidden and note in hidden

    frame = run("where", hider.short(f"{NAME}_1.png"))
    assert str(outlines / f"{NAME}_1.png") in frame.output
    assert f"{NAME}_2.json" in run("where", failed).output, "it became no frame, but its short name was printed"
    assert str(outlines / f"{NAME}_2.json") in run("where", failed, "--in", outlines).output
    assert f"node of {NAME}" in run("where", note, "--in", outlines).output


def test_without_a_workspace_short_names_are_of_this_run_alone(outlines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outlines)
    first, second = (run("check", outlines, "--hide-names").output for _ in range(2))

    assert NAME not in first
    assert set(SHORT.findall(first)).isdisjoint(SHORT.findall(second))


def test_names_are_shown_again_by_the_next_command(workspace: Workspace, outlines: Path) -> None:
    assert NAME not in run("check", outlines, "--hide-names").output
    assert NAME in run("check", outlines).output
    assert hiding.hider() is None


@pytest.mark.parametrize(
    "text",
    ["frames added", "v1: mean Dice 0.9", "`dmr init` makes one", "frames/f0123456789abcdef0123.png is missing"],
)
def test_what_is_dmrs_own_stays_readable(text: str) -> None:
    assert Hider(b"x").text(text) == text


def test_what_steers_a_terminal_is_written_out_everywhere(
    workspace: Workspace, outlines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b[2J\x1b]0;x\x07"
    odd = outlines / f"a{evil}.json"
    odd.write_text("broken", encoding="utf-8")

    for command in (["check", outlines], ["import", outlines, "--yes"], ["import", f"{odd}missing"], [f"no{evil}"]):
        result = run(*command)
        assert "\x1b" not in result.output, command
        assert "\\x1b" in result.output, command


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_workspace_and_its_key_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = Workspace.create(tmp_path / "new")
    write_scans(tmp_path / "scans", patients=range(1), labelled=True)
    monkeypatch.chdir(made.root)
    assert run("import", tmp_path / "scans").exit_code == 0

    paths = [made.root, *made.root.rglob("*"), key_path(made.key.id), key_path(made.key.id).parent]
    modes = {str(p): stat.S_IMODE(p.stat().st_mode) for p in paths if p.name != ".lock"}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_folder_that_was_opened_to_a_group_stays_open_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o770)
    (tmp_path / "usual").mkdir(mode=0o755)
    shared, _ = Workspace.create(tmp_path / "shared")
    usual, _ = Workspace.create(tmp_path / "usual")

    assert shared.frames_folder.stat().st_mode & 0o050 == 0o050
    assert (shared.root / "catalogue.sqlite").stat().st_mode & 0o777 == 0o660
    assert usual.frames_folder.stat().st_mode & 0o777 == 0o700
    assert (usual.root / "catalogue.sqlite").stat().st_mode & 0o777 == 0o600
    monkeypatch.chdir(usual.root)
    assert "all users of this computer can read it" in run("doctor").output
    monkeypatch.chdir(shared.root)
    assert "all users of this computer" not in run("doctor").output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the rights of files in another way")
def test_doctor_says_that_others_can_read_the_key(workspace: Workspace) -> None:
    assert "pseudonym key" not in run("doctor").output
    key_path(workspace.key.id).chmod(0o644)
    told = run("doctor")
    assert told.exit_code == 1 and "the pseudonym key can be read by others" in told.output
