"""COCO out and in, as pycocotools reads and writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from numpy.typing import NDArray
from pycocotools import mask as peer
from pycocotools.coco import COCO

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.coco import to_coco
from dmr.annotate.formats.coco_reading import from_coco
from dmr.annotate.formats.coco_rle import mask_to_rle, rle_to_mask
from dmr.annotate.formats.labelme import annotation_to_labelme, labelme_to_annotation, read_labelme
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.shapes import Annotation, Shape
from dmr.cli import main

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
NAMES = {1: "muscle", 2: "nerve"}


def box(x: float, y: float, side: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def drawn() -> Annotation:
    shapes = (
        Shape(1, box(2, 2, 20), group=1),
        Shape(1, box(6, 6, 5), hole=True, group=1),
        Shape(2, box(8, 30, 6)),
        Shape(2, box(30, 30, 4), group=7),
        Shape(2, box(36, 30, 4), group=7),
    )
    return Annotation(48, 64, shapes, frozenset({1, 2}))


def layers(annotation: Annotation) -> NDArray[np.bool_]:
    size = {"height": annotation.height, "width": annotation.width}
    return shapes_to_layers(annotation.shapes, class_ids=[1, 2], **size)


@given(MASKS)
def test_run_lengths_are_pycocotools_own(mask: NDArray[np.bool_]) -> None:
    theirs = peer.encode(np.asfortranarray(mask.view(np.uint8)))
    ours = mask_to_rle(mask)
    assert ours == {"size": list(theirs["size"]), "counts": theirs["counts"].decode("ascii")}
    np.testing.assert_array_equal(rle_to_mask(ours), mask)
    flat = mask.ravel(order="F").tolist()
    counts: list[int] = [0]
    for value in flat:
        if value != (len(counts) % 2 == 0):
            counts.append(0)
        counts[-1] += 1
    np.testing.assert_array_equal(rle_to_mask({"size": mask.shape, "counts": counts}), mask)


@pytest.mark.parametrize("rle", [False, True])
def test_what_goes_out_comes_back_to_the_pixel(rle: bool) -> None:
    data = json.loads(json.dumps(to_coco([("p1.png", drawn()), ("p2.png", drawn())], NAMES, rle=rle)))
    read = from_coco(data, where="file")
    images = read.images
    assert read.names == NAMES
    assert [i.name for i in images] == ["p1.png", "p2.png"]
    for image in images:
        np.testing.assert_array_equal(layers(image.annotation), layers(drawn()))
        assert image.notes == ()
    assert len(data["annotations"]) == 6, "an instance of two parts is one"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_our_file_and_finds_the_same_areas() -> None:
    coco = COCO()
    coco.dataset = to_coco([("p1.png", drawn())], NAMES, rle=True)
    coco.createIndex()
    found = {a["category_id"]: 0 for a in coco.loadAnns(coco.getAnnIds())}
    for annotation in coco.loadAnns(coco.getAnnIds()):
        mask = coco.annToMask(annotation)
        assert mask.sum() == annotation["area"]
        left, top, width, height = annotation["bbox"]
        assert mask[top : top + height, left : left + width].sum() == mask.sum()
        found[annotation["category_id"]] += int(mask.sum())
    assert found == {1: 400 - 25, 2: 36 + 16 + 16}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segmentation": [[1, 2, 3]]}, "an outline of 3 numbers"),
        ({"segmentation": []}, "no segmentation"),
        ({"segmentation": {"size": [48, 64], "counts": [1, 2]}}, "do not fill"),
        ({"segmentation": {"size": [4, 4], "counts": [16]}}, "another size"),
        ({"segmentation": {"size": [48, 64], "counts": "\u00e9"}}, "other characters"),
        ({"category_id": 9}, "category 9"),
    ],
    ids=["odd outline", "empty", "short", "size", "text", "category"],
)
def test_an_annotation_that_cannot_be_used_is_named_and_the_rest_goes_on(change: dict[str, Any], words: str) -> None:
    data = to_coco([("p1.png", drawn())], NAMES)
    data["annotations"][1] |= change
    (image,) = from_coco(data, where="file").images
    assert words in image.notes[0]
    assert layers(image.annotation)[0].sum() == 375


@pytest.mark.parametrize("data", [[], {"images": 3}, {"images": [{}]}], ids=["list", "no", "annotations"])
def test_what_is_no_coco_is_refused(data: Any) -> None:
    with pytest.raises(BrokenInput):
        from_coco(data, where="file.json")


def test_the_commands_go_there_and_back_and_repeating_them_changes_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        data = annotation_to_labelme(drawn(), names=NAMES, image_path=f"{name}.png")
        (tmp_path / "in" / f"{name}.json").parent.mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.json").write_bytes(data)
    (tmp_path / "in" / "ward").mkdir()
    wrong = annotation_to_labelme(drawn(), names=NAMES, image_path="..\\elsewhere\\a.jpg")  # as in copied files
    (tmp_path / "in" / "ward" / "a.json").write_bytes(wrong)
    (tmp_path / "in" / "bad.json").write_text("{", encoding="utf-8")
    out, back = str(tmp_path / "coco.json"), str(tmp_path / "back")
    runner = CliRunner()
    first = runner.invoke(main, ["convert", "labelme-to-coco", str(tmp_path / "in"), out, "--rle"])
    assert first.exit_code == 1
    assert "bad.json" in first.output
    assert runner.invoke(main, ["convert", "coco-to-labelme", out, back]).exit_code == 0
    images = json.loads(Path(out).read_text(encoding="utf-8"))["images"]
    assert [i["file_name"] for i in images] == ["a.png", "b.png", "ward/a.jpg"]
    for name in ("a", "b", "ward/a"):
        file = read_labelme(Path(back) / f"{name}.json")
        ids = {"muscle": 1, "nerve": 2}
        again, _ = labelme_to_annotation(file, resolve=ids.get, height=48, width=64)
        np.testing.assert_array_equal(layers(again), layers(drawn()))
    repeated = runner.invoke(main, ["convert", "coco-to-labelme", out, back])
    assert "0 written, 0 replaced, 3 unchanged" in repeated.output


def test_an_image_whose_name_no_file_can_have_is_named_by_its_number(tmp_path: Path) -> None:
    data = to_coco([("a\0b.png", drawn()), ("\ud800.png", drawn()), ("p.png", drawn()), ("./p.jpg", drawn())], NAMES)
    (tmp_path / "coco.json").write_text(json.dumps(data), encoding="utf-8")
    result = CliRunner().invoke(main, ["convert", "coco-to-labelme", str(tmp_path / "coco.json"), str(tmp_path / "o")])
    assert result.exit_code == 1
    assert r"image 1: has the name 'a\x00b.png', with a character that cannot be printed. Rename" in result.output
    assert r"image 2: has the name '\ud800.png', with a character that cannot be printed. Rename" in result.output
    assert "image 4, './p.jpg': would become the same file as \"image 3, 'p.png'\". Give them" in result.output
    assert [p.name for p in (tmp_path / "o").iterdir()] == ["p.json"]


def test_a_path_in_a_coco_file_never_leads_out_of_the_target(tmp_path: Path) -> None:
    data = to_coco([("../../evil.png", drawn()), ("..\\..\\worse.png", drawn())], NAMES)
    (tmp_path / "coco.json").write_text(json.dumps(data), encoding="utf-8")
    target = tmp_path / "deep" / "deeper" / "out"
    result = CliRunner().invoke(main, ["convert", "coco-to-labelme", str(tmp_path / "coco.json"), str(target)])
    assert result.exit_code == 0, result.output
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.json")) == [
        "coco.json",
        "deep/deeper/out/evil.json",
        "deep/deeper/out/worse.json",
    ]


def test_a_labelme_file_in_the_way_of_a_data_set_is_not_replaced(tmp_path: Path) -> None:
    for name in ("a", "b"):
        data = annotation_to_labelme(drawn(), names={1: "one", 2: "two", 3: "three"}, image_path=f"{name}.png")
        (tmp_path / f"{name}.json").write_bytes(data)
    source, target = tmp_path / "a.json", tmp_path / "b.json"
    before = target.read_bytes()
    result = CliRunner().invoke(main, ["convert", "labelme-to-coco", str(source), str(target)])

    assert result.exit_code == 2
    assert "exists and is not a COCO data set" in result.output
    assert target.read_bytes() == before
