"""An import that would empty or shrink many truths stops before it writes, and asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scans import write_scans

from dmr.annotate.classes import ClassDef
from dmr.annotate.recognition.recognise import count_labels
from dmr.annotate.workspace import Workspace
from dmr.cli import main


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """Twelve frames of two patients with their outlines."""
    write_scans(tmp_path / "outlines", patients=range(2), labelled=True)
    return tmp_path / "outlines"


@pytest.fixture
def workspace(tmp_path: Path, outlines: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """All of them imported, by the rule `all`."""
    labels = sorted(count_labels(outlines.rglob("*.json")).shapes)
    classes = [ClassDef(i, label) for i, label in enumerate(labels, 1)]
    made, _ = Workspace.create(tmp_path / "w", classes=classes, coverage="all")
    monkeypatch.chdir(made.root)
    assert run("import", str(outlines)).exit_code == 0
    return made


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def change(outlines: Path, frames: int, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the shapes of so many of the files."""
    for path in sorted(outlines.rglob("*.json"))[:frames]:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["shapes"] = edit(content["shapes"])
        path.write_text(json.dumps(content), encoding="utf-8")


def state(workspace: Workspace) -> tuple[str, dict[str, bytes]]:
    with workspace.catalogue() as catalogue:
        said = catalogue.catalogue_hash()
    files = (p for p in workspace.root.rglob("*") if p.is_file() and not p.name.startswith(("catalogue.", ".lock")))
    return said, {str(p): p.read_bytes() for p in files}


def smaller(shapes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every outline with a quarter of its area."""
    for shape in shapes:
        x, y = shape["points"][0]
        shape["points"] = [[(x + a) / 2, (y + b) / 2] for a, b in shape["points"]]
    return shapes


@pytest.mark.parametrize(
    "edit",
    [lambda shapes: shapes[:0], lambda shapes: [s for s in shapes if s["label"] != shapes[0]["label"]], smaller],
    ids=["emptied", "a class less", "shrunk"],
)
def test_an_import_that_takes_outlines_from_many_frames_stops_before_it_writes(
    edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], workspace: Workspace, outlines: Path
) -> None:
    change(outlines, 4, edit)
    before = state(workspace)
    refused = run("import", str(outlines))

    assert refused.exit_code == 1
    assert "4 of 12 frames would lose outlines" in refused.output
    assert "--yes takes them as they are" in refused.output
    assert f"{workspace.settings.classes.names[0]} in " in refused.output or len(workspace.settings.classes) > 1
    assert state(workspace) == before
    assert "would lose outlines" in run("import", "--dry-run", str(outlines)).output

    taken = run("import", "--yes", str(outlines))
    assert taken.exit_code == 0
    assert "4 revisions added" in taken.output


def test_a_few_frames_may_lose_outlines(workspace: Workspace, outlines: Path) -> None:
    change(outlines, 2, lambda shapes: shapes[:0])
    result = run("import", str(outlines))

    assert result.exit_code == 0
    assert "2 revisions added" in result.output


def test_the_same_import_again_is_not_asked_about_although_outlines_were_taken_away_since(
    workspace: Workspace, outlines: Path
) -> None:
    for path in workspace.annotations_folder.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content | {"shapes": content["shapes"][1:]}), encoding="utf-8")
    assert "12 edits taken up" in run("import").output

    again = run("import", str(outlines))
    assert again.exit_code == 0
    assert "12 unchanged" in again.output


def test_other_settings_do_not_turn_truths_into_empty_ones(workspace: Workspace, outlines: Path) -> None:
    before = state(workspace)
    settings = workspace.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    names = workspace.settings.classes.names
    ignored = ", ".join(f'"{name}"' for name in names)
    for name in names:
        text = text.replace(f'name = "{name}"', f'name = "other_{name}"')
    settings.write_text(text.replace("ignore = []", f"ignore = [{ignored}]"), encoding="utf-8")
    refused = run("import", str(outlines))
    assert refused.exit_code != 0
    settings.write_bytes(before[1][str(settings)])

    assert state(workspace) == before
