"""What a converter left out is not called absent by whoever imports the Labelme files that it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.convert.masks import mask_to_labelme
from dmr.annotate.convert.options import Options
from dmr.annotate.convert.to_labelme import files_to_labelme
from dmr.annotate.errors import DmrError
from dmr.annotate.formats.annotations import read_annotation
from dmr.annotate.scans.images import encode_png

HEIGHT, WIDTH = 40, 90
NAMES: Final = {1: "nerve", 2: "muscle", 3: "artery"}
CLASSES: Final = Classes([ClassDef(i, name) for i, name in NAMES.items()])
GIVEN: Final = tuple((name,) for name in NAMES.values())
ALL: Final = frozenset(NAMES)
LEFT: Final = {1: 5, 2: 35, 3: 65}  # the first column of each class's box

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 50) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
SPOILT = st.one_of(
    st.fixed_dictionaries({"category_id": st.integers(4, 300) | st.none() | st.text(max_size=3) | st.lists(JUNK)}),
    st.fixed_dictionaries({"segmentation": JUNK.filter(lambda value: not isinstance(value, list) or len(value) < 3)}),
    st.fixed_dictionaries({"segmentation": st.just([[1, 1, 2, 2]]) | st.just([[1, 1, 9, 1, 9]])}),
    st.fixed_dictionaries({"segmentation": st.just([[-9, -9, -5, -9, -5, -5]]) | st.just([["a"] * 6])}),
    st.fixed_dictionaries({"segmentation": st.just({"size": [HEIGHT, WIDTH], "counts": "!!"})}),
    st.fixed_dictionaries({"segmentation": st.just({"size": [2, 2], "counts": [0, 4]})}),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("converted")


def box(class_id: int) -> list[float]:
    x = float(LEFT[class_id])
    return [x, 5.0, x + 20, 5.0, x + 20, 30.0, x, 30.0]


def covered(path: Path) -> frozenset[int]:
    """What an import by the rule `all` says of a file; a frame without a file covers nothing."""
    return read_annotation(path, CLASSES, coverage="all").covered if path.is_file() else frozenset()


def converted_coco(folder: Path, entries: list[Any]) -> frozenset[int]:
    """What a frame of a COCO data set covers in the end."""
    source, out = folder / "coco.json", folder / "out" / "1_a.json"
    content = {
        "images": [{"id": 1, "file_name": "1_a.png", "height": HEIGHT, "width": WIDTH}],
        "annotations": entries,
        "categories": [{"id": i, "name": name} for i, name in NAMES.items()],
    }
    source.write_text(json.dumps(content), encoding="utf-8")
    out.unlink(missing_ok=True)
    try:
        files_to_labelme(Options(source, out.parent), form="coco")
    except DmrError:
        return frozenset()
    return covered(out)


def entry(class_id: int) -> dict[str, Any]:
    return {"id": class_id, "image_id": 1, "category_id": class_id, "segmentation": [box(class_id)], "iscrowd": 0}


def test_a_whole_data_set_covers_every_class(folder: Path) -> None:
    assert converted_coco(folder, [entry(1)]) == ALL


@settings(max_examples=150)
@given(class_id=st.sampled_from(sorted(ALL)), change=SPOILT, twice=st.booleans())
def test_a_spoilt_coco_annotation_takes_its_class_away(
    folder: Path, class_id: int, change: dict[str, Any], twice: bool
) -> None:
    entries = [entry(i) for i in NAMES if twice or i != class_id]
    entries.append(entry(class_id) | change | {"id": 9})
    lost = ALL if "category_id" in change else frozenset({class_id})
    assert converted_coco(folder, entries) & lost == frozenset()


@pytest.mark.parametrize("value", [4, 77, 254])
def test_a_value_of_a_mask_that_is_no_class_leaves_none_covered(value: int, tmp_path: Path) -> None:
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    for i, x in LEFT.items():
        index[5:30, x : x + 20] = i
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "1_a.png").write_bytes(encode_png(index))
    mask_to_labelme(Options(tmp_path / "masks", tmp_path / "whole", GIVEN))
    index[10:15, 40:44] = value
    (tmp_path / "masks" / "1_a.png").write_bytes(encode_png(index))
    mask_to_labelme(Options(tmp_path / "masks", tmp_path / "spoilt", GIVEN))

    assert covered(tmp_path / "whole" / "1_a.json") == ALL
    assert covered(tmp_path / "spoilt" / "1_a.json") == frozenset()


@pytest.mark.parametrize("spoilt", ["a picture of another size", "no picture"])
def test_a_spoilt_layer_leaves_its_class_uncovered(spoilt: str, tmp_path: Path) -> None:
    for i, x in LEFT.items():
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[5:30, x : x + 20] = 255
        path = tmp_path / "layers" / NAMES[i] / "1_a.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_png(mask))
    files_to_labelme(Options(tmp_path / "layers", tmp_path / "whole", GIVEN), form="layers")
    if spoilt == "no picture":
        path.write_bytes(b"not a picture")
    else:
        path.write_bytes(encode_png(mask[:9]))
    files_to_labelme(Options(tmp_path / "layers", tmp_path / "spoilt", GIVEN), form="layers")

    assert covered(tmp_path / "whole" / "1_a.json") == ALL
    assert 3 not in covered(tmp_path / "spoilt" / "1_a.json")
