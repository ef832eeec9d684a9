"""What is edited in Labelme becomes revisions, and nothing that was drawn is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scans import write_scans

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import ModelRecord, PredictionRecord
from dmr.annotate.classes import ClassDef
from dmr.annotate.editing.checkout import draft_sheets, write_checkout
from dmr.annotate.editing.edits import frame_of, sync_checkout, take_up_edits
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.shapes import Shape
from dmr.annotate.workspace import Session, Workspace

SQUARE = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))
OTHER = [[60.0, 60.0], [90.0, 60.0], [90.0, 90.0]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    classes = [ClassDef(1, "muscle", ("jirou",)), ClassDef(2, "nerve")]
    made, _ = Workspace.create(tmp_path / "w", classes=classes)
    return made


@pytest.fixture
def catalogue(workspace: Workspace, tmp_path: Path) -> Iterator[Catalogue]:
    """Six frames of one patient, each with a draft that shows a muscle."""
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    with workspace.catalogue() as opened:
        ids = ingest_scans(Session(workspace, opened, Report("test")), [tmp_path / "scans"])
        opened.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=(1, 2)))
        opened.activate("v1", reason="test")
        frames = opened.frames(ids)
        opened.add_predictions(
            PredictionRecord(
                frame=f.frame_id, rendition=f.pixel_sha256, model="v1", shapes=(Shape(1, SQUARE),), scores={}
            )
            for f in frames
        )
        write_checkout(workspace, draft_sheets(opened, frames))
        yield opened


def save(path: Path, change: Callable[[dict[str, Any]], Any]) -> str:
    """Save a file as Labelme would, and give the frame that it is of."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return frame_of(path)


def files(workspace: Workspace) -> list[Path]:
    return sorted(workspace.annotations_folder.glob("*.json"))


def shape(label: str, shape_type: str = "polygon") -> dict[str, Any]:
    return {"label": label, "points": OTHER, "shape_type": shape_type, "flags": {}, "group_id": None}


def test_drafts_that_nobody_touched_are_no_labels(workspace: Workspace, catalogue: Catalogue) -> None:
    save(files(workspace)[0], lambda c: None)  # opened and saved
    report = Report("test")

    assert take_up_edits(Session(workspace, catalogue, report), workspace.annotations_folder) == []
    assert catalogue.labelled_frames() == []


def test_a_structure_taken_away_is_absent_and_one_never_shown_is_unknown(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    frame = save(files(workspace)[0], lambda c: c.update(shapes=[]))
    sync_checkout(Session(workspace, catalogue, Report("test")), author="dr-a")
    head = catalogue.head(frame, "dr-a")

    assert head is not None
    assert head.record.annotation.shapes == ()
    assert head.record.annotation.covered == {1}


def test_a_tick_covers_every_class_and_the_sheet_is_clean_again(workspace: Workspace, catalogue: Catalogue) -> None:
    path = files(workspace)[0]
    frame = save(path, lambda c: c["flags"].update(reviewed=True))
    report = Report("test")
    sync_checkout(Session(workspace, catalogue, report))
    sync_checkout(Session(workspace, catalogue, report))
    sheet = json.loads(path.read_text(encoding="utf-8"))

    (revision,) = catalogue.heads(frame)
    assert revision.record.annotation.covered == {1, 2}
    assert report.counts["edits taken up"] == 1
    assert sheet["flags"] == {"reviewed": False}
    assert sheet["dmr_revision"] == revision.sha256


def test_a_correction_of_a_correction_follows_it_without_a_conflict(workspace: Workspace, catalogue: Catalogue) -> None:
    path = files(workspace)[0]
    frame = save(path, lambda c: c["shapes"].append(shape("nerve")))
    sync_checkout(Session(workspace, catalogue, Report("test")), author="dr-a")
    save(path, lambda c: c["shapes"].pop(0))
    sync_checkout(Session(workspace, catalogue, Report("test")), author="dr-b")

    assert catalogue.conflicts() == []
    (item,) = catalogue.labelled_frames()
    assert item.frame.frame_id == frame
    assert [s.class_id for s in item.annotation.shapes] == [2]
    assert item.annotation.covered == {1, 2}


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        (shape("muscle", "linestrip"), "linestrip"),
        (shape("nervee"), "'nervee' is no class"),
        (shape("nerve") | {"flags": {"hole": True}, "group_id": 7}, "a hole belongs to no outline"),
        (shape("nerve", "mask") | {"points": OTHER[:2], "mask": "no picture"}, "mask"),
    ],
    ids=["a shape without area", "a label that is no class", "a hole alone", "a mask without pixels"],
)
def test_what_no_class_can_hold_is_named_and_stays_in_its_file(
    workspace: Workspace, catalogue: Catalogue, drawn: dict[str, Any], words: str
) -> None:
    path = files(workspace)[0]
    save(path, lambda c: c["shapes"].append(drawn))
    before = path.read_bytes()
    report = Report("test")
    sync_checkout(Session(workspace, catalogue, report))
    write_checkout(workspace, draft_sheets(catalogue, catalogue.frames()))

    assert len(report.failures) == 1
    assert words in report.failures[0]
    assert path.read_bytes() == before
    assert catalogue.labelled_frames() == []


