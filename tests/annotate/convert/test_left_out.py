"""A file that may hold outlines and is not read is named, and the exit code is 1."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dmr.annotate.scans.images import encode_png
from dmr.cli import main

MASK = np.zeros((40, 60), np.uint8)
MASK[5:20, 5:20] = 1
PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)


def convert(form: str, source: Path, *more: str | Path) -> tuple[int, str]:
    arguments = [f"{form}-to-labelme", source, source.parent / "out", *more]
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    return result.exit_code, result.output


def instances(folder: Path) -> None:
    folder.mkdir(parents=True)
    Image.fromarray(MASK.astype(np.uint16)).save(folder / "1_a.png")
    table = {"instances": [{"number": 1, "class": "nerve"}]}
    (folder / "1_a.instances.json").write_text(json.dumps(table), encoding="utf-8")


def test_a_mask_without_its_table_and_a_table_without_its_mask_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    instances(folder)
    assert convert("instances", folder)[0] == 0
    (folder / "picture.png").write_bytes(encode_png(PICTURE))
    code, output = convert("instances", folder)
    assert code == 0 and "note: a picture among the masks (left out): 1 (picture.png)" in output
    Image.fromarray(MASK).save(folder / "2_a.png")
    Image.fromarray(MASK).save(folder / "4_a.tif")
    for name in ("3_a", "4_a"):
        (folder / f"{name}.instances.json").write_text('{"instances": []}', encoding="utf-8")
    code, output = convert("instances", folder)
    assert code == 1
    assert "2_a.png: has no table NAME.instances.json" in output
    assert "3_a.instances.json: is a table of instances, and its PNG is not there" in output
    assert "4_a.tif: is no PNG, and its table belongs to one" in output
    assert output.count("4_a") == 1


@pytest.mark.parametrize("form", ["mask", "layers"])
def test_a_jpeg_among_masks_is_told_and_one_beside_its_mask_is_an_image(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "in" / ("nerve" if form == "layers" else "")
    folder.mkdir(parents=True)
    for name in ("1_a", "2_a_mask"):
        (folder / f"{name}.png").write_bytes(encode_png(MASK))
    for name in ("1_a", "2_a"):
        Image.fromarray(PICTURE).save(folder / f"{name}.jpg")
    code, output = convert(form, tmp_path / "in")
    assert code == 0 and "note: a picture beside its mask (left out): 2" in output
    for k in range(20):
        Image.fromarray(MASK * 255).save(folder / f"9_{k}.jpg")
    code, output = convert(form, tmp_path / "in")
    assert code == 1
    assert output.count("is a JPEG, GIF or WebP file, and masks are read from PNG, BMP and TIFF") <= 6


@pytest.mark.parametrize("name", ["1_a.png", "1_a.bmp"])
def test_an_image_beside_a_coco_file_must_have_its_size(name: str, tmp_path: Path) -> None:
    image = {"id": 1, "file_name": "1_a.png", "height": 40, "width": 60}
    content = {"images": [image], "annotations": [], "categories": [{"id": 1, "name": "nerve"}]}
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "c.json"
    source.write_text(json.dumps(content), encoding="utf-8")
    Image.fromarray(PICTURE).save(source.parent / name)
    assert convert("coco", source)[0] == 0
    Image.fromarray(PICTURE[:30]).save(source.parent / name)
    code, output = convert("coco", source)
    assert code == 1
    assert "1_a: says 60 x 40 pixels, and its image has 60 x 30. Find the image that it was drawn on." in output


@pytest.mark.parametrize("form", ["coco", "nifti", "instances"])
def test_a_class_with_a_line_alone_is_there_and_not_complete(form: str, tmp_path: Path) -> None:
    shapes = [
        {"label": "muscle", "points": [[5, 5], [30, 5], [30, 30]], "shape_type": "polygon"},
        {"label": "nerve", "points": [[40, 10], [50, 10], [50, 20], [40, 10]], "shape_type": "linestrip"},
    ]
    (tmp_path / "in").mkdir()
    content = {"shapes": shapes, "imagePath": "1_a.png", "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "in" / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    target = tmp_path / "mid" / ("set.json" if form == "coco" else "set.nii.gz" if form == "nifti" else "")
    arguments = [f"labelme-to-{form}", tmp_path / "in", target, "--classes", "nerve,muscle"]
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    code, output = convert(form, target)
    assert code == 0, output
    (back,) = (target.parent / "out").glob("*.json")
    assert json.loads(back.read_text(encoding="utf-8"))["dmr_lost"] == ["nerve"]


@pytest.mark.parametrize("form", ["mask", "yolo"])
def test_a_mask_cannot_say_so_and_the_frame_is_not_written(form: str, tmp_path: Path) -> None:
    shapes = [{"label": "nerve", "points": [[40, 10]], "shape_type": "point"}]
    (tmp_path / "in").mkdir()
    content = {"shapes": shapes, "imagePath": "1_a.png", "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "in" / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    arguments = [f"labelme-to-{form}", tmp_path / "in", tmp_path / "out", "--classes", "nerve"]
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert result.exit_code == 1 and "nerve is not complete in it" in result.output
    assert not [*(tmp_path / "out").rglob("1_a.*")]
