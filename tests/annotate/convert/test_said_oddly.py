"""What a file says in an odd way takes coverage away or is refused; it is never read as if nothing had been said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.formats.lost import complete_classes
from dmr.cli import main

BOX = [[5, 5], [20, 5], [20, 20], [5, 20]]


def convert(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, words)])


@pytest.mark.parametrize("said", ["nerve", None, {"nerve": True}, 3])
def test_complete_classes_in_no_list_are_none(said: object) -> None:
    assert complete_classes({"dmr_covered": said}, lambda _: 1) == frozenset()
    assert complete_classes({}, lambda _: 1) is None


def test_a_data_set_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    image = {"id": 1, "file_name": "a.png", "width": 30, "height": 30}
    text = json.dumps({"images": [image], "categories": [{"id": 1, "name": "nerve"}], "annotations": []})
    (tmp_path / "c.json").write_text(text[:-1] + ', "annotations": []}', encoding="utf-8")
    result = convert("coco-to-labelme", tmp_path / "c.json", tmp_path / "out")
    assert result.exit_code == 1 and "a key stands twice" in result.output and not (tmp_path / "out").exists()


def test_a_coloured_mask_of_several_pages_is_refused(tmp_path: Path) -> None:
    page = Image.fromarray(np.full((30, 30, 3), (255, 0, 0), np.uint8))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page])
    result = convert("mask-to-labelme", tmp_path / "a.tif", tmp_path / "out", "--colors", "nerve=#ff0000")
    assert result.exit_code == 1 and "several pages" in result.output


def test_a_shape_that_cannot_be_read_is_told_whatever_its_label(tmp_path: Path) -> None:
    shapes = [{"label": "class_1", "points": BOX}, {"label": "muscle", "points": [[1, 1], None]}]
    content = {"shapes": shapes, "imagePath": "a.png", "imageHeight": 30, "imageWidth": 30}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    assert convert("labelme-to-mask", tmp_path / "a.json", tmp_path / "a.png").exit_code == 1
