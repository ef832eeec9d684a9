"""An import as a job: what is taken, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef
from dmr.annotate.errors import UsageError
from dmr.annotate.formats.labelme import annotation_to_labelme
from dmr.annotate.intake.check import check_outlines
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace

SQUARE = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve"), ClassDef(2, "tendon", retired=True)])
    return made


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """A frame with one nerve and two tendons."""
    folder = tmp_path / "outlines"
    folder.mkdir()
    (folder / "1_1.png").write_bytes(encode_png(np.random.default_rng(0).integers(0, 255, (80, 120), np.uint8)))
    shapes = tuple(Shape(k, SQUARE) for k in (1, 2, 2))
    drawn = Annotation(80, 120, shapes, frozenset({1, 2}))
    data = annotation_to_labelme(drawn, names={1: "nerve", 2: "tendon"}, image_path="1_1.png")
    (folder / "1_1.json").write_bytes(data)
    return folder


def test_a_retired_class_is_left_out_with_a_note_and_refuses_no_import(workspace: Workspace, outlines: Path) -> None:
    with workspace.session() as s:
        import_outlines(s, [outlines])
        (item,) = s.catalogue.labelled_frames()

    assert s.report.failures == []
    assert {shape.class_id for shape in item.annotation.shapes} == {1}
    assert s.report.oddities["label 'tendon' is no class (left out)"] == ["1_1.json"]
    assert s.report.data["recognised"] == {"of": 3, "known": 1, "ignored": 2, "unknown": {}}


def test_check_names_the_label_of_a_retired_class(workspace: Workspace, outlines: Path) -> None:
    report = Report("check")
    check_outlines([outlines], settings=workspace.settings, report=report)

    assert report.oddities["label 'tendon' is no class of this workspace"] == ["1_1.json"]
    assert "label 'nerve' is no class of this workspace" not in report.oddities


def test_files_and_masks_together_are_refused_and_nothing_is_changed(workspace: Workspace, outlines: Path) -> None:
    with workspace.session() as s:
        with pytest.raises(UsageError, match="Import Labelme files and masks one after the other"):
            import_outlines(s, [outlines], images=outlines, masks=outlines)
        assert s.catalogue.counts()["frames"] == 0


def test_progress_names_each_part_of_an_import(workspace: Workspace, outlines: Path) -> None:
    told: list[tuple[str, int, int | None]] = []

    def tell(what: str, more: int, of: int | None, note: str = "") -> None:
        told.append((what, more, of))

    with workspace.session(tell=tell) as s:
        import_outlines(s, [outlines])

    assert told == [
        ("Reading labels", 1, None),
        ("Looking for edits", 0, None),
        ("Importing", 1, 1),
        ("Writing annotations/", 0, None),
    ]