def test_a_save_after_the_take_up_is_not_overwritten(workspace: Workspace, catalogue: Catalogue) -> None:
    path = files(workspace)[0]
    save(path, lambda c: c["shapes"].append(shape("nerve")))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    save(path, lambda c: c["shapes"].append(shape("muscle")))
    before = path.read_bytes()
    write_checkout(workspace, draft_sheets(catalogue, catalogue.frames()))

    assert path.read_bytes() == before


def test_a_patient_corrected_from_drafts_trains(workspace: Workspace, catalogue: Catalogue) -> None:
    save(files(workspace)[0], lambda c: c["shapes"].append(shape("nerve")))
    sync_checkout(Session(workspace, catalogue, Report("test")))

    assert set(catalogue.splits().values()) == {"train"}


def test_frames_of_a_test_patient_show_no_draft(workspace: Workspace, catalogue: Catalogue) -> None:
    (patient,) = catalogue.splits()
    catalogue.assign_splits({patient: ("test", "test")})

    assert all(s.annotation.shapes == () and s.model is None for s in draft_sheets(catalogue, catalogue.frames()))


def test_a_file_older_than_a_restored_backup_is_taken_up_without_its_parent(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    frame = save(files(workspace)[0], lambda c: c.update(dmr_revision="f" * 64, shapes=[shape("jirou")]))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    (revision,) = catalogue.heads(frame)

    assert revision.record.parent is None


@pytest.fixture
def sheet(workspace: Workspace, catalogue: Catalogue) -> Path:
    """A file on which a muscle is drawn, ticked as complete, and taken up."""
    path = files(workspace)[0]
    save(path, lambda c: c["flags"].update(reviewed=True))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    return path


def test_a_copy_of_another_frames_file_is_named_and_all_other_edits_are_taken(
    workspace: Workspace, catalogue: Catalogue, sheet: Path
) -> None:
    copied, other = (path for path in files(workspace)[1:3])
    copied.write_bytes(sheet.read_bytes())
    frame = save(copied, lambda c: c["shapes"].append(shape("nerve")))
    edited = save(other, lambda c: c["shapes"].append(shape("nerve")))
    report = Report("test")
    sync_checkout(Session(workspace, catalogue, report))
    (line,) = report.failures
    assert f"{frame}.json: was begun as a copy of another frame's file" in line
    assert catalogue.heads(edited) and not catalogue.heads(frame)
    save(copied, lambda c: c.pop("dmr_revision"))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    assert catalogue.heads(frame)


def test_a_copy_beside_a_sheet_never_undoes_what_is_drawn_in_the_sheet(
    workspace: Workspace, catalogue: Catalogue, sheet: Path
) -> None:
    copy = sheet.with_name(f"{sheet.stem} - Kopie.json")
    copy.write_bytes(sheet.read_bytes())
    save(copy, lambda c: c["shapes"].append(shape("jirou")))
    frame = save(sheet, lambda c: c["shapes"].append(shape("nerve")))
    for _ in range(2):
        report = Report("test")
        sync_checkout(Session(workspace, catalogue, report))
        (line,) = report.failures
        assert f"{copy.name}: is a second file of the frame of {sheet.name}" in line
        (head,) = catalogue.heads(frame)
        assert {s.class_id for s in head.record.annotation.shapes} == {1, 2}
    assert copy.is_file()


def covered(catalogue: Catalogue) -> frozenset[int]:
    (item,) = catalogue.labelled_frames()
    assert {s.class_id for s in item.annotation.shapes} == {1}, "the outlines stay"
    return item.annotation.covered


@pytest.mark.parametrize(
    ("drawn", "left", "remedy"),
    [
        pytest.param(shape("nerve", "point"), {1}, "Outline it by a polygon in Labelme, or delete it", id="a point"),
        pytest.param(shape("nerve", "star"), {1}, "Correct it in Labelme.", id="an unknown type"),
        pytest.param(shape("nervee"), set(), "name the label in dmr.toml, as an alias", id="a label that is no class"),
        pytest.param(shape(""), set(), "Give each outline a label in Labelme.", id="no label"),
        pytest.param(shape("x") | {"label": None}, set(), "Give each outline a label", id="null for a label"),
    ],
)
def test_what_an_edit_may_show_is_not_absent_until_the_edit_can_be_read(
    workspace: Workspace,
    catalogue: Catalogue,
    sheet: Path,
    drawn: dict[str, Any],
    left: set[int],
    remedy: str,
) -> None:
    assert covered(catalogue) == {1, 2}
    before = sheet.read_bytes()
    save(sheet, lambda c: c["shapes"].append(drawn))
    for _ in range(2):
        report = Report("test")
        sync_checkout(Session(workspace, catalogue, report))
        assert covered(catalogue) == left
    (line,) = report.failures
    assert remedy in line
    sheet.write_bytes(before)
    sync_checkout(Session(workspace, catalogue, Report("test")))
    assert covered(catalogue) == {1, 2}
    assert catalogue.unread() == []


def test_an_alias_that_comes_later_gives_the_edit_its_class_and_the_frame_its_coverage(
    workspace: Workspace, catalogue: Catalogue, sheet: Path
) -> None:
    save(sheet, lambda c: c["shapes"].append(shape("nervee")))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    assert covered(catalogue) == frozenset()
    toml = workspace.root / "dmr.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace("ignore = []", 'ignore = ["nervee"]'), encoding="utf-8")
    sync_checkout(Session(Workspace.at(workspace.root), catalogue, Report("test")))
    assert covered(catalogue) == {1, 2}


def test_a_class_whose_outline_an_unreadable_edit_moved_or_deleted_is_not_covered_either(
    workspace: Workspace, catalogue: Catalogue, sheet: Path
) -> None:
    save(sheet, lambda c: c.update(shapes=[shape("nerve", "point")]))
    sync_checkout(Session(workspace, catalogue, Report("test")))
    assert covered(catalogue) == frozenset()


@pytest.mark.parametrize("content", [b"", b" \n", b'{"shapes": [', b"[]"], ids=["empty", "blank", "half", "a list"])
def test_a_file_that_cannot_be_read_makes_nothing_absent_and_says_what_helps(
    workspace: Workspace, catalogue: Catalogue, sheet: Path, content: bytes
) -> None:
    sheet.write_bytes(content)
    report = Report("test")
    sync_checkout(Session(workspace, catalogue, report))
    (line,) = report.failures
    assert line.endswith("Delete it and dmr writes it anew, or put a copy that is whole in its place.")
    assert covered(catalogue) == frozenset()
    sheet.unlink()
    sync_checkout(Session(workspace, catalogue, Report("test")))
    assert covered(catalogue) == {1, 2}
    assert sheet.is_file()


def test_an_edit_that_is_met_twice_in_one_command_fails_once(
    workspace: Workspace, catalogue: Catalogue, sheet: Path
) -> None:
    save(sheet, lambda c: c["shapes"].append(shape("nervee")))
    session = Session(workspace, catalogue, Report("retrain"))
    for _ in range(2):
        sync_checkout(session)
    assert len(session.report.failures) == 1
