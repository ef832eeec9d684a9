"""What the status says of the classes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmr.annotate.catalogue.catalogue import Catalogue, DrawnClass
from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, RevisionRecord
from dmr.annotate.errors import ModelError
from dmr.annotate.overview.class_table import class_figures, class_table
from dmr.annotate.overview.model_card import read_validation_dice
from dmr.annotate.report import Report
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace
from dmr.cli import main

from ..conftest import CLASSES

Frames = Callable[..., FrameRecord]
Revisions = Callable[..., RevisionRecord]


def outlined(frame: FrameRecord, *class_ids: int) -> Annotation:
    ring = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    return Annotation(frame.height, frame.width, tuple(Shape(i, ring) for i in class_ids), frozenset(class_ids))


def test_each_class_is_counted_in_the_frames_that_show_it_by_the_truth_alone(
    catalogue: Catalogue, make_frame: Frames, make_revision: Revisions
) -> None:
    frames = [make_frame(1, "p1"), make_frame(2, "p1"), make_frame(3, "p2"), make_frame(4, None), make_frame(5, "p3")]
    catalogue.add_frames(frames)
    catalogue.assign_splits({"p1": ("train", "first"), "p2": ("test", "second")})
    drawn = [(1, 2, 2), (1,), (2,), (1,), ()]
    for frame, ids in zip(frames, drawn, strict=True):
        catalogue.append_revision(make_revision(frame, annotation=outlined(frame, *ids)))
    catalogue.append_revision(make_revision(frames[1], annotation=outlined(frames[1], 2)))  # it was muscle after all

    assert catalogue.drawn_classes() == {
        1: DrawnClass(Counter({"train": 2}), {"train": {"p1"}}),
        2: DrawnClass(Counter({"train": 2, "test": 1}), {"train": {"p1"}, "test": {"p2"}}),
    }


def test_the_counts_are_those_of_the_outlines_themselves(
    catalogue: Catalogue, make_frame: Frames, make_revision: Revisions
) -> None:
    frames = [make_frame(n, f"p{n % 3}") for n in range(12)]
    catalogue.add_frames(frames)
    for n, frame in enumerate(frames):
        catalogue.append_revision(make_revision(frame, annotation=outlined(frame, *{1 + n % 2, 1 + n % 3})))
    own = catalogue.drawn_classes()

    by_patient = catalogue.drawn_counts().values()
    assert {i: c.frames.total() for i, c in own.items()} == {i: sum(c[i] for c in by_patient) for i in own}


def card(folder: Path, text: str | None = None) -> Path:
    folder.mkdir(parents=True)
    content = {
        "class_ids": {"nerve": 1, "muscle": 2},
        "validation": {"nerve": {"dice": 0.7124}, "muscle": {"dice": None}, "mean": {"dice": 0.7124}},
    }
    path = folder / "card.json"
    path.write_text(json.dumps(content) if text is None else text, encoding="utf-8")
    return path


def test_the_table_shows_frames_patients_splits_and_dice(tmp_path: Path) -> None:
    workspace, _ = Workspace.create(tmp_path / "w")
    card(workspace.models_folder / "v1")
    drawn = {
        1: DrawnClass(Counter({"train": 30, "test": 10}), {"train": {"a", "b"}, "test": {"c"}}),
    }
    report = Report("status")
    figures = class_figures(workspace, CLASSES, drawn, model="v1", report=report)

    assert report.failures == []
    assert figures["validation_dice"] == 0.7124
    assert figures["classes"][0] == {
        "id": 1,
        "name": "nerve",
        "retired": False,
        "frames": 40,
        "patients": 3,
        "splits": {
            "train": {"frames": 30, "patients": 2},
            "validation": {"frames": 0, "patients": 0},
            "test": {"frames": 10, "patients": 1},
        },
        "validation_dice": 0.7124,
    }
    assert class_table(figures, model="v1").splitlines() == [
        "Frames that show each class (patients); Dice per image on validation patients:",
        "class   frames   train  validation    test  Dice of v1",
        "nerve   40 (3)  30 (2)           -  10 (1)       0.712",
        "muscle       -       -           -       -           -",
        "artery       -       -           -       -           -",
        "mean                                             0.712",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"class_ids": {"nerve": "x"}}',
        '{"class_ids": {"a": 1}, "validation": 3}',
        '{"class_ids": {"a": 1}, "validation": {"a": {"dice": NaN}}}',
    ],
)
def test_a_card_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="is no card of a model"):
        read_validation_dice(card(tmp_path / "v1", text))
    with pytest.raises(ModelError, match="cannot be read"):
        read_validation_dice(tmp_path / "card.json")

    workspace, _ = Workspace.create(tmp_path / "w")
    report = Report("status")
    figures = class_figures(workspace, CLASSES, {}, model="v1", report=report)
    assert len(report.failures) == 1
    assert "dmr models list" in report.failures[0]
    assert figures["validation_dice"] is None


def test_status_adds_classes_to_its_json_and_tells_a_damaged_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = Workspace.create(tmp_path / "w")
    with workspace.catalogue() as opened:
        opened.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=(1,), dataset=opened.add_dataset([])))
        opened.activate("v1", reason="test")
    card(workspace.models_folder / "v1", "{")
    monkeypatch.chdir(workspace.root)

    told = CliRunner().invoke(main, ["status"])
    assert told.exit_code == 1
    assert "psoas_major" in told.stdout
    assert len([line for line in told.stderr.splitlines() if line.startswith("Error: ")]) == 1

    data = json.loads(CliRunner().invoke(main, ["status", "--json"]).stdout)
    assert data["status"]["active model"] == "v1"
    assert data["last_cycle"] is None
    assert [c["name"] for c in data["classes"]] == list(workspace.settings.classes.names)
    assert data["validation_dice"] is None
