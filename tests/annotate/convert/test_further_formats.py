"""`dmr convert` to YOLO, NIfTI and instance masks, and back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from dmr.annotate.formats.labelme import annotation_to_labelme, labelme_to_annotation, read_labelme
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.shapes import Annotation, Shape
from dmr.cli import main

FORMS = ("yolo", "nifti", "instances")
NAMES = {1: "muscle", 2: "nerve"}


def dmr(direction: str, *arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["convert", direction, *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def box(x: float, y: float, side: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


SHAPES = (
    Shape(1, box(2, 2, 20), group=1),
    Shape(1, box(6, 6, 5), hole=True, group=1),
    Shape(2, box(30, 30, 4)),
    Shape(2, box(36.25, 30.5, 4)),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two frames, one in a folder of its own, with their images."""
    for name in ("1_a", "ward.2/1.2.840.1"):
        path = tmp_path / "in" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = Annotation(48, 64, SHAPES, frozenset({1, 2}))
        path.write_bytes(annotation_to_labelme(drawn, names=NAMES, image_path=f"{path.stem}.png"))
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(path.with_name(f"{path.stem}.png"))
    return tmp_path / "in"


def layers(path: Path) -> NDArray[np.bool_]:
    file = read_labelme(path)
    drawn, _ = labelme_to_annotation(file, resolve={"muscle": 1, "nerve": 2}.get, height=48, width=64)
    return shapes_to_layers(drawn.shapes, class_ids=[1, 2], height=48, width=64)


@pytest.mark.parametrize("form", FORMS)
def test_there_and_back_is_the_same_and_again_changes_nothing(tmp_path: Path, source: Path, form: str) -> None:
    for again in (False, True):
        there = dmr(f"labelme-to-{form}", source, tmp_path / form).output
        back = dmr(f"{form}-to-labelme", tmp_path / form, tmp_path / "back", "--images", source).output
        assert ("0 written, 0 replaced" in there and "0 written, 0 replaced, 2 unchanged" in back) is again
    for name in ("1_a", "ward.2/1.2.840.1"):
        np.testing.assert_array_equal(layers(tmp_path / "back" / f"{name}.json"), layers(source / f"{name}.json"))


