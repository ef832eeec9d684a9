"""Two files of one picture that differ: the first counts, and what they differ in is covered by neither."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace

PICTURE = encode_png(np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8))
NERVE: dict[str, object] = {"label": "nerve", "points": [[5, 5], [30, 5], [30, 30]]}
MUSCLE: dict[str, object] = {"label": "muscle", "points": [[35, 5], [55, 5], [55, 30]]}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    classes = [ClassDef(1, "nerve"), ClassDef(2, "muscle"), ClassDef(3, "artery")]
    made, _ = Workspace.create(tmp_path / "w", classes=classes, coverage="all")
    return made


def write(folder: Path, name: str, *shapes: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(PICTURE)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"shapes": shapes, "imagePath": f"{name}.png"}), encoding="utf-8")
    return path


def covered(workspace: Workspace, source: Path) -> frozenset[int]:
    with workspace.session() as s:
        import_outlines(s, [source], yes=True)
        (item,) = s.catalogue.labelled_frames()
        return item.annotation.covered


def test_a_class_that_only_the_second_file_draws_is_not_called_absent(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o" / "a", "1_a", MUSCLE)
    second = write(tmp_path / "o" / "b", "1_b", MUSCLE, NERVE)
    assert covered(workspace, tmp_path / "o") == {2, 3}
    second.unlink()
    assert covered(workspace, tmp_path / "o") == {1, 2, 3}, "with one file left, it is said again"


def test_two_files_that_say_the_same_take_nothing_away(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o" / "a", "1_a", MUSCLE)
    write(tmp_path / "o" / "b", "1_b", MUSCLE)
    assert covered(workspace, tmp_path / "o") == {1, 2, 3}


def test_a_second_file_that_is_refused_for_its_size_leaves_no_class_covered(
    workspace: Workspace, tmp_path: Path
) -> None:
    write(tmp_path / "o", "1_a", MUSCLE)
    second = tmp_path / "o" / "1_a_v2.json"
    content = {"shapes": [NERVE], "imagePath": "1_a.png", "imageHeight": 9, "imageWidth": 9}
    second.write_text(json.dumps(content), encoding="utf-8")
    assert covered(workspace, tmp_path / "o") == frozenset()
    second.unlink()
    assert covered(workspace, tmp_path / "o") == {1, 2, 3}


def test_a_copy_from_elsewhere_does_not_settle_which_file_is_right(workspace: Workspace, tmp_path: Path) -> None:
    first = write(tmp_path / "o", "1_a", MUSCLE)
    second = write(tmp_path / "o", "1_b", MUSCLE, NERVE)
    assert covered(workspace, tmp_path / "o") == {2, 3}
    write(tmp_path / "copy", "1_a", MUSCLE)
    assert covered(workspace, tmp_path / "copy") == {2, 3}
    assert covered(workspace, first) == {2, 3}, "the other file is still there"
    second.unlink()
    assert covered(workspace, first) == {1, 2, 3}
