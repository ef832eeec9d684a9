"""The main job as a user does it: init, import, train, prelabel, evaluate, correct; every step twice."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from markup import assert_needs_nothing
from PIL import Image
from scans import write_scans

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.editing.worklist import finish_worklist, lay_out
from dmr.annotate.report import Report
from dmr.annotate.workspace import Workspace
from dmr.cli import main
from dmr.model.data.loading import learnt_hashes, looks_learnt

UBPD_CLASSES = "muscle=jirouzuzhi,vein=jingmai,artery=dongmai,nerve=shenjing"
TRAIN = ("--size", "s", "--input", "32", "--steps", "40", "--device", "cpu")  # enough to learn something


def dmr(*arguments: str, code: int = 0) -> Result:
    """Run a command as from a shell; a traceback fails the test."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def catalogue_hash() -> str:
    with Workspace.find().catalogue() as catalogue:
        return catalogue.catalogue_hash()


@dataclass(frozen=True)
class Department:
    """Files as a department has them: outlines of some patients, raw scans of others."""

    outlines: Path
    scans: Path
    init: tuple[str, ...]
    frames: int
    new: int


def real_department(ubpd: Path, folder: Path) -> Department:
    """Real frames: ten small patients with outlines, two others without."""
    by_patient: dict[str, list[Path]] = {}
    for image in sorted((ubpd / "images").iterdir()):
        by_patient.setdefault(image.stem.split("_")[0], []).append(image)
    small = sorted(by_patient, key=lambda p: (len(by_patient[p]), p))[:12]
    outlines, scans = folder / "outlines", folder / "new_scans"
    outlines.mkdir()
    scans.mkdir()
    for patient in small[:10]:
        for image in by_patient[patient]:
            shutil.copy(image, outlines)
            shutil.copy(ubpd / "labels" / f"{image.stem}.json", outlines)
    for patient in small[10:]:
        for image in by_patient[patient]:
            shutil.copy(image, scans)
    return Department(
        outlines,
        scans,
        ("--classes", UBPD_CLASSES),
        sum(len(by_patient[p]) for p in small[:10]),
        sum(len(by_patient[p]) for p in small[10:]),
    )


def synthetic_department(folder: Path) -> Department:
    """Frames that the test makes itself."""
    write_scans(folder / "outlines", patients=range(8), labelled=True)
    write_scans(folder / "new_scans", patients=range(8, 10), labelled=False)
    init = ("--coverage", "all")
    return Department(folder / "outlines", folder / "new_scans", init, 48, 12)


