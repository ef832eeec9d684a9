"""`dmr check` exits with 1 where `dmr import` does: where an outline could not be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from dmr.annotate.classes import ClassDef
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace
from dmr.cli import main

GOOD: dict[str, Any] = {"label": "nerve", "points": [[5, 5], [30, 5], [30, 30]]}
SHAPES: dict[str, tuple[dict[str, Any], int]] = {
    "good": (GOOD | {"points": [[40, 5], [55, 5], [55, 30]]}, 0),
    "null points": (GOOD | {"points": [[None, 5], [55, 5], [55, 30]]}, 1),
    "points that are null": (GOOD | {"points": None}, 1),
    "two points": (GOOD | {"points": [[40, 5], [55, 5]]}, 1),
    "an unknown type": (GOOD | {"shape_type": "spline"}, 1),
    "no label": ({"points": GOOD["points"]}, 1),
    "an empty label": (GOOD | {"label": " "}, 1),
    "no object": ("nerve", 1),  # type: ignore[dict-item]
    "a muscle outside the frame": (GOOD | {"label": "muscle", "points": [[70, 5], [90, 5], [90, 30]]}, 1),
    "a muscle between two pixels": (GOOD | {"label": "muscle", "points": [[5, 5], [30, 5], [30, 5.1]]}, 1),
    "a point": (GOOD | {"shape_type": "point", "points": [[5, 5]]}, 0),
    "null points of an ignored label": (GOOD | {"label": "ruler", "points": None}, 0),
    "null points of a label that is no class": (GOOD | {"label": "bone", "points": None}, 0),
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    classes = [ClassDef(1, "nerve"), ClassDef(2, "muscle")]
    made, _ = Workspace.create(tmp_path / "w", classes=classes, coverage="all")
    settings = made.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("ignore = []", 'ignore = ["ruler"]'), encoding="utf-8")
    monkeypatch.chdir(made.root)
    return made


def run(*arguments: object) -> int:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code


@pytest.mark.parametrize("size", [{}, {"imageHeight": 40, "imageWidth": 60}], ids=["no size", "with its size"])
@pytest.mark.parametrize("what", SHAPES)
def test_check_and_import_agree(what: str, size: dict[str, int], workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    shape, code = SHAPES[what]
    (folder / "1_a.png").write_bytes(encode_png(np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)))
    content = {"shapes": [GOOD, shape], "imagePath": "1_a.png"} | size
    (folder / "1_a.json").write_text(json.dumps(content), encoding="utf-8")

    assert run("check", folder) == code
    assert run("import", "--yes", folder) == code


def test_without_a_workspace_it_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1_a.png").write_bytes(encode_png(np.zeros((40, 60), np.uint8)))
    content = {"shapes": [GOOD, GOOD | {"label": "bone", "points": None}], "imagePath": "1_a.png"}
    (tmp_path / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    assert run("check", tmp_path) == 1
