"""What dmr did not write, or what somebody added to, is replaced by no conversion."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dmr.cli import main

RING = [[5, 5], [30, 5], [30, 30]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    draw(tmp_path / "source", ["nerve", "muscle"])
    return tmp_path / "source"


def draw(folder: Path, labels: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    shapes = [
        {"label": label, "points": [[x, y + 15 * k] for x, y in RING], "shape_type": "polygon", "flags": {}}
        for k, label in enumerate(labels)
    ]
    content = {"shapes": shapes, "imagePath": "1_a.png", "imageHeight": 60, "imageWidth": 60}
    (folder / "1_a.json").write_text(json.dumps(content), encoding="utf-8")


def dmr(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def instance_png() -> bytes:
    out = io.BytesIO()
    numbers = np.zeros((60, 60), np.uint16)
    numbers[5:20, 5:20] = 1
    Image.fromarray(numbers).save(out, format="PNG")
    return out.getvalue()


DATA_SET: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "1_a.png", "height": 60, "width": 60}],
    "annotations": [],
    "categories": [{"id": 1, "name": "nerve"}],
}
FOREIGN: dict[str, tuple[str, str, dict[str, bytes]]] = {
    "YOLO's data.yaml": ("yolo", "", {"data.yaml": b"names: [muscle, nerve]\n", "labels/1_a.txt": b"0 0 0 1 0 1 1\n"}),
    "YOLO's classes.txt": ("yolo", "", {"classes.txt": b"muscle\nnerve\n", "labels/1_a.txt": b"0 0 0 1 0 1 1\n"}),
    "YOLO's list beside the texts": (
        "yolo",
        "",
        {"labels/classes.txt": b"muscle\nnerve\n", "labels/1_a.txt": b"0 0 0 1 0 1 1\n"},
    ),
    "YOLO's texts without names": ("yolo", "", {"labels/1_a.txt": b"0 0 0 1 0 1 1\n"}),
    "COCO with licences, as of CVAT": (
        "coco",
        "set.json",
        {"set.json": json.dumps(DATA_SET | {"licenses": [], "info": {}}).encode()},
    ),
    "COCO with an attribute": (
        "coco",
        "set.json",
        {"set.json": json.dumps(DATA_SET | {"images": [{"id": 1, "file_name": "1_a.png", "ward": "3"}]}).encode()},
    ),
    "COCO with our keys alone": ("coco", "set.json", {"set.json": json.dumps(DATA_SET, indent=2).encode()}),
    "instances": (
        "instances",
        "",
        {"1_a.png": instance_png(), "1_a.instances.json": b'{"instances": [{"number": 1, "class": "bone"}]}'},
    ),
    "a picture of instances alone": ("instances", "", {"1_a.png": instance_png()}),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_files_of_other_programs_stay(kind: str, tmp_path: Path, source: Path) -> None:
    form, name, files = FOREIGN[kind]
    target = tmp_path / "out"
    for place, data in files.items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        (target / place).write_bytes(data)
    result = CliRunner().invoke(main, ["convert", f"labelme-to-{form}", str(source), str(target / name)])

    assert result.exit_code in (1, 2)
    assert "dmr" in result.output
    after = contents(target)
    assert {place: after[target / place] for place in files} == files
    if result.exit_code == 2:
        assert len(after) == len(files), "nothing was written beside them"


TYPED: dict[str, tuple[str, str, str]] = {
    "a data set": ("coco", "set.json", "set.json"),
    "a table of instances": ("instances", "", "1_a.instances.json"),
    "a list of frames": ("nifti", "", "labels.frames.json"),
}


@pytest.mark.parametrize("kind", TYPED)
def test_our_own_file_with_a_typed_key_stays_and_without_is_replaced(kind: str, tmp_path: Path, source: Path) -> None:
    form, name, place = TYPED[kind]
    if form == "nifti":
        pytest.importorskip("nibabel")
    target = tmp_path / "out"
    target.mkdir()
    command = (f"labelme-to-{form}", source, target / name, "--classes", "nerve,muscle,bone")
    dmr(*command)
    draw(source, ["nerve", "bone"])
    assert "replaced" in dmr(*command)

    content = json.loads((target / place).read_text(encoding="utf-8"))
    (target / place).write_text(json.dumps(content | {"ward": 0}), encoding="utf-8")
    before = contents(target)
    draw(source, ["nerve", "muscle"])
    result = CliRunner().invoke(main, ["convert", *map(str, command)])
    assert result.exit_code in (1, 2)
    assert contents(target) == before
