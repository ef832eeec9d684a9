"""What lacks something never replaces what has it, in any direction; the files of one frame stay together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.scans.images import encode_png
from dmr.cli import main

HEIGHT, WIDTH = 40, 90
FORMS: Final = ("mask", "layers", "coco", "yolo", "nifti", "instances")
CLASSES: Final = ("--classes", "nerve,muscle")
BOX: Final = {"nerve": [[5, 5], [20, 5], [20, 30], [5, 30]], "muscle": [[40, 5], [60, 5], [60, 30], [40, 30]]}
LOSSES: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "says so": lambda file: file.update(dmr_lost=["nerve"]),
    "says what is complete": lambda file: (file.update(dmr_covered=["muscle"]), file["shapes"].pop(0)),
    "cannot be read": lambda file: file["shapes"][0].update(points=[[1, 1], None]),
    "without a label": lambda file: file["shapes"][0].update(label=None),
}


def dmr(direction: str, *arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["convert", direction, *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def shape(label: str) -> dict[str, Any]:
    return {"label": label, "points": BOX[label], "group_id": None, "shape_type": "polygon", "flags": {}}


def labelme(path: Path) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".png").write_bytes(encode_png(np.full((HEIGHT, WIDTH), 9, np.uint8)))
    content: dict[str, Any] = {"shapes": [shape("nerve"), shape("muscle")], "imagePath": f"{path.stem}.png"}
    content |= {"imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH}
    path.write_text(json.dumps(content), encoding="utf-8")
    return content


def there(form: str, folder: Path) -> Path:
    return folder / ("coco.json" if form == "coco" else form)


def files(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", FORMS)
def test_no_whole_file_of_any_format_is_replaced_by_one_that_lacks_something(
    form: str, loss: str, tmp_path: Path
) -> None:
    content = labelme(tmp_path / "in" / "1_a.json")
    arguments = (f"labelme-to-{form}", tmp_path / "in", there(form, tmp_path), *CLASSES)
    dmr(*arguments)
    whole = files(there(form, tmp_path))
    LOSSES[loss](content)
    content["shapes"][-1]["points"] = [[40, 5], [70, 5], [70, 30]]  # the other class is drawn anew
    (tmp_path / "in" / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    dmr(*arguments, code=1)
    assert files(there(form, tmp_path)) == whole


@pytest.mark.parametrize("form", ["mask", "layers", "yolo"])
def test_nor_is_it_where_incomplete_files_are_asked_for(form: str, tmp_path: Path) -> None:
    content = labelme(tmp_path / "in" / "1_a.json")
    arguments = (f"labelme-to-{form}", tmp_path / "in", there(form, tmp_path), *CLASSES)
    dmr(*arguments)
    whole = files(there(form, tmp_path))
    content["shapes"][0]["points"] = BOX["muscle"]
    (tmp_path / "in" / "1_a.json").write_text(json.dumps(content | {"dmr_lost": ["nerve"]}), encoding="utf-8")
    dmr(*arguments, "--incomplete", code=1)
    assert files(there(form, tmp_path)) == whole


@pytest.mark.parametrize("form", ["labelme-to-coco", "labelme-to-nifti"])
def test_a_frame_taken_out_of_the_folder_leaves_the_data_set(form: str, tmp_path: Path) -> None:
    for name in ("1_a", "2_a"):
        labelme(tmp_path / "in" / f"{name}.json")
    target = tmp_path / ("coco.json" if form.endswith("coco") else "labels.nii.gz")
    dmr(form, tmp_path / "in", target)
    (tmp_path / "in" / "2_a.json").unlink()
    assert "replaced" in dmr(form, tmp_path / "in", target).output
    assert "2_a" not in "".join(path.read_text("utf-8") for path in tmp_path.glob("*.json"))


def test_a_volume_without_its_list_counts_as_whole(tmp_path: Path) -> None:
    content = labelme(tmp_path / "in" / "1_a.json")
    dmr("labelme-to-nifti", tmp_path / "in", tmp_path / "v.nii.gz", *CLASSES)
    (tmp_path / "v.frames.json").unlink()
    whole = (tmp_path / "v.nii.gz").read_bytes()
    content |= {"dmr_lost": ["nerve"], "shapes": [shape("muscle")]}
    (tmp_path / "in" / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    dmr("labelme-to-nifti", tmp_path / "in", tmp_path / "v.nii.gz", *CLASSES, code=1)
    assert (tmp_path / "v.nii.gz").read_bytes() == whole


def spoil(form: str, place: Path) -> None:
    """Take nerve away in a way that the reader can tell."""
    if form == "mask":
        index = np.zeros((HEIGHT, WIDTH), np.uint8)
        index[5:30, 5:20], index[5:30, 40:60] = 7, 2
        (place / "1_a.png").write_bytes(encode_png(index))
    elif form == "layers":
        (place / "nerve" / "1_a.png").unlink()
    elif form == "coco":
        content = json.loads(place.read_text(encoding="utf-8"))
        content["images"][0]["dmr_lost"] = ["nerve"]
        content["annotations"].pop(0)
        place.write_text(json.dumps(content), encoding="utf-8")
    elif form == "yolo":
        path = place / "labels" / "1_a.txt"
        path.write_text("0 120 1 1 1 1 0\n" + path.read_text("ascii").splitlines()[1] + "\n", encoding="ascii")
    elif form == "nifti":
        path = place / "labels.frames.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["dmr_frames"][0]["dmr_lost"] = ["nerve"]
        path.write_text(json.dumps(content), encoding="utf-8")
    else:
        with Image.open(place / "1_a.png") as image:
            numbers = np.array(image)
        numbers[numbers == 1] = 0
        Image.fromarray(numbers).save(place / "1_a.png")


@pytest.mark.parametrize("form", FORMS)
def test_no_whole_labelme_file_is_replaced_by_one_that_lacks_something(form: str, tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "1_a.json")
    dmr(f"labelme-to-{form}", tmp_path / "in", there(form, tmp_path), *CLASSES)
    arguments = (f"{form}-to-labelme", there(form, tmp_path), tmp_path / "back", "--images", tmp_path / "in", *CLASSES)
    dmr(*arguments)
    whole = files(tmp_path / "back")
    spoil(form, there(form, tmp_path))
    assert "1_a.json was left as it is" in dmr(*arguments, code=1).output
    assert files(tmp_path / "back") == whole
    shutil.rmtree(tmp_path / "back")
    dmr(*arguments, code=0 if form in ("layers", "coco", "nifti", "instances") else 1)
    assert json.loads((tmp_path / "back" / "1_a.json").read_text(encoding="utf-8"))["dmr_lost"] in (["nerve"], None)
