"""What goes wrong in a hospital: told in one line, with the right exit code, and nothing lost."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from scans import FIRST, write_scans

from dmr.annotate.errors import StudioError
from dmr.annotate.workspace import Workspace
from dmr.cli import main

OWN = ("--coverage", "all")


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def train_a_little() -> None:
    """Make a version in a step: it has learnt nothing, and is made the active one all the same."""
    assert run("train", "--input", "32", "--steps", "1").exit_code == 0
    assert run("models", "promote", "v1", "--because", "a test").exit_code == 0


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    assert run("init", str(tmp_path / "w"), *OWN).exit_code == 0
    monkeypatch.chdir(tmp_path / "w")
    return Workspace.find()


def test_outside_a_workspace_a_command_says_so_and_exits_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("status")

    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert "`dmr init` makes one" in result.output


def test_training_without_outlines_says_what_to_do(workspace: Workspace) -> None:
    result = run("train")

    assert result.exit_code == 2
    assert "dmr import" in result.output


def test_without_a_model_scans_are_ranked_for_a_cold_start_and_can_be_drawn_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_scans(tmp_path / "scans", patients=range(3), labelled=False)
    result = run("prelabel", str(tmp_path / "scans"))

    assert result.exit_code == 0
    assert "cold start" in result.output
    sheets = [json.loads(p.read_text(encoding="utf-8")) for p in Path("annotations").glob("*.json")]
    assert len(sheets) == 18
    assert all(s["shapes"] == [] for s in sheets)
    with workspace.catalogue() as catalogue:
        patients = {f.frame_id: f.patient for f in catalogue.frames()}
    first = [line.split(",")[1] for line in Path("reports/ranking.csv").read_text(encoding="utf-8").splitlines()[1:4]]
    assert len({patients[f] for f in first}) == 3, "every patient before any comes twice"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_without_a_screen_labelme_is_not_started(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    result = run("open")

    assert result.exit_code == 2
    assert result.output.startswith("Error: open: there is no screen")
    assert result.output.count("\n") == 1


def test_one_bad_file_never_stops_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write_scans(scans, patients=range(1), labelled=False)
    (scans / "cut.png").write_bytes((scans / f"{FIRST}.png").read_bytes()[:2000])
    (scans / "text.jpg").write_text("no image", encoding="utf-8")
    (scans / "notes.txt").write_text("left alone", encoding="utf-8")
    result = run("prelabel", str(scans))

    assert result.exit_code == 1
    assert result.output.count("Error: ") == 2
    assert "cut.png" in result.output
    assert "text.jpg" in result.output
    assert "6 frames ranked" in result.output


def test_one_bad_labelme_file_never_stops_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(2), labelled=True)
    (tmp_path / "in" / f"{FIRST}.json").write_text('{"shapes": [', encoding="utf-8")
    result = run("import", str(tmp_path / "in"))

    assert result.exit_code == 1
    assert f"{FIRST}.json" in result.output
    assert "11 revisions added" in result.output


def test_masks_come_in_as_outlines_that_paint_the_same_mask(workspace: Workspace, tmp_path: Path) -> None:
    from dmr.annotate.geometry.raster import layers_to_index, shapes_to_layers

    images, masks = tmp_path / "images", tmp_path / "masks"
    write_scans(images, patients=range(1), labelled=False)
    masks.mkdir()
    index = np.zeros((512, 512), np.uint8)
    index[20:90, 30:200], index[40:60, 50:80], index[100:101, 5:6] = 1, 0, 3
    Image.fromarray(index).save(masks / f"{FIRST}.png")
    result = run("import", "--images", str(images), "--masks", str(masks))

    assert result.exit_code == 0, result.output
    with workspace.catalogue() as catalogue:
        (item,) = catalogue.labelled_frames()
    layers = shapes_to_layers(item.annotation.shapes, class_ids=(1, 2, 3), height=512, width=512)
    painted, _ = layers_to_index(layers, class_ids=(1, 2, 3), paint_order=(1, 2, 3))
    assert np.array_equal(painted, index)


def test_a_dry_run_reads_everything_and_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(2), labelled=True)
    first = tmp_path / "in" / f"{FIRST}.json"
    for suffix in (".json", ".png"):
        first.with_suffix(suffix).rename(tmp_path / "in" / f"holiday{suffix}")
    result = run("import", str(tmp_path / "in"), "--dry-run")

    assert result.exit_code == 0
    assert "12 files that can be read" in result.output
    assert "2 patients by their names" in result.output
    assert "never a test patient): 1 (holiday)" in result.output
    assert not list(Path("frames").iterdir())


def test_a_frame_whose_patient_is_unknown_is_never_tested_on(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(1), labelled=True)
    for path in (tmp_path / "in").iterdir():
        path.rename(path.with_name(path.name.replace("0001_", "holiday")))
    result = run("import", str(tmp_path / "in"))

    assert "patient unknown" in result.output
    with workspace.catalogue() as catalogue:
        assert {item.split for item in catalogue.labelled_frames()} == {"train"}


def test_a_draft_that_was_edited_is_not_overwritten_by_the_next_prelabel(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    run("prelabel", str(tmp_path / "scans"))
    path = sorted(Path("annotations").glob("*.json"))[0]
    broken = path.read_text(encoding="utf-8") + "an editor died here"
    path.write_text(broken, encoding="utf-8")
    result = run("prelabel", str(tmp_path / "scans"))

    assert result.exit_code == 1
    assert path.name in result.output
    assert path.read_text(encoding="utf-8") == broken


def test_a_picture_of_one_pixel_a_strip_and_a_black_one_stop_nothing_and_are_not_ranked_or_come_last(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", str(tmp_path / "in"))
    train_a_little()
    write_scans(tmp_path / "scans", patients=range(3, 4), labelled=False)
    for name, size in (("91_1", (1, 1)), ("91_2", (5, 5)), ("91_3", (3000, 20)), ("91_4", (64, 64))):
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / "scans" / f"{name}.png")
    result = run("prelabel", str(tmp_path / "scans"))

    assert result.exit_code == 0, result.output
    assert "looks like a black frame (not ranked or trained on; --all takes it in): 4 (91_1.png, " in result.output
    assert len(Path("reports/ranking.csv").read_text(encoding="utf-8").splitlines()) == 1 + 6

    result = run("prelabel", "--all", str(tmp_path / "scans"))
    assert result.exit_code == 0, result.output
    with Image.open("reports/prelabel.png") as sheet:
        assert sheet.height < 3 * sheet.width
    reasons = [line.split(",")[3] for line in Path("reports/ranking.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert [k for k, why in enumerate(reasons) if "hardly any echo" in why] == [6, 7, 8, 9]


def test_frames_that_a_model_has_learnt_and_unknown_patients_are_no_fair_test(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", str(tmp_path / "in"))
    train_a_little()
    (tmp_path / "in" / "Someone.json").write_bytes(sorted((tmp_path / "in").glob("*.json"))[0].read_bytes())
    result = run("evaluate", "--data", str(tmp_path / "in"))

    assert result.exit_code == 0, result.output
    assert "looks like a frame that v1 learnt from" in result.output


def test_a_changed_layer_order_is_something_new_to_train_on(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", str(tmp_path / "in"))
    train = ("train", "--input", "32", "--steps", "1")
    assert run(*train).exit_code == 0
    assert "Nothing new" in run(*train).output
    toml = Path("dmr.toml")
    text = toml.read_text(encoding="utf-8")
    assert 'inside = "psoas_major"' in text
    toml.write_text(text.replace('inside = "psoas_major"', ""), encoding="utf-8")
    assert "1 model made" in run(*train).output


def test_a_verdict_is_told_though_drafts_cannot_be_sent(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", str(tmp_path / "in"))
    write_scans(tmp_path / "scans", patients=range(3, 4), labelled=False)
    retrain = ("retrain", "--pull", "--input", "32", "--steps", "1")
    run("ingest", str(tmp_path / "scans"))
    with workspace.catalogue() as catalogue:
        for f in catalogue.unlabelled_frames():
            catalogue.set_rendition_state(f.frame_id, pixel_sha256=f.pixel_sha256, state="quarantined")

    def dead(*_: object, **__: object) -> None:
        raise StudioError("Label Studio", "does not answer", "Start it")

    monkeypatch.setattr("dmr.active.exchange.studio_client", lambda _: nullcontext())
    monkeypatch.setattr("dmr.active.exchange.pull", lambda *_, **__: None)
    monkeypatch.setattr("dmr.active.retrain.pull_and_push", dead)
    held = run(*retrain)
    assert held.exit_code == 0, held.output
    assert "Gate: v1 is rejected: it has learnt nothing yet" in held.output
    assert "Not sent to Label Studio" in held.output
    run("models", "promote", "v1", "--because", "a test")
    with workspace.catalogue() as catalogue:
        catalogue.mark_reviewed(f.frame_id for f in catalogue.unlabelled_frames())
    down = run(*retrain, "--again")
    assert down.exit_code == 1
    assert "Gate: v2 against v1 is" in down.output
    assert "does not answer" in down.output
    assert Path("reports/ranking.csv").is_file()


def test_check_says_what_import_would_leave_out(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(2), labelled=True)
    path = sorted((tmp_path / "in").glob("*.json"))[0]
    content = json.loads(path.read_text(encoding="utf-8"))
    content["shapes"][0]["label"] = "spleen"
    path.write_text(json.dumps(content), encoding="utf-8")
    path.rename(path.with_name("no_pattern.json"))
    result = run("check", str(tmp_path / "in"))

    assert "label 'spleen' is no class of this workspace" in result.output
    assert "patient unknown" in result.output


def test_a_damaged_model_is_refused_in_one_line(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", str(tmp_path / "in"))
    train_a_little()
    weights = Path("models/v1/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    write_scans(tmp_path / "scans", patients=range(3, 4), labelled=False)
    result = run("prelabel", str(tmp_path / "scans"))

    assert result.exit_code == 1
    assert "changed or damaged" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", "--map", "x=nosuch", "--data", "."), "no model"),
        (("train", "--input", "100"), "multiple of 32"),
        (("import", "--masks", "."), "belong together"),
        (("import", ".", "--images", ".", "--masks", "."), "Import Labelme files and masks one after the other"),
        (("models", "info", "v9"), "not a model of this workspace"),
        (("models", "promote", "v9", "--because", " "), "is empty"),
        (("import", "."), "holds no Labelme file"),
        (("import", "--dry-run"), "needs SOURCES"),
        (("check", "."), "holds no Labelme file"),
        (("open",), "there are no frames yet"),
        (("train", "--minutes", "-1"), "not in the range"),
        (("prelabel", ".", "--seed", "-1"), "not in the range"),
        (("train", "--input", "4096"), "up to 1024"),
        (("init", "x", "--patient", "foo("), "no regular expression"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_in_one_line(
    workspace: Workspace, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")  # `dmr open` asks for a screen first
    result = run(*arguments)

    assert result.exit_code == 2
    assert words in result.output
