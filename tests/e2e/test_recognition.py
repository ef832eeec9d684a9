"""Files whose labels a workspace does not know: nothing is changed, and the lines that are told to paste help."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Workspace
from dmr.cli import main

TOML = Path("dmr.toml")


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def outline(folder: Path, name: str, *labels: str, image: bool = True) -> None:
    """A Labelme file with a square for each label, and its image."""
    folder.mkdir(parents=True, exist_ok=True)
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    shapes = [{"label": label, "points": square, "shape_type": "polygon"} for label in labels]
    content = {"shapes": shapes, "imagePath": f"{name}.png", "imageHeight": 64, "imageWidth": 64}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    if image:
        pixels = np.random.default_rng(sum(name.encode())).integers(0, 255, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """Six patients' frames as a Chinese department labels them; what is odd is in each."""
    for patient in range(1, 7):
        for frame in range(2):
            labels = ("腰大肌", "QL", "Erector-Spinae", "hengtu", "needle")
            outline(tmp_path / "outlines", f"{patient}0{patient}_{frame}", *labels)
    return tmp_path / "outlines"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    run("init", str(tmp_path / "w"))
    monkeypatch.chdir(tmp_path / "w")
    return Workspace.find()


def state(workspace: Workspace) -> tuple[str, list[Path]]:
    with workspace.catalogue() as catalogue:
        return catalogue.catalogue_hash(), sorted(p for p in workspace.root.rglob("*") if p.is_file() and "." in p.name)


def paste(lines: list[str]) -> None:
    """Follow the printed advice: alias lines in place of their class's, the ignore line in place of its own."""
    text = TOML.read_text(encoding="utf-8")
    for line in lines:
        if alias := re.fullmatch(r"(aliases = .*\])  # (\w+)", line):
            new, name = alias.groups()
            text, times = re.subn(rf'(?<=name = "{name}"\n)aliases = .*', new.replace("\\", "\\\\"), text)
        elif line.startswith("# ignore = "):
            text, times = re.subn(r"(?m)^ignore = .*", line[2:].replace("\\", "\\\\"), text)
        else:
            continue
        assert times == 1, line
    TOML.write_text(text, encoding="utf-8")


def test_an_import_that_knows_too_little_changes_nothing_and_its_lines_make_it_work(
    workspace: Workspace, outlines: Path
) -> None:
    before = state(workspace)
    refused = run("import", str(outlines), code=1)

    assert state(workspace) == before
    assert "dmr.toml knows 12 of 60 shapes, fewer than half, so nothing was changed" in refused.stderr
    lines = refused.stderr.splitlines()
    assert 'aliases = ["yaodaji", "腰大肌"]  # psoas_major' in lines
    assert 'aliases = ["yaofangji", "QL"]  # quadratus_lumborum' in lines
    assert 'aliases = ["shujiji", "Erector-Spinae"]  # erector_spinae' in lines
    assert '# aliases = ["needle"]  # of which class? 12 shapes in 12 files' in lines
    assert run("import", str(outlines), code=1).stderr == refused.stderr, "the same again"

    paste(lines)
    done = run("import", str(outlines))
    assert "12 shapes with ignored labels left out" in done.stderr
    assert "is no class" not in done.stderr
    assert "12 revisions added" in done.stderr
    with workspace.catalogue() as catalogue:
        assert {len(item.annotation.shapes) for item in catalogue.labelled_frames()} == {4}
    assert "Nothing new" in run("import", str(outlines)).stderr
    assert "Next: `dmr train`" in run("status").stderr


def test_only_the_labels_are_read_before_a_refusal(workspace: Workspace, tmp_path: Path) -> None:
    outline(tmp_path / "in", "1_1", "foo", image=False)
    (tmp_path / "in" / "broken.json").write_text("{", encoding="utf-8")
    refused = run("import", str(tmp_path / "in"), code=1)

    assert "knows 0 of 1 shapes" in refused.stderr
    assert refused.stderr.count("Error: ") == 1, "what cannot be read is named by the import itself"


def test_half_is_enough_and_the_rest_is_told_with_its_lines(workspace: Workspace, tmp_path: Path) -> None:
    outline(tmp_path / "in", "1_1", "psoas_major", "腰丛")
    done = run("import", str(tmp_path / "in"))

    assert "1 revision added" in done.stderr
    assert 'aliases = ["yaocong", "腰丛"]  # lumbar_plexus' in done.stderr


