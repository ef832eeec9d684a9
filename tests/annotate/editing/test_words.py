"""What is typed and ticked beside the outlines belongs to the revision and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scans import write_scans

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.revisions import revision_json
from dmr.annotate.classes import ClassDef
from dmr.annotate.editing.checkout import SIZE_RESET, Sheet, write_checkout
from dmr.annotate.editing.edits import frame_of, sync_checkout
from dmr.annotate.formats.labelme import labelme_to_drawing, parse_labelme
from dmr.annotate.formats.labelme_words import Said, Words, words_of
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Session, Workspace
from dmr.cli import main

RING = [[10.0, 10.0], [50.0, 10.0], [50.0, 50.0]]
OTHER = [[60.0, 60.0], [90.0, 60.0], [90.0, 90.0]]
PATIENT = "Frau Muster, seen twice"


def shape(label: str, points: Any = RING, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon", "flags": {}, "group_id": None, **more}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "muscle"), ClassDef(2, "nerve")])
    return made


@pytest.fixture
def catalogue(workspace: Workspace, tmp_path: Path) -> Iterator[Catalogue]:
    """Six frames, each with an empty sheet."""
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    with workspace.catalogue() as opened:
        ids = ingest_scans(Session(workspace, opened, Report("test")), [tmp_path / "scans"])
        sheets = (Sheet(f, Annotation(f.height, f.width, (), frozenset())) for f in opened.frames(ids))
        write_checkout(workspace, sheets)
        yield opened


def first(workspace: Workspace) -> Path:
    return min(workspace.annotations_folder.glob("*.json"))


def save(path: Path, **change: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | change
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def sync(workspace: Workspace, catalogue: Catalogue) -> Report:
    report = Report("test")
    sync_checkout(Session(workspace, catalogue, report))
    return report


def test_descriptions_and_flags_come_back_in_the_rewritten_sheet(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    drawn = [shape("nerve", description=PATIENT, flags={"unsure": True}), shape("muscle", OTHER)]
    save(path, shapes=drawn, flags={"reviewed": False, "poor image": True, "good": False})
    sync(workspace, catalogue)
    sheet = json.loads(path.read_text(encoding="utf-8"))

    assert sheet["flags"] == {"poor image": True, "good": False, "reviewed": False}
    said = {s["label"]: (s["description"], s["flags"]) for s in sheet["shapes"]}
    assert said == {"nerve": (PATIENT, {"unsure": True}), "muscle": ("", {})}
    assert sync(workspace, catalogue).counts["edits taken up"] == 0
    assert json.loads(path.read_text(encoding="utf-8")) == sheet


@pytest.mark.parametrize(
    "change",
    [
        {"flags": {"poor image": True}},
        {"shapes": [shape("nerve", description="seen twice")]},
        {"shapes": [shape("nerve", flags={"unsure": True})]},
        {"description": "of the whole image"},
    ],
    ids=["image flag", "description", "flag of a shape", "description of the image"],
)
def test_what_is_typed_alone_is_an_edit_and_so_is_taking_it_away(
    change: dict[str, Any], workspace: Workspace, catalogue: Catalogue
) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve")])
    sync(workspace, catalogue)
    plain = json.loads(path.read_text(encoding="utf-8"))
    save(path, **change)
    assert sync(workspace, catalogue).counts["edits taken up"] == 1
    spoken = json.loads(path.read_text(encoding="utf-8"))
    assert {key: spoken.get(key) for key in change} != {key: plain.get(key) for key in change}

    save(path, **{key: plain.get(key) for key in change})
    assert sync(workspace, catalogue).counts["edits taken up"] == 1
    said = [revision.record.words is not None for revision in catalogue.history(frame_of(path))]
    assert said == [False, True, False]


def test_boxes_that_nobody_ticked_are_no_edit(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    before = path.read_bytes()
    save(path, flags={"poor image": False, "reviewed": False})

    assert sync(workspace, catalogue).counts["edits taken up"] == 0
    assert path.read_bytes() != before, "a sheet that holds no label is not written anew"


def test_a_revision_without_words_has_the_hash_that_it_always_had(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve")])
    sync(workspace, catalogue)
    (revision,) = catalogue.history(frame_of(path))

    assert "words" not in json.loads(revision_json(revision.record, previous=None))
    assert json.loads(catalogue.store.get(revision.sha256)) == json.loads(revision_json(revision.record, previous=None))


def test_what_was_typed_stays_in_the_catalogue_and_the_sheet(workspace: Workspace, catalogue: Catalogue) -> None:
    save(first(workspace), shapes=[shape("nerve", description=PATIENT)], flags={PATIENT: True})
    report = sync(workspace, catalogue)
    (revision,) = catalogue.history(frame_of(first(workspace)))

    assert PATIENT not in json.dumps(report.as_dict())
    assert revision.record.raw_sha256 is not None
    assert PATIENT.encode() not in catalogue.store.get(revision.record.raw_sha256)
    assert PATIENT in json.dumps(json.loads(catalogue.store.get(revision.sha256)))


def test_half_a_character_is_kept_as_text(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve", description="a\ud800b")])
    assert sync(workspace, catalogue).counts["edits taken up"] == 1
    assert json.loads(path.read_text(encoding="utf-8"))["shapes"][0]["description"] == "a\\ud800b"
    assert sync(workspace, catalogue).counts["edits taken up"] == 0


def test_words_follow_their_shapes_and_those_of_a_slip_are_kept_too() -> None:
    slip = [[1, 1], [1.2, 1], [1, 1.2]]
    box = {"shape_type": "rectangle", "points": [[5, 5], [20, 20]], "description": "box"}
    drawn = [shape("nerve", slip, description="slip"), shape("nerve"), shape("muscle") | box]
    file = parse_labelme(json.dumps({"shapes": drawn, "imagePath": "a.png"}).encode(), where="a")
    shapes = labelme_to_drawing(file, resolve={"muscle": 1, "nerve": 2}.get, height=99, width=99).shapes
    words = words_of(file, shapes, without="reviewed")

    assert words == Words(shapes=(Said(), Said("box")), others=(Said("slip"),))
    assert Words.parse(words.canonical()) == words
    assert Words().canonical() is None


def test_the_command_takes_words_up_and_leaves_them_in_the_file(
    workspace: Workspace, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    path = first(workspace)
    save(path, shapes=[shape("nerve", description=PATIENT)])
    result = CliRunner().invoke(main, ["import"])

    assert result.exit_code == 0
    assert "1 edit taken up" in result.output
    assert PATIENT not in result.output
    assert json.loads(path.read_text(encoding="utf-8"))["shapes"][0]["description"] == PATIENT


def test_a_conversion_replaces_no_file_in_which_somebody_typed(tmp_path: Path) -> None:
    mask = np.zeros((40, 40), np.uint8)
    for value in (1, 2):
        mask[5:9, 5:20] = value
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / "a.png").write_bytes(encode_png(mask))
        command = ["convert", "mask-to-labelme", str(tmp_path / "masks"), str(tmp_path / "out")]
        result = CliRunner().invoke(main, command)
        path = tmp_path / "out" / "a.json"
        if value == 1:
            assert result.exit_code == 0
            content = json.loads(path.read_text(encoding="utf-8"))
            content["shapes"][0]["description"] = "seen twice"
            path.write_text(json.dumps(content), encoding="utf-8")

    assert result.exit_code == 1
    assert "was drawn or edited by hand" in result.output
    assert "seen twice" in path.read_text(encoding="utf-8")


ODD: dict[str, Any] = {
    "attributes": {"side": "left", "seen": [1, {"by": "A. B."}]},
    "difficult": True,
    "group_id": "left side",
    "score": 0.5,
    "note": "a\ud800b",
    "far": float("inf"),
}


def test_what_other_programs_write_comes_back_in_the_rewritten_sheet(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    path = first(workspace)
    drawn = [shape("muscle", OTHER), shape("nerve", flags={"side": "left", "sure": True}) | ODD]
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"shapes": drawn, "ward": ["3b"], "checked": True})
    path.write_text(text.replace("Infinity", "1e999"), encoding="utf-8")
    assert sync(workspace, catalogue).counts["edits taken up"] == 1
    sheet = json.loads(path.read_text(encoding="utf-8"))

    plain, odd = sheet["shapes"]
    assert set(plain) == {"label", "points", "group_id", "description", "shape_type", "flags", "mask"}
    assert (sheet["ward"], sheet["checked"]) == (["3b"], True)
    kept = {"group_id_as_typed": "left side", "flags_as_typed": {"side": "left"}, "note": "a\\ud800b", "far": "inf"}
    assert {key: odd[key] for key in (*ODD, *kept)} == ODD | {"group_id": 1} | kept
    assert odd["flags"] == {"sure": True}
    assert sync(workspace, catalogue).counts["edits taken up"] == 0
    assert json.loads(path.read_text(encoding="utf-8")) == sheet
    assert [fault for fault in verify(workspace, report=Report("test")) if "revision" in fault.where] == []


def test_an_attribute_alone_is_an_edit_and_empty_ones_are_none(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve")])
    sync(workspace, catalogue)
    empty = {"attributes": {}, "difficult": False, "kie_linking": [], "score": None, "line_color": [0, 255, 0]}
    save(path, shapes=[shape("nerve", **empty)], text="", lineColor=[0, 255, 0, 128])
    assert sync(workspace, catalogue).counts["edits taken up"] == 0
    save(path, shapes=[shape("nerve", attributes={"side": "left"})])
    assert sync(workspace, catalogue).counts["edits taken up"] == 1


def test_a_value_that_is_nested_a_thousand_deep_stops_no_file(workspace: Workspace, catalogue: Catalogue) -> None:
    path = first(workspace)
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"shapes": [shape("nerve")], "deep": 0})
    for depth in (30, 500, 900, 940):
        nested = f'"deep": {"[" * depth}{depth}{"]" * depth}'
        path.write_text(text.replace('"deep": 0', nested), encoding="utf-8")
        report = sync(workspace, catalogue)
        assert report.counts["edits taken up"] == 1 or report.failures
        assert sync(workspace, catalogue).counts["edits taken up"] == 0


def test_an_edit_that_says_another_size_than_its_image_is_told_and_stays(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve")], imageHeight=33)
    before = path.read_bytes()
    report = sync(workspace, catalogue)

    assert len(report.failures) == 1 and "x 33 pixels, and its image has" in report.failures[0]
    assert path.read_bytes() == before


def test_another_size_in_a_sheet_that_nobody_drew_on_is_set_right_and_told(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    path = first(workspace)
    save(path, shapes=[shape("nerve")])
    sync(workspace, catalogue)
    right = path.read_bytes()
    save(path, imageWidth=33)
    report = sync(workspace, catalogue)

    assert report.oddities == {SIZE_RESET: [path.name]}
    assert path.read_bytes() == right
    assert sync(workspace, catalogue).oddities == {}
