"""A conversion replaces no Labelme file in which somebody typed anything, in whatever place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from dmr.annotate.scans.images import encode_png
from dmr.cli import main

EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a box of the image": lambda c: c["flags"].update(typed=False),
    "a box of a shape": lambda c: c["shapes"][0]["flags"].update(typed=False),
    "a box that is null": lambda c: c["shapes"][0]["flags"].update(typed=None),
    "a key that is 0": lambda c: c.update(score=0),
    "a key that is null": lambda c: c.update(score=None),
    "a key of a shape": lambda c: c["shapes"][0].update(score=False),
    "a description": lambda c: c["shapes"][0].update(description="typed"),
    "a description that is 0": lambda c: c["shapes"][0].update(description=0),
    "a key of dmr": lambda c: c.update(dmr_note="typed"),
    "a key of dmr in a shape": lambda c: c["shapes"][0].update(dmr_note="typed"),
    "what is complete": lambda c: c.update(dmr_covered=["muscle"]),
    "what is not": lambda c: c.update(dmr_lost=["muscle"]),
    "imagePath": lambda c: c.update(imagePath="../typed.png"),
    "imageData": lambda c: c.update(imageData="dHlwZWQ="),
    "imageHeight": lambda c: c.update(imageHeight=41),
    "version": lambda c: c.update(version="typed"),
    "mask": lambda c: c["shapes"][0].update(mask="typed"),
    "synthetic": lambda c: c.update(synthetic="typed"),
    "lineColor": lambda c: c.update(lineColor=[1, 2, 3]),
    "flags that are a list": lambda c: c.update(flags=["typed"]),
    "a type": lambda c: c["shapes"][0].update(shape_type="ai_polygon"),
    "the order": lambda c: c["shapes"].reverse(),
}


def convert(folder: Path, values: tuple[int, int]) -> tuple[int, str]:
    mask = np.zeros((40, 40), np.uint8)
    mask[5:9, 5:20], mask[20:25, 5:20] = values
    (folder / "masks").mkdir(exist_ok=True)
    (folder / "masks" / "a.png").write_bytes(encode_png(mask))
    arguments = [str(folder / "masks"), str(folder / "out"), "--classes", "nerve,muscle,artery"]
    result = CliRunner().invoke(main, ["convert", "mask-to-labelme", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_a_file_in_which_something_was_typed_is_named_and_stays(
    edit: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    convert(tmp_path, (1, 2))
    path = tmp_path / "out" / "a.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    before = path.read_bytes()
    code, output = convert(tmp_path, (1, 3))

    assert code == 1
    assert "edited by hand" in output
    assert path.read_bytes() == before


def test_a_file_that_was_only_saved_again_is_replaced(tmp_path: Path) -> None:
    convert(tmp_path, (1, 2))
    path = tmp_path / "out" / "a.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"version": "5.8.1"}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    code, output = convert(tmp_path, (1, 3))
    assert code == 0
    assert "1 replaced" in output