def test_yes_takes_what_is_known_and_never_nothing(workspace: Workspace, outlines: Path, tmp_path: Path) -> None:
    outline(tmp_path / "other", "9_9", "foo")
    nothing = run("import", str(tmp_path / "other"), "--yes", code=1)
    assert "none of 1 shapes belongs to a class, so nothing was changed" in nothing.stderr

    run("import", str(outlines), "--yes")
    with workspace.catalogue() as catalogue:
        assert [len(item.annotation.shapes) for item in catalogue.labelled_frames()] == [1] * 12


def test_a_dry_run_tells_the_same_and_what_else_is_odd(workspace: Workspace, outlines: Path) -> None:
    before = state(workspace)
    told = run("import", str(outlines), "--dry-run", code=1)

    assert state(workspace) == before
    assert "12 files that can be read" in told.stderr
    assert "fewer than half" in told.stderr
    assert 'aliases = ["yaodaji", "腰大肌"]  # psoas_major' in told.stderr


def test_json_has_the_counts(workspace: Workspace, outlines: Path) -> None:
    said = json.loads(run("import", str(outlines), "--json", code=1).stdout)

    assert said["recognised"] == {
        "of": 60,
        "known": 12,
        "ignored": 0,
        "unknown": {"腰大肌": 12, "QL": 12, "Erector-Spinae": 12, "needle": 12},
    }


def test_an_ignored_label_takes_no_coverage_away_and_can_be_in_the_majority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", str(tmp_path / "w"), "--classes", "nerve,muscle", "--coverage", "all")
    monkeypatch.chdir(tmp_path / "w")
    text = TOML.read_text(encoding="utf-8")
    TOML.write_text(text.replace("ignore = []", 'ignore = ["Jizhu"]'), encoding="utf-8")
    outline(tmp_path / "in", "1_1", "nerve", "jizhu", " JIZHU ", "jizhu")
    done = run("import", str(tmp_path / "in"))

    assert "3 shapes with ignored labels left out" in done.stderr
    assert "note:" not in done.stderr
    with Workspace.find().catalogue() as catalogue:
        (item,) = catalogue.labelled_frames()
    assert [s.class_id for s in item.annotation.shapes] == [1]
    assert item.annotation.covered == {1, 2}


def test_an_ignored_label_is_known_to_check_and_stops_no_edit(workspace: Workspace, outlines: Path) -> None:
    paste(run("import", str(outlines), code=1).stderr.splitlines())
    run("import", str(outlines))
    checked = run("check", str(outlines))
    assert "is no class" not in checked.stderr
    assert "12 shapes with ignored labels left out" in checked.stderr

    path = sorted(Path("annotations").glob("*.json"))[0]
    content = json.loads(path.read_text(encoding="utf-8"))
    square = [[40, 40], [60, 40], [60, 60]]
    content["shapes"] += [
        {"label": label, "points": square, "shape_type": "polygon"} for label in ("needle", "lumbar_plexus")
    ]
    path.write_text(json.dumps(content), encoding="utf-8")
    taken = run("import")
    assert "1 edit taken up" in taken.stderr
    assert "1 shape with ignored labels left out" in taken.stderr
    assert [s["label"] for s in json.loads(path.read_text(encoding="utf-8"))["shapes"]][-1] == "lumbar_plexus"


def test_a_label_cannot_be_a_class_and_ignored(workspace: Workspace) -> None:
    text = TOML.read_text(encoding="utf-8")
    TOML.write_text(text.replace("ignore = []", 'ignore = ["Yaodaji"]'), encoding="utf-8")

    assert "ignore names 'Yaodaji', which is the class psoas_major" in run("status", code=2).stderr


def test_masks_whose_values_are_no_class_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    index = np.zeros((64, 64), np.uint8)
    for k in range(3):
        Image.fromarray(np.full((64, 64), 40 * k, np.uint8)).save(images / f"1_{k}.png")
        index[10:20, 10:20] = 255
        Image.fromarray(index).save(masks / f"1_{k}.png")
    before = state(workspace)
    options = ("import", "--images", str(images), "--masks", str(masks))
    refused = run(*options, code=1)

    assert state(workspace) == before
    assert "knows 0 of 3 structures in the masks, fewer than half" in refused.stderr
    assert "1 psoas_major, 2 quadratus_lumborum" in refused.stderr
    assert "255 in 3 masks" in refused.stderr
    assert "`dmr convert layers-to-labelme" in refused.stderr

    index[10:20, 30:40] = 2
    Image.fromarray(index).save(masks / "1_0.png")
    assert run(*options, code=1).exit_code == 1
    run(*options, "--yes", code=1)  # the two that are black and white fail, and are named
    with workspace.catalogue() as catalogue:
        assert sum(len(item.annotation.shapes) for item in catalogue.labelled_frames()) == 1