@pytest.fixture(scope="module", params=["synthetic", "real"])
def department(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """A department's files, and a trained workspace with its scans pre-labelled, in the working folder."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "real":
        made = real_department(request.getfixturevalue("ubpd"), folder)
    else:
        made = synthetic_department(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        dmr("init", "department", *made.init)
        patch.chdir(folder / "department")
        dmr("import", str(made.outlines))
        dmr("train", *TRAIN)
        dmr("prelabel", str(made.scans))
        yield made


def ranking() -> list[dict[str, str]]:
    with Path("reports/ranking.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_everything_that_came_in_is_there(department: Department) -> None:
    status = json.loads(dmr("status", "--json").stdout)["status"]

    assert status["frames"] == department.frames + department.new
    assert status["frames labelled"] == department.frames
    assert status["frames to choose from"] == department.new
    # Labelled training frames are looked at too, so that new ones can be compared with them.
    assert department.new < status["predictions of the active model"] <= department.frames + department.new
    assert status["active model"] == "v1"
    assert status["patients in test"] >= 1
    assert status["patients in validation"] >= 1


def test_every_command_repeated_changes_nothing_and_says_so(department: Department) -> None:
    before = catalogue_hash()
    files = {
        p: p.read_bytes() for p in Path().rglob("*") if p.is_file() and p.suffix in (".json", ".png", ".csv", ".toml")
    }
    said = [
        dmr("init", ".").output,
        dmr("import", str(department.outlines)).output,
        dmr("train", *TRAIN).output,
        dmr("prelabel", str(department.scans)).output,
        dmr("import").output,
        dmr("ingest", str(department.scans)).output,
    ]

    assert [bool(re.search(r"nothing was changed|[Nn]othing new", text)) for text in said] == [True] * 6, said
    assert catalogue_hash() == before
    assert {p: p.read_bytes() for p in files} == files


@pytest.mark.filterwarnings("ignore")
def test_labelmes_own_loader_reads_every_file(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    label_file = pytest.importorskip("labelme._label_file")
    files = sorted(Path("annotations").glob("*.json"))
    for path in files:
        loaded = label_file.LabelFile(str(path))
        assert loaded.image_data
        assert loaded.flags == {"reviewed": False}

    assert len(files) == department.frames + department.new


def test_every_scan_is_ranked_once_with_a_reason(department: Department) -> None:
    rows = ranking()

    assert [int(r["rank"]) for r in rows] == list(range(1, department.new + 1))
    assert len({r["frame"] for r in rows}) == department.new
    assert all(r["reason"] for r in rows)
    sheet = np.asarray(Image.open("reports/prelabel.png"))
    assert sheet.std() > 20, "the contact sheet shows something"


def test_evaluate_prints_every_class_and_reads_an_outside_folder_only(department: Department) -> None:
    dmr("quarantine", "release", "--all")  # real frames fill their picture, so nobody knows whether text lies inside
    before = catalogue_hash()
    inside = dmr("evaluate").stdout
    names = [c.name for c in Workspace.find().settings.classes]
    files = {p: p.stat().st_mtime_ns for p in department.outlines.iterdir()}
    first = names[0]
    outside = dmr("evaluate", "--data", str(department.outlines), "--map", f"anything={first}").stdout

    assert all(name in inside for name in [*names, "mean", "Dice pooled", "HD95", "FP rate"])
    assert f"on {department.frames} frames" in outside
    assert {p: p.stat().st_mtime_ns for p in department.outlines.iterdir()} == files
    assert catalogue_hash() == before
    for name in ("evaluation-v1-test.html", "evaluation-v1-outside-*.html"):
        (found,) = Path("reports").glob(name)
        page = found.read_text(encoding="utf-8")
        markup = assert_needs_nothing(page)
        assert all(c in markup.cells for c in [*names, "background", "mean"])
        assert "not a medical device" in page
        assert page.count("data:image/jpeg") % 3 == 0 and "data:image/jpeg" in page  # frame, physician, model


def test_evaluate_tells_intervals_calibration_and_guesses_as_json(department: Department) -> None:
    told = json.loads(dmr("evaluate", "--split", "train", "--json").stdout)
    names = [c.name for c in Workspace.find().settings.classes]

    assert set(told["calibration_error"]) == set(names)
    assert all(e is None or 0 <= e <= 1 for e in told["calibration_error"].values())
    low, high = (told["intervals"]["mean"][side] for side in ("low", "high"))
    assert low <= told["classes"]["mean"]["dice"] <= high
    assert Path(told["page"]).is_file()


def test_a_card_says_from_what_for_what_and_what_nobody_knows(department: Department) -> None:
    card = json.loads(dmr("models", "info", "--json").stdout)["card"]

    assert card["settings"]["seed"] == 0
    assert card["data"]["train"]["patients"] > 1
    assert "Not a medical device" in card["intended_use"]
    assert any("patients of this workspace only" in limit for limit in card["limits"])
    assert set(card["calibration"]["curves"]) == set(card["channels"])
    with Image.open("models/v1/curves.png") as curves:
        assert curves.size[0] > 500


def test_a_model_is_exported_with_its_card(department: Department, tmp_path: Path) -> None:
    told = json.loads(dmr("models", "export", "--to", str(tmp_path), "--json").stdout)

    assert told["largest_difference"] < 1e-3
    files = {p.name for p in Path(told["path"]).parent.iterdir()}
    assert files == {"network.onnx", "card.json"}


def test_models_are_listed_and_described(department: Department) -> None:
    listed = json.loads(dmr("models", "list", "--json").stdout)["models"]
    described = json.loads(dmr("models", "info", "--json").stdout)

    assert [(m["id"], m["state"]) for m in listed] == [("v1", "active")]
    assert described["parameters"] > 1e6
    assert described["multiply_adds"] > 1e6
    assert described["card"]["data"]["train"]["frames"] > 0


def test_no_name_of_a_patient_or_file_gets_into_the_workspace(department: Department) -> None:
    # Names of two digits would be found by chance; the pattern's whole stem would not.
    stems = [p.stem.encode() for p in (*department.outlines.iterdir(), *department.scans.iterdir()) if len(p.stem) > 5]
    assert stems
    for path in Path().rglob("*"):
        if path.is_file() and path.suffix != ".pt":
            data = path.read_bytes()
            assert not [s for s in stems if s in data and path.suffix != ".png"], path


def saved_by_labelme(path: Path, change: Any) -> None:
    """Save a file as Labelme does after an edit: formatted its own way, our keys kept."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")


