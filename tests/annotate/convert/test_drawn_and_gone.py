"""What stands in a file of another format and cannot be told or seen is never called absent after a conversion."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
CLASSES: Final = Classes([ClassDef(1, "nerve"), ClassDef(2, "muscle")])
RING: Final = [10, 5, 30, 5, 30, 30, 10, 30]
SLIVER: Final = [10, 9.6, 50, 9.6, 50, 9.7, 10, 9.7]


def convert(form: str, source: Path, out: Path, *more: str) -> tuple[int, str]:
    arguments = ["convert", f"{form}-to-labelme", str(source), str(out), *more]
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def covered(out: Path, name: str = "1_a") -> frozenset[int]:
    path = out / f"{name}.json"
    return read_annotation(path, CLASSES, coverage="all").covered if path.is_file() else frozenset()


def coco(folder: Path, *annotations: dict[str, Any]) -> Path:
    content = {
        "images": [{"id": 1, "file_name": "1_a.png", "height": HEIGHT, "width": WIDTH}],
        "annotations": [{"id": k, "image_id": 1, **one} for k, one in enumerate(annotations, 1)],
        "categories": [{"id": 1, "name": "nerve"}, {"id": 2, "name": "muscle"}],
    }
    (folder / "coco.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "coco.json"


def yolo(folder: Path, text: str, names: str = "[nerve, muscle]") -> Path:
    for place in ("images", "labels"):
        (folder / "y" / place).mkdir(parents=True)
    (folder / "y" / "images" / "1_a.png").write_bytes(encode_png(np.full((HEIGHT, WIDTH), 9, np.uint8)))
    (folder / "y" / "data.yaml").write_text(f"names: {names}\n", encoding="utf-8")
    (folder / "y" / "labels" / "1_a.txt").write_text(text, encoding="utf-8")
    return folder / "y"


def line(number: int, ring: Sequence[float]) -> str:
    parts = [value / (HEIGHT if k % 2 else WIDTH) for k, value in enumerate(ring)]
    return f"{number} {' '.join(map(str, parts))}\n"


def instances(folder: Path, rows: list[Any]) -> Path:
    numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
    numbers[5:20, 5:20], numbers[22:30, 5:20] = 1, 2
    (folder / "i").mkdir()
    Image.fromarray(numbers).save(folder / "i" / "1_a.png")
    (folder / "i" / "1_a.instances.json").write_text(json.dumps({"instances": rows}), encoding="utf-8")
    return folder / "i"


def row(number: Any, label: str) -> dict[str, Any]:
    return {"number": number, "class": label}


@pytest.mark.parametrize(
    ("form", "make", "whole"),
    [
        ("coco", lambda d: coco(d, {"category_id": 2, "segmentation": [RING]}, sliver(1)), {2}),
        ("coco", lambda d: coco(d, {"category_id": 1, "segmentation": [[200, 200, 300, 200, 300, 300]]}), {2}),
        ("coco", lambda d: coco(d, {"category_id": 1, "segmentation": [RING], "image_id": 77}), {2}),
        ("yolo", lambda d: yolo(d, line(1, RING) + line(0, SLIVER)), {2}),
        ("yolo", lambda d: yolo(d, line(1, RING) + line(0, RING), "['', muscle]"), set()),
        ("instances", lambda d: instances(d, [row(1, "muscle"), row(2, "")]), set()),
        ("instances", lambda d: instances(d, [row(1, "muscle"), row(True, "nerve")]), set()),
        ("instances", lambda d: instances(d, [row(1, "muscle"), row(2, "muscle"), row(3, "nerve")]), {2}),
    ],
    ids=[
        "a sliver in COCO",
        "outside in COCO",
        "on another image",
        "a sliver in YOLO",
        "no name",
        "no class",
        "no number",
        "no pixel",
    ],
)
def test_what_was_drawn_and_is_gone_is_not_covered_and_told(
    tmp_path: Path, form: str, make: Callable[[Path], Path], whole: set[int]
) -> None:
    code, output = convert(form, make(tmp_path), tmp_path / "out")

    assert covered(tmp_path / "out") == whole
    assert code == 1 or "note: " in output


def sliver(category: int) -> dict[str, Any]:
    return {"category_id": category, "segmentation": [SLIVER]}


def test_a_text_of_yolo_with_a_byte_order_mark_keeps_its_first_line(tmp_path: Path) -> None:
    source = yolo(tmp_path, "\ufeff" + line(0, RING))

    assert convert("yolo", source, tmp_path / "out")[0] == 0
    assert covered(tmp_path / "out") == {1, 2}


@pytest.mark.parametrize("rows", [[{"name": "1_a"}], [{"name": "1_a"}, ["x"]], None], ids=["few", "no object", "none"])
def test_a_volume_whose_list_is_not_of_its_slices_is_refused(tmp_path: Path, rows: Any) -> None:
    nibabel = pytest.importorskip("nibabel")
    volume = np.zeros((WIDTH, HEIGHT, 2), np.uint8)
    volume[5:20, 5:20] = 1
    for name in ("a", "b"):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / f"{name}.nii.gz")
    table = {"dmr_frames": [{"name": "1_a"}, {"name": "2_a"}], "classes": {"1": "nerve", "2": "muscle"}}
    (tmp_path / "a.frames.json").write_text(json.dumps(table), encoding="utf-8")
    if rows is not None:
        (tmp_path / "b.frames.json").write_text(json.dumps(table | {"dmr_frames": rows}), encoding="utf-8")
    code, output = convert("nifti", tmp_path, tmp_path / "out")

    assert (code, output.count("Error: b.nii.gz: ")) == (1, 1)
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.json")) == ["1_a", "2_a"]


def test_named_colours_count_in_a_palette_and_white_is_a_colour(tmp_path: Path) -> None:
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    index[5:20, 5:20], index[22:30, 5:20] = 1, 2
    picture = Image.fromarray(index)
    picture.putpalette([0, 0, 0, 0, 255, 0, 255, 0, 0] + [0] * 759)
    (tmp_path / "m").mkdir()
    picture.save(tmp_path / "m" / "1_a.png")
    (tmp_path / "m" / "2_a.png").write_bytes(encode_png(np.where(index == 1, 255, 0).astype(np.uint8)))
    colors = "nerve=#ff0000,muscle=#00ff00,artery=#ffffff"

    assert convert("mask", tmp_path / "m", tmp_path / "out", "--colors", colors)[0] == 0
    tops = {}
    for name in ("1_a", "2_a"):
        for shape in json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))["shapes"]:
            tops[name, shape["label"]] = min(y for _, y in shape["points"])
    assert tops == {("1_a", "muscle"): 5.0, ("1_a", "nerve"): 22.0, ("2_a", "artery"): 5.0}


@pytest.mark.parametrize("form", ["yolo", "instances"])
def test_labels_that_classes_leaves_out_are_told(tmp_path: Path, form: str) -> None:
    rows = [row(1, "nerve"), row(2, "muscle")]
    source = yolo(tmp_path, line(0, RING)) if form == "yolo" else instances(tmp_path, rows)

    assert (
        "note: label 'muscle' is no class (left out)" in convert(form, source, tmp_path / "o", "--classes", "nerve")[1]
    )