def test_status_and_train_send_nobody_in_a_circle(workspace: Workspace, outlines: Path) -> None:
    keys = list(json.loads(run("status", "--json").stdout)["status"])
    run("import", str(outlines), code=1)
    assert "Next: `dmr import FOLDER`" in run("status").stderr

    run("ingest", str(outlines))
    with workspace.catalogue() as catalogue:  # as an earlier version left it: frames labelled with nothing
        catalogue.append_revisions(
            RevisionRecord(
                frame=f.frame_id,
                rendition=f.pixel_sha256,
                author="import",
                origin="import",
                annotation=Annotation(f.height, f.width, (), frozenset()),
            )
            for f in catalogue.frames()
        )
    said = run("status").stderr
    assert "none of the 12 labelled frames shows an outline of a class" in said
    assert "`dmr import FOLDER --dry-run`" in said
    assert "dmr train" not in said
    assert "no outlines of training patients" in run("train", code=2).stderr
    assert list(json.loads(run("status", "--json").stdout)["status"]) == keys

    paste(run("import", str(outlines), "--dry-run", code=1).stderr.splitlines())
    run("import", str(outlines))
    assert "Next: `dmr train`" in run("status").stderr


def test_the_proposed_settings_import_every_file(
    tmp_path: Path, outlines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("init", str(tmp_path / "w"), "--from", str(outlines)).stderr
    assert "finds 6 patients in 12 of 12 file names, 2 files each on average (2 to 2)" in said
    assert not re.search(r"\d0\d_", said), "no file's name"
    monkeypatch.chdir(tmp_path / "w")
    done = run("import", str(outlines))
    assert "12 revisions added" in done.stderr
    assert "6 new patients" in done.stderr
    assert "note:" not in done.stderr

    again = run("init", ".", "--from", str(outlines)).stderr
    assert "is a workspace already; nothing was changed" in again
    assert "`dmr import` says which lines of dmr.toml to change" in again


def test_init_says_whose_the_default_classes_are() -> None:
    said = " ".join(run("init", "--help").stdout.split())

    assert "the classes are those of the Shamrock view: psoas_major" in said


def test_shapes_without_a_label_count_as_unknown_and_the_line_to_paste_leaves_them_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    for frame, label in enumerate(("psoas_major", 5, None, "", ["x"])):
        outline(tmp_path / "in", f"1_{frame}", "psoas_major")
        path = tmp_path / "in" / f"1_{frame}.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["shapes"][0]["label"] = label
        path.write_text(json.dumps(content), encoding="utf-8")
    before = state(workspace)
    refused = run("import", str(tmp_path / "in"), code=1)

    assert state(workspace) == before
    assert "knows 1 of 5 shapes" in refused.stderr
    assert '# ignore = [""]' in refused.stderr
    paste(refused.stderr.splitlines())
    run("import", str(tmp_path / "in"))


def test_thousands_of_labels_are_told_in_some_lines(workspace: Workspace, tmp_path: Path) -> None:
    outline(tmp_path / "in", "1_1", *(f"label {n}" for n in range(3000)))
    refused = run("import", str(tmp_path / "in"), code=1)

    assert len(refused.stderr.splitlines()) < 60
    assert "and 2,960 more labels" in refused.stderr


def test_what_would_move_the_cursor_is_written_out(workspace: Workspace, tmp_path: Path) -> None:
    outline(tmp_path / "in", "1_1", "red\x1b[31m", "turned\u202e")
    refused = run("import", str(tmp_path / "in"), code=1)

    assert "\x1b" not in refused.stderr and "\u202e" not in refused.stderr


@pytest.mark.parametrize("classes", ["", "nerve=", "nerve,,muscle"])
def test_a_class_without_a_name_is_refused(tmp_path: Path, classes: str) -> None:
    assert "a name is empty" in run("init", str(tmp_path / "x"), "--classes", classes, code=2).stderr
    assert not (tmp_path / "x").exists()