def test_what_is_edited_in_the_worklist_becomes_revisions(department: Department) -> None:
    workspace = Workspace.find()
    report = Report("open")
    with workspace.session(write=True, report=report) as s:
        assert lay_out(s, top=4) == 4
        files = sorted((workspace.root / "worklist").glob("*.json"))
        order = [f.stem.split("_")[1] for f in files]
        assert order == [r["frame"] for r in ranking()[:4]], "in the order of the ranking"
        triangle: dict[str, Any] = {
            "label": workspace.settings.classes.names[0],
            "points": [[10.0, 10.0], [60.5, 10.0], [30.0, 50.0]],
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        saved_by_labelme(files[0], lambda c: c["shapes"].append(triangle))
        saved_by_labelme(files[1], lambda c: c["flags"].update(reviewed=True))
        saved_by_labelme(files[2], lambda c: None)  # opened and saved: neither edited nor ticked
        finish_worklist(s, author="dr-a")
        first, second, third = (s.catalogue.head(frame, "dr-a") for frame in order[:3])

        assert first is not None
        assert first.record.annotation.shapes[-1].points == ((10.0, 10.0), (60.5, 10.0), (30.0, 50.0))
        assert second is not None
        assert second.record.annotation.covered == {c.id for c in workspace.settings.classes}
        assert third is None
        assert report.counts["edits taken up"] == 2
        assert not (workspace.root / "worklist").exists()
    status = json.loads(dmr("status", "--json").stdout)["status"]
    assert status["frames labelled"] == department.frames + 2
    assert status["open conflicts"] == 0


def test_new_outlines_make_a_second_model_that_waits(department: Department) -> None:
    listed = dmr("train", *TRAIN, "--again").output
    assert "v2 is not active yet" in listed
    assert "v2 is the active model now" in dmr("models", "promote", "v2", "--because", "a test").output
    states = {m["id"]: m["state"] for m in json.loads(dmr("models", "list", "--json").stdout)["models"]}

    assert states == {"v1": "retired", "v2": "active"}


def test_retrain_judges_a_model_that_waits_only_while_it_knows_all_that_was_drawn(department: Department) -> None:
    dmr("train", *TRAIN, "--again")
    judged = dmr("retrain", "--no-pull", *TRAIN).output
    assert "v3 has learnt from all outlines" in judged
    assert "Gate: v3 against v2 is" in judged
    assert "no new model" in dmr("retrain", "--no-pull", *TRAIN).output

    dmr("train", *TRAIN, "--again")
    with Workspace.find().catalogue() as catalogue:
        known = next(f for f in catalogue.labelled_frames() if f.split == "train" and f.annotation.shapes)
        fewer = replace(known.annotation, shapes=known.annotation.shapes[1:])
        frame = known.frame
        catalogue.append_revision(
            RevisionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                author="dr-b",
                origin="studio",
                annotation=fewer,
                parent=known.revision,
            )
        )
        learnt = learnt_hashes(catalogue, [m for m in catalogue.models() if m.id == "v4"])
        assert looks_learnt(frame.perceptual_hash, learnt), "v4 saw the frame, though it was redrawn since"
    assert "Gate: v5 against v" in dmr("retrain", "--no-pull", *TRAIN).output
