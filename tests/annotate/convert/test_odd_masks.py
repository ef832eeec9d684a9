"""Masks as other programs write them: VOC's void border, EXIF that turns, a `mask` shape that does not fit its box."""

from __future__ import annotations

import base64
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from dmr.annotate.scans.images import encode_png
from dmr.cli import main

VOID = (224, 224, 192)


def convert(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def index_mask() -> NDArray[np.uint8]:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:20, 5:20], mask[25:35, 30:50], mask[4, 4:21] = 1, 2, 255
    return mask


def voc_palette(mask: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(mask, mode="P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, *([7] * (3 * 252)), *VOID])
    return image


def voc_colours(mask: NDArray[np.uint8]) -> Image.Image:
    colours = np.zeros((*mask.shape, 3), np.uint8)
    for value, colour in ((1, (128, 0, 0)), (2, (0, 128, 0)), (255, VOID)):
        colours[mask == value] = colour
    return Image.fromarray(colours)


@pytest.mark.parametrize("classes", [(), ("--classes", "nerve,muscle")], ids=["numbered", "named"])
@pytest.mark.parametrize("paint", [voc_palette, voc_colours], ids=["palette", "colours"])
def test_the_void_border_of_voc_is_no_class_and_is_told(paint: Any, classes: tuple[str, ...], tmp_path: Path) -> None:
    paint(index_mask()).save(tmp_path / "a.png")
    result = convert("mask-to-labelme", tmp_path / "a.png", tmp_path / "out", *classes)
    content = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))

    assert result.exit_code == 1, "which class the border belongs to, nobody can tell"
    assert "255 is the void border of Pascal VOC (left out; paint it as 0, or as a class)" in result.output
    assert len(content["shapes"]) == 2
    assert "class_255" not in json.dumps(content)
    assert content["dmr_lost"] is None


def test_a_grey_mask_may_have_a_class_255(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(index_mask()))
    assert convert("mask-to-labelme", tmp_path / "a.png", tmp_path / "out").exit_code == 0
    assert "class_255" in (tmp_path / "out" / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("orientation", [0, 1, 3, 6])
@pytest.mark.parametrize("direction", ["mask", "colours", "instances", "layers"])
def test_a_mask_that_its_exif_turns_is_refused(direction: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = tmp_path / "in"
    where = source / "nerve" if direction == "layers" else source
    where.mkdir(parents=True)
    mask = (index_mask() == 1).view(np.uint8)
    image = (
        voc_colours(mask) if direction == "colours" else Image.fromarray(mask * (255 if direction == "layers" else 1))
    )
    image.save(where / "a.png", exif=exif)
    if direction == "instances":
        table = {"instances": [{"number": 1, "class": "nerve"}]}
        (source / "a.instances.json").write_text(json.dumps(table), encoding="utf-8")
    result = convert(f"{direction.replace('colours', 'mask')}-to-labelme", source, tmp_path / "out")

    if orientation in (0, 1):
        assert result.exit_code == 0, result.output
    else:
        assert result.exit_code == 1
        assert "is turned by its EXIF orientation. Save the mask upright, without EXIF" in result.output
        assert not list((tmp_path / "out").rglob("*.json"))


def mask_shape(height: int, width: int, box: list[list[float]]) -> dict[str, Any]:
    out = io.BytesIO()
    Image.fromarray(np.full((height, width), 255, np.uint8)).save(out, format="PNG")
    text = base64.b64encode(out.getvalue()).decode()
    return {"label": "nerve", "shape_type": "mask", "points": box, "mask": text, "flags": {}}


@pytest.mark.parametrize(
    ("height", "width", "box", "code"),
    [
        (11, 21, [[5, 5], [25, 15]], 0),
        (10, 20, [[5, 5], [25, 15]], 0),
        (11, 21, [[5.0, 5.4], [25.2, 15.9]], 0),
        (40, 60, [[5, 5], [25, 15]], 1),
        (11, 15, [[5, 5], [25, 15]], 1),
        (11, 21, [[25, 15], [5, 5]], 1),
    ],
    ids=["as labelme", "its end behind it", "fractions", "of the whole image", "too narrow", "corners the wrong way"],
)
def test_pixels_that_do_not_fit_their_box_are_told(
    height: int, width: int, box: list[list[float]], code: int, tmp_path: Path
) -> None:
    content = {"shapes": [mask_shape(height, width, box)], "imagePath": "a.png", "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    result = convert("labelme-to-coco", tmp_path / "a.json", tmp_path / "out.json")
    assert result.exit_code == code, result.output
    assert ("not of the size of its box" in result.output) == (code == 1)


@pytest.mark.parametrize("mark", [True, 1, 1.0, 0, False, None, "yes"])
def test_difficult_may_be_a_number(mark: object, tmp_path: Path) -> None:
    outer = {"label": "nerve", "points": [[5, 5], [45, 5], [45, 35], [5, 35]], "group_id": 1, "flags": {}}
    inner = outer | {"points": [[15, 15], [25, 15], [25, 25], [15, 25]], "difficult": mark}
    content = {"shapes": [outer, inner], "imagePath": "a.png", "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    convert("labelme-to-mask", tmp_path / "a.json", tmp_path / "out", "--classes", "nerve")
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert (np.asarray(image)[20, 20] == 0) == (mark in (True, 1) and mark is not None)


def test_two_spellings_of_one_name_do_not_become_one_file(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "1_é.png") for form in ("NFC", "NFD")]
    images = [{"id": k, "file_name": name, "height": 40, "width": 60} for k, name in enumerate(names)]
    annotations = [
        {"id": k, "image_id": k, "category_id": 1, "segmentation": [[5, 5, 30, 5, 30, 30]]} for k in range(2)
    ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nerve"}]}
    (tmp_path / "set.json").write_text(json.dumps(content), encoding="utf-8")
    result = convert("coco-to-labelme", tmp_path / "set.json", tmp_path / "out")

    assert result.exit_code == 1
    assert "would become the same file" in result.output or "which another image has" in result.output
    assert len(list((tmp_path / "out").glob("*.json"))) == 1
