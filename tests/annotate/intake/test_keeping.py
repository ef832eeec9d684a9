"""A file that could not be read whole takes no class away that its frame has already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.intake.keeping import KEPT
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Workspace

PICTURE = encode_png(np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8))
NERVE: dict[str, Any] = {"label": "nerve", "points": [[5, 5], [30, 5], [30, 30]]}
MUSCLE: dict[str, Any] = {"label": "muscle", "points": [[35, 5], [55, 5], [55, 30]]}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    classes = [ClassDef(1, "nerve"), ClassDef(2, "muscle"), ClassDef(3, "artery")]
    made, _ = Workspace.create(tmp_path / "w", classes=classes, coverage="all")
    return made


def write(folder: Path, *shapes: dict[str, Any], **keys: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "1_a.png").write_bytes(PICTURE)
    content = {"shapes": shapes, "imagePath": "1_a.png"} | keys
    (folder / "1_a.json").write_text(json.dumps(content), encoding="utf-8")


def imported(
    workspace: Workspace, folder: Path, *, yes: bool = False, dry_run: bool = False
) -> tuple[Annotation, Report]:
    """What the only frame has after an import, and what the import reported."""
    with workspace.session(report=Report("import")) as s:
        import_outlines(s, [folder], yes=yes, dry_run=dry_run)
        (item,) = s.catalogue.labelled_frames()
        return item.annotation, s.report


def drawn(annotation: Annotation) -> set[int]:
    return {shape.class_id for shape in annotation.shapes}


def with_a_null(shape: dict[str, Any]) -> dict[str, Any]:
    return shape | {"points": [[None, 5], *shape["points"][1:]]}


DAMAGED: dict[str, tuple[Callable[[], list[dict[str, Any]]], dict[str, object]]] = {
    "a point is null": (lambda: [NERVE, with_a_null(MUSCLE)], {}),
    "no label": (lambda: [NERVE, {"points": MUSCLE["points"]}], {}),
    "an unknown type": (lambda: [NERVE, MUSCLE | {"shape_type": "spline"}], {}),
    "no pixel": (lambda: [NERVE, MUSCLE | {"points": [[70, 5], [90, 5], [90, 30]]}], {}),
    "said by a conversion": (lambda: [NERVE], {"dmr_lost": ["muscle"]}),
    "said of no class": (lambda: [NERVE], {"dmr_lost": None}),
}


@pytest.mark.parametrize("yes", [False, True], ids=["asked", "--yes"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_does_not_take_a_class_from_its_frame(
    damage: str, yes: bool, workspace: Workspace, tmp_path: Path
) -> None:
    write(tmp_path / "o", NERVE, MUSCLE)
    before, _ = imported(workspace, tmp_path / "o")
    shapes, keys = DAMAGED[damage]
    write(tmp_path / "o", *shapes(), **keys)
    after, report = imported(workspace, tmp_path / "o", yes=yes)

    assert after.shapes == before.shapes
    assert 2 not in after.covered, "the file may show it otherwise, so it is not called complete either"
    assert report.exit_code == 1
    assert "stays as it was" in "\n".join(report.lines())
    again, _ = imported(workspace, tmp_path / "o", yes=yes)
    assert again == after

    write(tmp_path / "o", NERVE, MUSCLE)
    mended, report = imported(workspace, tmp_path / "o")
    assert mended == before
    assert report.exit_code == 0


def test_a_class_that_was_reviewed_as_absent_stays_reviewed(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o", NERVE)
    before, _ = imported(workspace, tmp_path / "o")
    assert before.covered == {1, 2, 3}
    for _ in range(2):
        write(tmp_path / "o", NERVE, with_a_null(MUSCLE))
        doubtful, _ = imported(workspace, tmp_path / "o")
        assert doubtful.covered == {1, 3}
    write(tmp_path / "o", NERVE)
    assert imported(workspace, tmp_path / "o")[0] == before


def test_a_damaged_file_does_not_undo_an_edit_in_annotations(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o", NERVE, MUSCLE)
    imported(workspace, tmp_path / "o")
    (sheet,) = workspace.annotations_folder.glob("*.json")
    content = json.loads(sheet.read_text(encoding="utf-8"))
    content["shapes"].append(content["shapes"][0] | {"label": "artery", "points": [[5, 32], [20, 32], [20, 38]]})
    sheet.write_text(json.dumps(content), encoding="utf-8")
    write(tmp_path / "o", NERVE, with_a_null(MUSCLE))
    after, _ = imported(workspace, tmp_path / "o")

    assert drawn(after) == {1, 2, 3}


def test_a_frame_without_outlines_gets_what_can_be_read(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o", NERVE, with_a_null(MUSCLE))
    first, report = imported(workspace, tmp_path / "o")
    assert drawn(first) == {1}
    assert first.covered == {1, 3}
    assert KEPT not in report.oddities
    moved = NERVE | {"points": [[6, 5], [30, 5], [30, 30]]}
    write(tmp_path / "o", moved, with_a_null(MUSCLE))
    second, _ = imported(workspace, tmp_path / "o")
    assert second.shapes[0].points[0] == (6, 5), "nothing of the muscle was there to be taken away"


def test_a_dry_run_says_that_the_frame_would_stay(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "o", NERVE, MUSCLE)
    imported(workspace, tmp_path / "o")
    write(tmp_path / "o", NERVE, with_a_null(MUSCLE))
    _, report = imported(workspace, tmp_path / "o", dry_run=True)
    assert report.oddities[KEPT] == ["1_a.json"]


def test_a_mask_with_an_unknown_value_does_not_take_a_class_from_its_frame(
    workspace: Workspace, tmp_path: Path
) -> None:
    images, masks = tmp_path / "images", tmp_path / "masks"
    for folder in (images, masks):
        folder.mkdir()
    (images / "1_a.png").write_bytes(PICTURE)
    mask = np.zeros((40, 60), np.uint8)
    mask[5:15, 5:15], mask[20:30, 20:30] = 1, 2

    def taken() -> Annotation:
        (masks / "1_a.png").write_bytes(encode_png(mask))
        with workspace.session() as s:
            import_outlines(s, images=images, masks=masks, yes=True)
            (item,) = s.catalogue.labelled_frames()
            return item.annotation

    before = taken()
    mask[mask == 2] = 9
    assert taken().shapes == before.shapes