@pytest.mark.parametrize("form", FORMS)
def test_what_was_left_out_fails_and_is_never_called_absent(tmp_path: Path, source: Path, form: str) -> None:
    content = json.loads((source / "1_a.json").read_text(encoding="utf-8"))
    content["shapes"][2]["shape_type"] = "helix"
    (source / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    output = dmr(f"labelme-to-{form}", source, tmp_path / form, code=1).output
    assert "Error: 1_a.json: something of nerve was left out" in output
    dmr(f"{form}-to-labelme", tmp_path / form, tmp_path / "back", "--images", source)
    if form == "yolo":  # whose files have no place for it
        assert "its file would show it as absent: none was written. Mend it and convert again; --incomplete" in output
        assert not (tmp_path / "back" / "1_a.json").exists()
    else:
        assert read_labelme(tmp_path / "back" / "1_a.json").extra["dmr_lost"] == ["nerve"]


@pytest.mark.parametrize("form", FORMS)
def test_no_good_result_is_replaced_by_one_that_lacks_something(tmp_path: Path, source: Path, form: str) -> None:
    dmr(f"labelme-to-{form}", source, tmp_path / form)
    before = {p: p.read_bytes() for p in (tmp_path / form).rglob("*") if p.is_file()}
    content = json.loads((source / "1_a.json").read_text(encoding="utf-8"))
    content["shapes"][2]["points"] = None
    (source / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    (source / "ward.2" / "1.2.840.1.json").write_text("{", encoding="utf-8")
    dmr(f"labelme-to-{form}", source, tmp_path / form, code=1)
    assert {p: p.read_bytes() for p in (tmp_path / form).rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("form", FORMS)
def test_what_others_put_in_the_place_is_not_replaced(tmp_path: Path, source: Path, form: str) -> None:
    dmr(f"labelme-to-{form}", source, tmp_path / form)
    files = [p for p in (tmp_path / form).rglob("*") if p.is_file()]
    for path in files:
        path.write_bytes(b"somebody else's")
    if form == "yolo":  # its numbers may mean other classes, so nothing is begun
        output = dmr("labelme-to-yolo", source, tmp_path / form, code=2).output
        assert "data.yaml: was not written by dmr" in output
    else:
        output = dmr(f"labelme-to-{form}", source, tmp_path / form, code=1).output
        assert output.count("exists and") == (2 if form == "instances" else len(files)), "once for a frame's files"
    assert {p.read_bytes() for p in files} == {b"somebody else's"}


@pytest.mark.parametrize("form", FORMS)
def test_classes_are_picked_and_renamed_both_ways(tmp_path: Path, source: Path, form: str) -> None:
    dmr(f"labelme-to-{form}", source, tmp_path / form, "--classes", "n=nerve")
    dmr(f"{form}-to-labelme", tmp_path / form, tmp_path / "back", "--images", source, "--classes", "shenjing=n")
    file = read_labelme(tmp_path / "back" / "1_a.json")
    assert {shape.label for shape in file.shapes} == {"shenjing"}
    assert "dmr_lost" not in file.extra


def test_frames_of_other_sizes_have_volumes_of_their_own(tmp_path: Path, source: Path) -> None:
    drawn = Annotation(20, 30, (Shape(2, box(3, 3, 5)),), frozenset({2}))
    (source / "b.json").write_bytes(annotation_to_labelme(drawn, names=NAMES, image_path="b.png"))
    dmr("labelme-to-nifti", source, tmp_path / "vol.nii.gz")
    assert sorted(p.name for p in tmp_path.glob("vol*")) == [
        "vol_30x20.frames.json",
        "vol_30x20.nii.gz",
        "vol_64x48.frames.json",
        "vol_64x48.nii.gz",
    ]


def test_yolo_without_images_or_names_says_what_to_do(tmp_path: Path, source: Path) -> None:
    dmr("labelme-to-yolo", source, tmp_path / "yolo")
    output = dmr("yolo-to-labelme", tmp_path / "yolo", tmp_path / "back", code=1).output
    assert "1_a: its image is not there, and YOLO's files do not say a size" in output
    (tmp_path / "yolo" / "data.yaml").unlink()
    output = dmr("yolo-to-labelme", tmp_path / "yolo", tmp_path / "back", code=2).output
    assert "has no data.yaml and no classes.txt. Name the classes in the order of their numbers: --classes" in output
    dmr("yolo-to-labelme", tmp_path / "yolo", tmp_path / "back", "--images", source, "--classes", "a,b")
    assert {s.label for s in read_labelme(tmp_path / "back" / "1_a.json").shapes} == {"a", "b"}


@pytest.mark.parametrize("place", [".", "labels"])
def test_yolo_of_label_studio_has_its_names_in_a_list(tmp_path: Path, source: Path, place: str) -> None:
    dmr("labelme-to-yolo", source, tmp_path / "yolo")
    (tmp_path / "yolo" / "data.yaml").unlink()
    (tmp_path / "yolo" / place / "classes.txt").write_text("first one\nsecond\n", encoding="utf-8")
    dmr("yolo-to-labelme", tmp_path / "yolo", tmp_path / "back", "--images", source)
    assert {s.label for s in read_labelme(tmp_path / "back" / "1_a.json").shapes} == {"first one", "second"}


def test_names_in_a_list_of_frames_never_lead_out(tmp_path: Path, source: Path) -> None:
    dmr("labelme-to-nifti", source, tmp_path / "n")
    table = json.loads((tmp_path / "n" / "labels.frames.json").read_text(encoding="utf-8"))
    table["dmr_frames"][0]["name"], table["dmr_frames"][1]["name"] = "../../evil", {"no": "name"}
    (tmp_path / "n" / "labels.frames.json").write_text(json.dumps(table), encoding="utf-8")
    dmr("nifti-to-labelme", tmp_path / "n", tmp_path / "deep" / "out")
    assert sorted(p.name for p in (tmp_path / "deep").rglob("*.json")) == ["labels_0001.json", "labels_0002.json"]


@pytest.mark.parametrize("form", FORMS)
def test_two_images_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, source: Path, form: str) -> None:
    drawn = Annotation(48, 64, SHAPES, frozenset({1, 2}))
    for ward in ("x", "y"):
        (source / ward).mkdir()
        (source / ward / "1_a.json").write_bytes(annotation_to_labelme(drawn, names=NAMES, image_path="1_a.png"))
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(source / ward / "1_a.png")
    dmr(f"labelme-to-{form}", source, tmp_path / form)
    dmr(f"{form}-to-labelme", tmp_path / form, tmp_path / "back", "--images", source)
    for place in ("1_a", "x/1_a", "y/1_a"):
        pointed = read_labelme(tmp_path / "back" / f"{place}.json").image_path
        assert ((tmp_path / "back" / place).parent / str(pointed)).resolve() == (source / f"{place}.png").resolve()


def test_instances_never_replace_the_images_that_they_are_of(source: Path) -> None:
    before = (source / "1_a.png").read_bytes()
    output = dmr("labelme-to-instances", source, source, code=1).output
    assert "1_a.json: what is written would replace its image" in output
    assert (source / "1_a.png").read_bytes() == before


@pytest.mark.parametrize(
    "value",
    [
        *(None, 3, [], {}, {"classes": {"0": "a"}}, {"classes": {"1": None}, "dmr_frames": []}),
        *({"classes": classes, "dmr_frames": [{}, {}]} for classes in ({"00011111": "a"}, {"1": "a", "01": "b"})),
    ],
)
def test_a_list_of_frames_that_is_none_is_named(tmp_path: Path, source: Path, value: object) -> None:
    dmr("labelme-to-nifti", source, tmp_path / "n")
    (tmp_path / "n" / "labels.frames.json").write_text(json.dumps(value), encoding="utf-8")
    output = dmr("nifti-to-labelme", tmp_path / "n", tmp_path / "o", "--classes", "a,b", code=1).output
    assert "is no list of frames" in output


def test_yolo_finds_a_png_that_lies_beside_its_text(tmp_path: Path, source: Path) -> None:
    dmr("labelme-to-yolo", source, tmp_path / "yolo")
    beside = tmp_path / "yolo" / "labels" / "1_a.png"
    beside.write_bytes((source / "1_a.png").read_bytes())
    dmr("yolo-to-labelme", tmp_path / "yolo", tmp_path / "back", code=1)
    pointed = read_labelme(tmp_path / "back" / "1_a.json").image_path
    assert (tmp_path / "back" / str(pointed)).resolve() == beside.resolve()


def test_yolo_never_gives_the_numbers_that_are_there_another_meaning(tmp_path: Path, source: Path) -> None:
    dmr("labelme-to-yolo", source, tmp_path / "yolo", "--classes", "nerve,muscle")
    before = {p: p.read_bytes() for p in (tmp_path / "yolo").rglob("*") if p.is_file()}
    output = dmr("labelme-to-yolo", source, tmp_path / "yolo", "--classes", "muscle,nerve", code=2).output
    assert "has the classes nerve, muscle in this order, and the new files would have another one" in output
    assert {p: p.read_bytes() for p in (tmp_path / "yolo").rglob("*") if p.is_file()} == before
    dmr("labelme-to-yolo", source, tmp_path / "yolo", "--classes", "nerve,muscle,bone")


@pytest.mark.parametrize("form", ["layers", "yolo", "coco", "nifti", "instances"])
def test_two_sources_of_one_name_are_never_one_file(tmp_path: Path, source: Path, form: str) -> None:
    twin = source / "1_a.JSON"
    if twin.exists():
        pytest.skip("the disk takes them for one file")
    other = Annotation(48, 64, (Shape(1, box(40, 2, 5)),), frozenset({1, 2}))
    twin.write_bytes(annotation_to_labelme(other, names=NAMES, image_path="1_a.png"))
    target = tmp_path / ("out.json" if form == "coco" else "out")
    told = dmr(f"labelme-to-{form}", source, target, "--classes", "muscle,nerve", code=1).output

    assert "1_a.json: would become the same file as '1_a.JSON'. Give them different names." in told


def test_two_volumes_of_one_name_are_never_one_frame(tmp_path: Path, source: Path) -> None:
    for ward in ("a", "b"):
        dmr("labelme-to-nifti", source, tmp_path / "in2" / ward, "--classes", "muscle,nerve")
    told = dmr("nifti-to-labelme", tmp_path / "in2", tmp_path / "out", code=1).output

    assert told.count("would become the same file as") == 2
    assert "of b/labels.nii.gz: would become the same file as" in told


def test_pictures_in_a_folder_beside_the_layers_are_no_class(tmp_path: Path, source: Path) -> None:
    dmr("labelme-to-layers", source, tmp_path / "layers", "--classes", "muscle,nerve")
    picture = tmp_path / "layers" / "images" / "1_a.png"
    picture.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)).save(picture)
    told = dmr("layers-to-labelme", tmp_path / "layers", tmp_path / "out", code=1).output

    assert "images/1_a.png: has " in told and "Take a folder of pictures out of SRC" in told
    assert not (tmp_path / "out" / "1_a.json").exists()


