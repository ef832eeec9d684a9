"""Of two sources of one name, nobody knows which is right: what they differ in is not called complete."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.formats.annotations import read_annotation
from dmr.annotate.scans.images import encode_png
from dmr.cli import main

HEIGHT, WIDTH = 40, 60
NAMES: Final = {1: "nerve", 2: "muscle", 3: "artery"}
CLASSES: Final = Classes([ClassDef(i, name) for i, name in NAMES.items()])
GIVEN: Final = ("--classes", "nerve,muscle,artery")
RING: Final = [10, 5, 30, 5, 30, 30, 10, 30]


def converted(form: str, source: Path, out: Path, *more: str | Path) -> frozenset[int]:
    """What an import by the rule `all` covers of what is written of 1_a."""
    result = CliRunner().invoke(main, ["convert", f"{form}-to-labelme", str(source), str(out), *map(str, more)])
    assert result.exit_code == 1, result.output
    path = out / "1_a.json"
    return read_annotation(path, CLASSES, coverage="all").covered if path.is_file() else frozenset()


@pytest.mark.parametrize(
    ("second", "covered"),
    [
        pytest.param({"file_name": "1_a.png"}, {3}, id="the same name"),
        pytest.param({"file_name": "1_a.jpg"}, {3}, id="another ending"),
        pytest.param({"file_name": "1_a.png", "height": 30}, set(), id="another size"),
        pytest.param({"file_name": "1_a.png", "height": None}, set(), id="no size"),
        pytest.param({"file_name": "1_a.png", "id": None}, set(), id="no id"),
    ],
)
def test_two_images_of_a_coco_file(second: dict[str, Any], covered: set[int], tmp_path: Path) -> None:
    images: list[dict[str, Any]] = [{"id": k, "file_name": "1_a.png", "height": HEIGHT, "width": WIDTH} for k in (1, 2)]
    images[1] |= second
    content = {
        "images": images,
        "annotations": [{"id": k, "image_id": k, "category_id": k, "segmentation": [RING]} for k in (1, 2)],
        "categories": [{"id": i, "name": name} for i, name in NAMES.items()],
    }
    (tmp_path / "c.json").write_text(json.dumps(content), encoding="utf-8")
    assert converted("coco", tmp_path / "c.json", tmp_path / "out") == covered


@pytest.mark.parametrize("text", ["1 0.1 0.1 0.5 0.1 0.5 0.5\n", "\x00"], ids=["another class", "unreadable"])
def test_two_texts_of_yolo(text: str, tmp_path: Path) -> None:
    (tmp_path / "1_a.png").write_bytes(encode_png(np.full((HEIGHT, WIDTH), 9, np.uint8)))
    (tmp_path / "1_a.TXT").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n", encoding="ascii")
    (tmp_path / "1_a.txt").write_text(text, encoding="ascii")
    if len(list(tmp_path.glob("1_a.[tT]*"))) < 2:
        pytest.skip("the disk takes them for one file")
    assert converted("yolo", tmp_path, tmp_path / "out", *GIVEN) <= {3}


@pytest.mark.parametrize("volumes", [1, 2])
def test_two_slices_of_nifti(volumes: int, tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    slices = np.zeros((WIDTH, HEIGHT, 2), np.uint8)
    slices[5:20, 5:20, 0], slices[5:20, 5:20, 1] = 1, 2
    table = {"classes": {str(i): name for i, name in NAMES.items()}}
    for k, part in enumerate([slices] if volumes == 1 else [slices[:, :, :1], slices[:, :, 1:]]):
        nibabel.save(nibabel.Nifti1Image(part, np.eye(4)), tmp_path / f"v{k}.nii.gz")
        rows = [{"name": "1_a"}] * part.shape[2]
        (tmp_path / f"v{k}.frames.json").write_text(json.dumps(table | {"dmr_frames": rows}), encoding="utf-8")
    assert converted("nifti", tmp_path, tmp_path / "out") == {3}


def test_a_volume_that_cannot_be_read_leaves_doubts_about_its_frames(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(np.ones((WIDTH, HEIGHT, 1), np.uint8), np.eye(4)), tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes(b"no volume")
    table = {"classes": {"1": "nerve", "2": "muscle"}, "dmr_frames": [{"name": "1_a"}]}
    for name in ("a", "b"):
        (tmp_path / f"{name}.frames.json").write_text(json.dumps(table), encoding="utf-8")
    assert converted("nifti", tmp_path, tmp_path / "out") == set()


def masks(place: Path, save: Callable[[Path, np.ndarray[Any, Any]], None]) -> None:
    place.mkdir(parents=True)
    one, other = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    one[5:20, 5:20], other[5:20, 30:50] = 1, 1
    save(place / "1_a.png", one)
    save(place / "1_a.tif", other)


def test_two_masks_or_layers(tmp_path: Path) -> None:
    for place in ("masks", "layers/nerve"):
        masks(tmp_path / place, lambda path, mask: Image.fromarray(mask).save(path))
    assert converted("mask", tmp_path / "masks", tmp_path / "a", *GIVEN) == set()
    assert converted("layers", tmp_path / "layers", tmp_path / "b", *GIVEN) == set()


def test_two_labelme_files_leave_neither(tmp_path: Path) -> None:
    content = {"imagePath": "1_a.png", "imageHeight": HEIGHT, "imageWidth": WIDTH, "imageData": None}
    for ending, label in (("json", "nerve"), ("JSON", "muscle")):
        drawn = {"label": label, "points": [[5, 5], [20, 5], [20, 20]]}
        (tmp_path / f"1_a.{ending}").write_text(json.dumps(content | {"shapes": [drawn]}), encoding="utf-8")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("the disk takes them for one file")
    for form in ("mask", "layers", "coco", "yolo", "nifti", "instances"):
        out = tmp_path / "out" / (f"{form}.json" if form == "coco" else form)
        result = CliRunner().invoke(main, ["convert", f"labelme-to-{form}", str(tmp_path), str(out), *GIVEN])
        assert result.exit_code == 1
        assert result.output.count("would become the same file as") == 2
        assert not [p for p in out.rglob("*1_a*") if p.is_file()] and not out.is_file()
