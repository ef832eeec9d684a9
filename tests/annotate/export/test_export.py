"""`dmr export`: what is true about the frames, in every format, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.convert.writers import FORMATS
from dmr.annotate.export.commands import FORMATS as OFFERED
from dmr.annotate.export.dicom_seg import SEGMENTATION
from dmr.annotate.formats.labelme import read_labelme
from dmr.cli import main

BOX = [[10, 10], [30, 10], [30, 20], [10, 20]]


def shape(label: str, dx: int = 0) -> dict[str, object]:
    return {"label": label, "points": [[x + dx, y] for x, y in BOX], "group_id": None, "shape_type": "polygon"}


@pytest.fixture
def dmr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a workspace with two frames: nerve and muscle drawn on the first, muscle on the second."""
    source = tmp_path / "source"
    source.mkdir()
    for patient, shapes in ((1, [shape("muscle"), shape("nerve", 5)]), (2, [shape("muscle")])):
        random = np.random.default_rng(patient)
        Image.fromarray(random.integers(0, 255, (40, 60), np.uint8)).save(source / f"{patient}_a.png")
        content = {"version": "5.4.1", "shapes": shapes, "imagePath": f"{patient}_a.png", "imageData": None}
        (source / f"{patient}_a.json").write_text(json.dumps(content), encoding="utf-8")

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [*map(str, arguments)])
        assert result.exit_code == code, result.output
        return result

    run("init", tmp_path / "w", "--classes", "muscle,nerve")
    monkeypatch.chdir(tmp_path / "w")
    run("import", source)
    run("quarantine", "release", "--all")  # these pictures show no sector
    return run


def test_the_formats_offered_are_those_that_can_be_written() -> None:
    assert set(OFFERED) == {*FORMATS, SEGMENTATION}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_once_and_again_changes_nothing(
    tmp_path: Path, dmr: Callable[..., Result], form: str
) -> None:
    more = ("--format", form, "--images", "--incomplete")
    dry = dmr("export", tmp_path / "out", *more, "--dry-run")
    assert "Dry run: nothing was written." in dry.output
    assert not (tmp_path / "out").exists()
    first = dmr("export", tmp_path / "out", *more)
    assert "2 frames exported" in first.output and "2 images copied" in first.output
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    again = dmr("export", tmp_path / "out", *more)
    assert "0 written, 0 replaced" in again.output and "Nothing new: nothing was changed." in again.output
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("form", ["mask", "coco", "yolo", "nifti", "instances", "layers"])
def test_what_is_exported_comes_back_as_it_is_in_the_workspace(
    tmp_path: Path, dmr: Callable[..., Result], form: str
) -> None:
    out = tmp_path / "out"
    dmr("export", out, "--format", form, "--images", "--incomplete")
    where = {"mask": "masks", "coco": "annotations.json", "instances": "instances", "layers": "layers"}.get(form, ".")
    more = ("--classes", "muscle,nerve") if form == "mask" else ()
    dmr("convert", f"{form}-to-labelme", out / where, tmp_path / "back", "--images", out / "images", *more)
    labels = [sorted({s.label for s in read_labelme(p).shapes}) for p in sorted((tmp_path / "back").glob("*.json"))]
    assert sorted(labels) == [["muscle"], ["muscle", "nerve"]]
    if form in (
        "coco",
        "nifti",
        "instances",
    ):  # nerve is not drawn on the second frame, and nobody said that it is absent
        lost = [read_labelme(p).extra.get("dmr_lost") for p in (tmp_path / "back").glob("*.json")]
        assert sorted(lost, key=str) == [None, ["nerve"]] or sorted(lost, key=str) == [["nerve"], None]
    if form == "layers":
        assert len(list((out / "layers" / "nerve").iterdir())) == 1, "an empty mask would say that it is absent"


@pytest.mark.parametrize(("form", "folder"), [("mask", "masks"), ("yolo", "labels")])
def test_a_frame_with_a_class_that_is_not_complete_is_named_and_not_written_where_the_format_cannot_say_it(
    tmp_path: Path, dmr: Callable[..., Result], form: str, folder: str
) -> None:
    out = tmp_path / "out"
    output = dmr("export", out, "--format", form, "--images", code=1).output
    assert f"note: nerve is not complete, and the format {form} shows it as absent: 1 (" in output
    assert "out: 1 frame of 2 not written: a class is not complete there. Outline it, take a format" in output
    assert "1 frame exported, 1 image copied, 1 failed" in output
    names = {path.stem for path in (out / folder).iterdir()}
    assert len(names) == 1
    assert {path.stem for path in (out / "images").iterdir()} == names, "an image without outlines is a negative"


def test_labelme_files_say_what_is_not_complete_and_are_imported_again_without_a_change(
    tmp_path: Path, dmr: Callable[..., Result]
) -> None:
    dmr("export", tmp_path / "out", "--format", "labelme", "--images")
    files = [read_labelme(path) for path in sorted((tmp_path / "out").glob("*.json"))]
    assert sorted(str(file.extra.get("dmr_lost")) for file in files) == ["None", "['nerve']"]
    checked = dmr("check", tmp_path / "out")
    assert "2 files checked" in checked.output


def test_a_folder_of_the_workspaces_own_is_refused(tmp_path: Path, dmr: Callable[..., Result]) -> None:
    for place in (tmp_path / "w", tmp_path / "w" / "annotations", tmp_path / "w" / "frames" / "x"):
        assert "is a folder of the workspace's own" in dmr("export", place, "--format", "labelme", code=2).output


def test_what_lies_there_already_is_not_replaced(tmp_path: Path, dmr: Callable[..., Result]) -> None:
    dmr("export", tmp_path / "out", "--format", "labelme", "--images")
    for path in (tmp_path / "out").iterdir():
        path.write_bytes(b"somebody's")
    output = dmr("export", tmp_path / "out", "--format", "labelme", "--images", code=1).output
    assert output.count("was drawn or edited by hand") == 2
    assert output.count("is there, and is another picture") == 2
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == {b"somebody's"}


def test_an_export_says_what_is_true_now_whatever_an_earlier_one_said(
    tmp_path: Path, dmr: Callable[..., Result]
) -> None:
    dmr("export", tmp_path / "out", "--format", "labelme")
    (path,) = (p for p in (tmp_path / "out").glob("*.json") if "dmr_lost" in read_labelme(p).extra)
    now = path.read_bytes()
    content = json.loads(now)
    del content["dmr_lost"], content["dmr_written"]  # as an older version wrote it
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "1 replaced" in dmr("export", tmp_path / "out", "--format", "labelme").output
    assert path.read_bytes() == now