def test_our_volume_without_its_list_or_turned_by_another_program_is_refused(source: Path, tmp_path: Path) -> None:
    dmr("labelme-to-nifti", source, tmp_path / "v" / "set.nii.gz", "--classes", "muscle,nerve")
    turned = tmp_path / "turned" / "set.nii.gz"
    turned.parent.mkdir()
    library: Any = nibabel
    library.save(library.as_closest_canonical(library.load(tmp_path / "v" / "set.nii.gz")), turned)
    shutil.copy(tmp_path / "v" / "set.frames.json", turned.parent)
    told = dmr("nifti-to-labelme", turned, tmp_path / "out", "--classes", "muscle,nerve", code=1)
    assert "was turned or mirrored by another program" in told.output
    (tmp_path / "v" / "set.frames.json").unlink()
    told = dmr("nifti-to-labelme", tmp_path / "v" / "set.nii.gz", tmp_path / "out", "--classes", "muscle,nerve", code=1)
    assert "without it nobody knows what is complete in it" in told.output
    assert not [*(tmp_path / "out").rglob("*.json")]


def test_yolo_texts_without_names_keep_a_conversion_out_and_a_killed_one_goes_on(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    (target / "labels").mkdir(parents=True)
    (target / "labels" / "9_9.txt").write_text("0 0 0 1 0 1 1\n", encoding="utf-8")
    for _ in range(2):
        told = dmr("labelme-to-yolo", source, target, "--classes", "muscle,nerve", code=2)
        assert "no data.yaml of dmr says which classes their numbers mean" in told.output
    assert not (target / "data.yaml").exists()
    (target / "labels" / "9_9.txt").unlink()
    dmr("labelme-to-yolo", source, target, "--classes", "muscle,nerve")
    text = target / "labels" / "1_a.txt"
    whole = text.read_bytes()
    text.unlink()  # as after a kill, when the names were there already
    dmr("labelme-to-yolo", source, target, "--classes", "muscle,nerve")
    assert text.read_bytes() == whole
