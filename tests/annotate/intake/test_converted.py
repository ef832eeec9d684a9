"""Files that a conversion wrote, taken in: what was lost on the way is never called absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dmr.annotate.convert.options import Options
from dmr.annotate.convert.to_labelme import files_to_labelme
from dmr.annotate.intake.outside import labelme_frames
from dmr.annotate.report import Report

RING = [2, 2, 8, 2, 8, 7, 2, 7]
IDS = {"nerve": 1, "muscle": 2}


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, {1, 2}),
        ({"segmentation": [RING, [1, 1]]}, {2}),
        ({"segmentation": None}, {2}),
        ({"category_id": 9}, set()),
        ({"category_id": None}, set()),
        ({"image_id": None}, {2}),
    ],
    ids=["whole", "a bad ring", "no outline", "an unknown category", "no category", "no image"],
)
def test_what_a_data_set_lost_is_not_covered_even_where_all_is_said_to_be(
    tmp_path: Path, change: dict[str, Any], covered: set[int]
) -> None:
    entry = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [RING]}
    data = {
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 20}],
        "annotations": [entry | change],
        "categories": [{"id": k, "name": name} for name, k in IDS.items()],
    }
    (tmp_path / "c.json").write_text(json.dumps(data), encoding="utf-8")
    out = tmp_path / "out"
    files_to_labelme(Options(tmp_path / "c.json", out), form="coco")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(out / "a.png")
    (item,) = labelme_frames(
        [out], resolve=IDS.get, all_classes=frozenset({1, 2}), coverage="all", report=Report("import")
    )
    assert item.annotation.covered == covered
