"""Forty files that fail for one reason are one line, in every direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from dmr.annotate.formats.instance_mask import instance_png
from dmr.annotate.oddities import failure_lines
from dmr.annotate.scans.images import encode_png
from dmr.cli import main

MANY = 40
PICTURE = encode_png(np.zeros((40, 60), np.uint8))
GOOD: dict[str, Any] = {"label": "nerve", "points": [[5, 5], [30, 5], [30, 30]]}
NAMES = [f"{number} a b_é" for number in range(MANY)]


def labelme(folder: Path) -> None:
    for name in NAMES:
        shapes = [GOOD, GOOD | {"points": None}]
        content = {"shapes": shapes, "imagePath": f"{name}.png", "imageHeight": 40, "imageWidth": 60}
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def masks(folder: Path) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:20, 5:20], mask[25:30, 5:20] = 1, 9
    for name in NAMES:
        (folder / f"{name}.png").write_bytes(encode_png(mask))


def coco(folder: Path) -> None:
    images = [{"id": k, "file_name": f"{name}.png", "height": 40, "width": 60} for k, name in enumerate(NAMES)]
    rings = [[[5, 5, 30, 5, 30, 30]], [[5, 5]]]
    annotations = [
        {"id": 2 * k + j, "image_id": k, "category_id": 1, "segmentation": ring}
        for k in range(MANY)
        for j, ring in enumerate(rings)
    ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nerve"}]}
    (folder / "set.json").write_text(json.dumps(content), encoding="utf-8")


def yolo(folder: Path) -> None:
    (folder / "data.yaml").write_text("names: [nerve]\n", encoding="utf-8")
    for name in NAMES:
        (folder / f"{name}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n0 0.1 0.1\n", encoding="utf-8")
        (folder / f"{name}.png").write_bytes(PICTURE)


def instances(folder: Path) -> None:
    numbers = np.zeros((40, 60), np.uint16)
    numbers[5:20, 5:20], numbers[25:30, 5:20] = 1, 2
    for name in NAMES:
        (folder / f"{name}.png").write_bytes(instance_png(numbers))
        table = {"instances": [{"number": 1, "class": "nerve"}]}
        (folder / f"{name}.instances.json").write_text(json.dumps(table), encoding="utf-8")


DIRECTIONS = {
    "labelme-to-mask": labelme,
    "labelme-to-coco": labelme,
    "mask-to-labelme": masks,
    "coco-to-labelme": coco,
    "yolo-to-labelme": yolo,
    "instances-to-labelme": instances,
}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_forty_files_that_fail_alike_are_one_line(direction: str, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    DIRECTIONS[direction](source)
    target = tmp_path / ("out.json" if direction == "labelme-to-coco" else "out")
    given = source / "set.json" if direction == "coco-to-labelme" else source
    command = ["convert", direction, str(given), str(target)]
    if direction in ("labelme-to-mask", "mask-to-labelme"):
        command += ["--classes", "nerve"]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 1, result.output
    errors = [line for line in result.output.splitlines() if line.startswith("Error")]
    assert len(errors) == 1, result.output
    assert f": {MANY} (" in errors[0]
    assert len(result.output.splitlines()) <= 4, result.output


def test_files_that_stay_for_one_reason_are_one_line(tmp_path: Path) -> None:
    lines = [f"in/{name}.json: {name}.png was left as it is. Mend {name}.json." for name in NAMES]
    assert len(failure_lines(lines)) == 1
    assert failure_lines(lines[:2]) == lines[:2], "two are told as they are"
