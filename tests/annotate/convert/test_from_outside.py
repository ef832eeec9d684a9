"""Files as other programs write them, through every direction of `dmr convert`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.formats.labelme import labelme_to_drawing, read_labelme
from dmr.cli import main

BOX = [[10, 10], [30, 10], [30, 20], [10, 20]]
NO_SIZE = {"imageHeight": None, "imageWidth": None}


def dmr(direction: str, *arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["convert", direction, *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def shape(label: object = "nerve", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": BOX, "group_id": None, "shape_type": "polygon", "flags": {}, **more}


def labelme(path: Path, *shapes: object, **more: Any) -> Path:
    content = {"version": "5.4.1", "shapes": shapes, "imagePath": f"{path.stem}.png", "imageData": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    size = {"imageHeight": 40, "imageWidth": 60}
    path.write_text(json.dumps(content | size | more), encoding="utf-8")
    return path


def picture(path: Path, width: int = 60, height: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width), np.uint8)).save(path)


def coco(path: Path, *annotations: object, **more: Any) -> Path:
    images = [{"id": 1, "file_name": "a.png", "height": 20, "width": 20}]
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nerve"}], **more}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def drawn(*rings: object, category: object = 1, image: object = 1) -> dict[str, Any]:
    return {"id": 5, "image_id": image, "category_id": category, "segmentation": list(rings)}


RING = [2, 2, 8, 2, 8, 7, 2, 7]


def labels(path: Path) -> list[str]:
    return [s.label for s in read_labelme(path).shapes]


@pytest.mark.parametrize("number", [0, 255, 90_000, "7"])
def test_a_category_may_have_any_id(tmp_path: Path, number: object) -> None:
    source = coco(tmp_path / "c.json", drawn(RING, category=number), categories=[{"id": number, "name": "nerve"}])
    assert "left out" not in dmr("coco-to-labelme", source, tmp_path / "out").output
    assert labels(tmp_path / "out" / "a.json") == ["nerve"]


def test_a_bad_ring_is_named_and_the_good_one_kept_and_the_class_is_never_called_absent(tmp_path: Path) -> None:
    source = coco(tmp_path / "c.json", drawn(RING, [3, 3, 3, 4]))
    output = dmr("coco-to-labelme", source, tmp_path / "o", code=1).output
    assert "annotation 5 has an outline of 4 numbers (left out)" in output
    assert "Error: a: something of nerve was left out; the notes say what. Mend it and convert again" in output
    file = read_labelme(tmp_path / "o" / "a.json")
    assert [s.points for s in file.shapes] == [((2, 2), (8, 2), (8, 7), (2, 7))]
    drawing = labelme_to_drawing(file, resolve={"nerve": 1, "muscle": 2}.get, height=20, width=20)
    assert drawing.covered((1, 2)) == {2}


def test_an_id_that_comes_twice_is_named_and_the_first_stays(tmp_path: Path) -> None:
    image = {"id": 1, "file_name": "a.png", "height": 20, "width": 20}
    classes = [{"id": 1, "name": "nerve"}, {"id": 1, "name": "muscle"}]
    source = coco(tmp_path / "c.json", drawn(RING), images=[image, image | {"file_name": "b.png"}], categories=classes)
    output = dmr("coco-to-labelme", source, tmp_path / "o", code=1).output
    assert "image id 1 comes twice" in output
    assert "category id 1 comes twice, as 'nerve' and as 'muscle'" in output
    assert [p.name for p in (tmp_path / "o").iterdir()] == ["a.json"]
    assert labels(tmp_path / "o" / "a.json") == ["nerve"]
    assert read_labelme(tmp_path / "o" / "a.json").extra["dmr_lost"] is None


def test_names_with_dots_keep_their_ends(tmp_path: Path) -> None:
    names = ["1.2.840.1", "1.2.840.2", "p.1.png", "x" * 300 + ".png"]
    images = [{"id": k, "file_name": name, "height": 20, "width": 20} for k, name in enumerate(names, 1)]
    output = dmr(
        "coco-to-labelme", coco(tmp_path / "c.json", drawn(RING), images=images), tmp_path / "o", code=1
    ).output
    assert "image 4: has a name of 304 bytes, which no file can have" in output
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["1.2.840.1.json", "1.2.840.2.json", "p.1.json"]
    dmr("labelme-to-coco", tmp_path / "o", tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["images"]
    assert [i["file_name"] for i in again] == ["1.2.840.1.png", "1.2.840.2.png", "p.1.png"]


@pytest.mark.parametrize("direction", ["labelme-to-mask", "labelme-to-layers", "labelme-to-coco"])
def test_a_size_that_is_not_the_images_is_refused_by_all(tmp_path: Path, direction: str) -> None:
    labelme(tmp_path / "in" / "1_a.json", shape(), imageHeight=60, imageWidth=40)
    picture(tmp_path / "in" / "1_a.png")
    target = tmp_path / ("c.json" if direction.endswith("coco") else "out")
    output = dmr(direction, tmp_path / "in", target, "--classes", "nerve", code=1).output
    assert "1_a.json: says 40 x 60 pixels, and its image has 60 x 40. Find the image that it was drawn on." in output
    assert not target.exists()
    checked = CliRunner().invoke(main, ["check", str(tmp_path / "in")]).output
    assert "says 40 x 60 pixels, and its image has 60 x 40. Find the image that it was drawn on." in checked


@pytest.mark.parametrize("direction", ["labelme-to-mask", "labelme-to-layers", "labelme-to-coco"])
def test_the_size_comes_from_the_image_beside_and_nothing_asks_for_too_much(tmp_path: Path, direction: str) -> None:
    labelme(tmp_path / "in" / "1_a.json", shape(), **NO_SIZE)
    labelme(tmp_path / "in" / "big.json", shape(), imageHeight=999_999, imageWidth=999_999)
    picture(tmp_path / "in" / "1_a.png")
    target = tmp_path / ("c.json" if direction.endswith("coco") else "out")
    output = dmr(direction, tmp_path / "in", target, "--classes", "nerve", code=1).output
    assert "big.json: says 999999 x 999999 pixels, more than 40 million" in output
    if direction.endswith("coco"):
        (image,) = json.loads(target.read_text(encoding="utf-8"))["images"]
        assert (image["height"], image["width"]) == (40, 60)
    else:
        (mask,) = target.rglob("*.png")
        assert np.count_nonzero(np.asarray(Image.open(mask))) == 200


def test_two_spellings_are_one_category_and_an_empty_label_is_named_by_all(tmp_path: Path) -> None:
    for name, label in (("a", "Nerve"), ("b", " nerve"), ("c", "né"), ("d", "ne\u0301"), ("e", "")):
        labelme(tmp_path / "in" / f"{name}.json", shape(label))
    for direction, target in (("labelme-to-coco", "c.json"), ("labelme-to-layers", "layers")):
        output = dmr(direction, tmp_path / "in", tmp_path / target, code=1).output
        assert "note: label '' is no class (left out): 1 (e.json)" in output
        assert "Error: e.json: something of a class that nobody can tell was left out" in output
    content = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert [c["name"] for c in content["categories"]] == ["Nerve", "né"] or len(content["categories"]) == 2
    assert [a["category_id"] for a in content["annotations"]] == [1, 1, 2, 2]
    assert [i["file_name"] for i in content["images"] if "dmr_lost" in i] == ["e.png"]
    assert len(list((tmp_path / "layers").iterdir())) == 2


def test_no_data_set_is_replaced_by_one_of_a_run_that_failed(tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    labelme(tmp_path / "in" / "a.json", shape())
    labelme(tmp_path / "in" / "b.json", shape())
    dmr("labelme-to-coco", tmp_path / "in", out)
    good = out.read_bytes()
    labelme(tmp_path / "in" / "a.json", shape("muscle"))
    (tmp_path / "in" / "b.json").write_text("{", encoding="utf-8")
    output = dmr("labelme-to-coco", tmp_path / "in", out, code=1).output
    assert "holds 1 frame that could not be converted now: it was left as it is" in output
    assert out.read_bytes() == good
    (tmp_path / "in" / "a.json").unlink()
    assert "error" in dmr("labelme-to-coco", tmp_path / "in", out, code=2).output.lower()
    assert out.read_bytes() == good


def test_a_mask_that_lacks_something_is_named_and_never_replaces_a_whole_one(tmp_path: Path) -> None:
    source = labelme(tmp_path / "in" / "a.json", shape(), shape("muscle"))
    dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", "--classes", "nerve")
    whole = (tmp_path / "out" / "a.png").read_bytes()
    labelme(source, shape("nerve", shape_type="helix"), shape("muscle", shape_type="helix"))
    output = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", "--classes", "nerve", code=1).output
    assert "is of the unknown type 'helix'" in output
    why = "a.json: something of nerve was left out; the notes say what; a mask would show it as absent: a.png was not"
    assert why in output
    assert (tmp_path / "out" / "a.png").read_bytes() == whole
    fresh = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "new", "--classes", "nerve", code=1).output
    assert "0 written, 0 replaced, 0 unchanged, 1 failed" in fresh
    assert not (tmp_path / "new").exists()
    dmr("labelme-to-layers", tmp_path / "in", tmp_path / "layers", "--classes", "nerve", code=1)
    assert not (tmp_path / "layers").exists(), "an empty mask would say that there is no nerve"
    all_the_same = ("--classes", "nerve", "--incomplete")
    output = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "new", *all_the_same, code=1).output
    assert (
        "a.json: something of nerve was left out; the notes say what. Mend it and convert again: a.png lacks" in output
    )
    assert "1 written" in output
    again = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", *all_the_same, code=1).output
    assert "something of nerve was left out; the notes say what; a.png was left as it is" in again
    assert (tmp_path / "out" / "a.png").read_bytes() == whole


def test_points_and_lines_and_other_classes_take_nothing_away(tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "a.json", shape(), shape(shape_type="linestrip"), shape("other", shape_type="helix"))
    output = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", "--classes", "nerve").output
    assert "is of the type linestrip, which has no area" in output


def test_black_and_white_with_one_class_is_that_class(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[3:9, 3:9] = 255
    Image.fromarray(mask).save(tmp_path / "a.png")
    output = dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "out", "--classes", "nerve").output
    assert output.count("white (255) in a mask is the one class") == 1
    assert labels(tmp_path / "out" / "a.json") == ["nerve"]
    assert (
        "black and white"
        in dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "o", "--classes", "a,b", code=1).output
    )


def test_values_that_are_no_class_are_never_called_absent(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[3:9, 3:9], mask[12:15, 12:15] = 1, 7
    Image.fromarray(mask).save(tmp_path / "a.png")
    dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "out", "--classes", "nerve,muscle", code=1)
    assert read_labelme(tmp_path / "out" / "a.json").extra["dmr_lost"] is None


def test_colours_are_classes_where_they_are_named_or_vocs(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[3:9, 3:9], pixels[12:18, 3:9] = (255, 0, 0), (0, 255, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "out", "--colors", "nerve=#ff0000,muscle=#00ff00")
    assert labels(tmp_path / "out" / "a.json") == ["nerve", "muscle"]
    for more in ((), ("--colors", "nerve=#ff0000")):
        output = dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "o", *more, code=1).output
        assert "#00ff00" in output and "--colors nerve=#ff0000,muscle=#00ff00" in output
    pixels[3:9, 3:9], pixels[12:18, 3:9] = (128, 0, 0), (0, 128, 0)
    Image.fromarray(pixels).save(tmp_path / "voc.png")
    output = dmr("mask-to-labelme", tmp_path / "voc.png", tmp_path / "out", "--classes", "nerve,muscle").output
    assert "colours of Pascal VOC" in output
    assert labels(tmp_path / "out" / "voc.json") == ["nerve", "muscle"]
    wrong = dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "o", "--colors", "nerve=red", code=2).output
    assert "'nerve=red' is no name and colour" in wrong


@pytest.mark.parametrize("more", [(), ("--colors", "nerve=#ff0000")], ids=["vocs", "named"])
def test_a_coloured_picture_is_called_a_picture(tmp_path: Path, more: tuple[str, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    output = dmr("mask-to-labelme", tmp_path / "a.png", tmp_path / "out", *more, code=1).output
    assert "a.png: has 400 different colours: a picture and no mask. Give the folder of masks" in output


def test_an_image_is_found_by_a_name_whose_accents_are_written_otherwise(tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "ne\u0301.json", shape(), **NO_SIZE, imagePath="elsewhere/n\u00e9.png")
    picture(tmp_path / "pictures" / "n\u00e9.png")
    dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", "--classes", "nerve", "--images", tmp_path / "pictures")


def test_a_file_is_never_its_own_image(tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "a.json", shape(), **NO_SIZE, imagePath="a.json")
    output = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "out", "--classes", "nerve", code=1).output
    assert "a.json: says no size, and its image is not there" in output


def test_a_label_or_a_name_that_no_file_can_have_fails_alone(tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "a.json", shape("n" * 300))
    labelme(tmp_path / "in" / "b.json", shape())
    labelme(tmp_path / "in" / f"{'c' * 245}.json", shape())
    output = dmr("labelme-to-layers", tmp_path / "in", tmp_path / "out", code=1).output
    assert "a.json: has a name of 300 bytes, which no file can have. Shorten the name." in output
    assert "2 written, 0 replaced, 0 unchanged, 1 failed" in output
    output = dmr("labelme-to-instances", tmp_path / "in", tmp_path / "i", "--classes", "nerve", code=1).output
    assert f"{'c' * 245}.json: has a name of 260 bytes, which no file can have" in output
    assert (tmp_path / "i" / "b.png").is_file()


@pytest.mark.parametrize(
    "size",
    [(None, None), (20.5, "x"), ("", 24), ([20], {}), (0, -3), (float("nan"), 24), (None, "24")],
    ids=["null", "no number", "one is text", "lists", "none", "NaN", "half"],
)
def test_a_coco_size_that_is_no_number_is_that_of_the_image_beside(tmp_path: Path, size: tuple[object, object]) -> None:
    images = [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}]
    source = coco(tmp_path / "c.json", drawn(RING), images=images)
    output = dmr("coco-to-labelme", source, tmp_path / "o", code=1).output
    assert "has no height and width that are whole numbers, and the image is not there. Put it beside" in output
    picture(tmp_path / "a.png", width=24, height=20)
    dmr("coco-to-labelme", source, tmp_path / "o")
    file = read_labelme(tmp_path / "o" / "a.json")
    assert (file.height, file.width, len(file.shapes)) == (20, 24, 1)


@pytest.mark.parametrize("size", [("20", "24"), (20.0, 24.0)], ids=["text", "float"])
def test_a_coco_size_of_another_kind_of_number_is_read(tmp_path: Path, size: tuple[object, object]) -> None:
    images = [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}]
    dmr("coco-to-labelme", coco(tmp_path / "c.json", drawn(RING), images=images), tmp_path / "o")
    file = read_labelme(tmp_path / "o" / "a.json")
    assert (file.height, file.width) == (20, 24)


def test_a_coco_size_that_is_only_half_said_and_not_the_images_is_refused(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.png", "height": 30, "width": None}]
    picture(tmp_path / "a.png", width=24, height=20)
    source = coco(tmp_path / "c.json", drawn(RING), images=images)
    output = dmr("coco-to-labelme", source, tmp_path / "o", code=1).output
    assert "a.png: says 24 x 30 pixels, and its image has 24 x 20. Find the image" in output
