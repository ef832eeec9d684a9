"""Small inputs that went wrong in other people's hands, each through the command line with its right value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from labelme_json import labelme, shape
from PIL import Image

from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Workspace
from dmr.cli import main

HEIGHT, WIDTH = 40, 60
BOX = [[10, 10], [30, 10], [30, 20], [10, 20]]
INNER = [[15, 12], [25, 12], [25, 18], [15, 18]]
SCAN = np.random.default_rng(3).integers(30, 220, (HEIGHT, WIDTH), dtype=np.uint8)
NERVE, MUSCLE = 1, 2


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a workspace that takes what is not drawn for absent."""
    assert run("init", tmp_path / "ws", "--classes", "nerve,muscle", "--coverage", "all").exit_code == 0
    monkeypatch.chdir(tmp_path / "ws")
    return tmp_path


def mask(value: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[10:20, 10:30] = value
    return pixels


def write_picture(path: Path, pixels: np.ndarray[Any, Any] = SCAN) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_png(pixels))


def write_outlines(folder: Path, *shapes: Any, name: str = "1_a", image: bool = True, **more: Any) -> None:
    folder.mkdir(exist_ok=True)
    size = {"imageHeight": HEIGHT, "imageWidth": WIDTH} | more
    (folder / f"{name}.json").write_bytes(labelme(*shapes, imagePath=f"{name}.png", **size))
    if image:
        write_picture(folder / f"{name}.png")


def truths() -> list[Annotation]:
    with Workspace.find().catalogue() as catalogue:
        return [item.annotation for item in catalogue.labelled_frames()]


def area(annotation: Annotation, class_id: int = NERVE) -> int:
    own = [s for s in annotation.shapes if s.class_id == class_id]
    return int(polygons_to_mask(own, height=HEIGHT, width=WIDTH).sum())


def painted(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_white_mask_of_two_classes_is_refused_and_asserts_nothing(here: Path) -> None:
    write_picture(here / "im" / "1_a.png")
    write_picture(here / "ms" / "1_a.png", mask(255))
    for more in ((), ("--yes",)):
        result = run("import", "--images", here / "im", "--masks", here / "ms", *more)
        assert result.exit_code == 1, result.output
        assert truths() == []
        assert result.output.count("Error: ") == 1
    assert "255 is the white of a mask that shows one class" in result.output


def test_a_mask_beside_its_scan_is_the_mask_and_the_scan_is_the_frame(here: Path) -> None:
    write_picture(here / "d" / "1_a.png")
    write_picture(here / "d" / "1_a_mask.png", mask(NERVE))
    result = run("import", "--images", here / "d", "--masks", here / "d")

    assert result.exit_code == 0, result.output
    (truth,) = truths()
    assert (area(truth), set(truth.covered)) == (200, {NERVE, MUSCLE})
    (frame,) = Path("frames").glob("*.png")
    assert np.array_equal(painted(frame), SCAN)


def test_a_rectangle_of_four_corners_is_an_outline(here: Path) -> None:
    four = {"shape_type": "rectangle", "difficult": False, "attributes": {}}
    write_outlines(here / "in", shape(points=BOX, **four))
    assert run("import", here / "in").exit_code == 0
    assert run("convert", "labelme-to-mask", here / "in", here / "out", "--classes", "nerve").exit_code == 0

    (truth,) = truths()
    assert (area(truth), set(truth.covered)) == (200, {NERVE, MUSCLE})
    assert np.array_equal(painted(here / "out" / "1_a.png"), mask(1))


def test_a_rotation_and_a_quadrilateral_are_outlines_and_an_unknown_type_is_named(here: Path) -> None:
    diamond = shape(points=[[30, 15], [40, 5], [50, 15], [40, 25]], shape_type="rotation", direction=0.78)
    write_outlines(here / "in", diamond, shape(points=BOX, shape_type="quadrilateral"), image=False)
    convert = ("convert", "labelme-to-mask", here / "in", here / "out", "--classes", "nerve")
    result = run(*convert)

    assert result.exit_code == 0, result.output
    assert "no area" not in result.output
    there = painted(here / "out" / "1_a.png")
    assert (int((there[:, :30] > 0).sum()), int((there[:, 30:] > 0).sum())) == (200, 200)

    write_outlines(here / "in", shape(points=BOX, shape_type="superquadric"), image=False)
    result = run(*convert)
    assert result.exit_code == 1
    assert "is of the unknown type 'superquadric': left out" in result.output
    assert np.array_equal(painted(here / "out" / "1_a.png"), there), "the whole one stays"


def test_what_was_left_out_is_never_absent(here: Path) -> None:
    unknown, known = shape("Nerv", points=BOX), shape("muscle", points=INNER)
    write_outlines(here / "in", unknown)
    result = run("import", here / "in")
    assert (result.exit_code, truths()) == (1, [])
    assert "0 of 1 shapes" in result.output

    write_outlines(here / "in", unknown, known, known)
    assert run("import", here / "in").exit_code == 0
    (truth,) = truths()
    assert (area(truth), area(truth, MUSCLE), set(truth.covered)) == (0, 60, set())
    write_outlines(here / "in", shape(points=BOX, shape_type="circle"), known)
    assert run("import", here / "in").exit_code == 1
    (truth,) = truths()
    assert (area(truth), set(truth.covered)) == (0, {MUSCLE})


def coco(*segmentation: list[float], category: int = 1) -> bytes:
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": category, "segmentation": list(segmentation)}],
        "categories": [{"id": category, "name": "nerve"}],
    }
    return json.dumps(content).encode()


RING = [float(value) for point in BOX for value in point]


@pytest.mark.parametrize("category", [0, 1, 255, 70_000])
def test_a_category_of_any_id_is_its_name(here: Path, category: int) -> None:
    (here / "in.json").write_bytes(coco(RING, category=category))
    result = run("convert", "coco-to-labelme", here / "in.json", here / "out")

    assert (result.exit_code, "note" in result.output) == (0, False)
    written = json.loads((here / "out" / "a.json").read_text(encoding="utf-8"))
    assert [(s["label"], s["points"]) for s in written["shapes"]] == [("nerve", BOX)]


def test_one_bad_ring_is_noted_and_the_good_one_kept(here: Path) -> None:
    (here / "in.json").write_bytes(coco(RING, [3, 3, 3, 4]))
    result = run("convert", "coco-to-labelme", here / "in.json", here / "out")

    assert result.exit_code == 1
    assert result.output.count("an outline of 4 numbers (left out)") == 1
    written = json.loads((here / "out" / "a.json").read_text(encoding="utf-8"))
    assert [(s["label"], s["points"]) for s in written["shapes"]] == [("nerve", BOX)]
    assert written["dmr_lost"] == ["nerve"], "no import takes it for whole"


def test_a_size_that_is_swapped_is_refused_by_every_command(here: Path) -> None:
    write_outlines(here / "in", shape(points=BOX), imageHeight=WIDTH, imageWidth=HEIGHT)
    targets = {"mask": ("out", "--classes", "nerve"), "layers": ("lay",), "coco": ("c.json",)}
    commands: list[tuple[str | Path, ...]] = [
        ("convert", f"labelme-to-{k}", here / "in", here / v[0], *v[1:]) for k, v in targets.items()
    ]
    for command in (*commands, ("import", here / "in"), ("check", here / "in")):
        result = run(*command)
        assert result.exit_code == 1, command
        assert "40 x 60" in result.output and "60 x 40" in result.output, result.output
    assert truths() == []
    assert not any((here / name).exists() for name in ("out/1_a.png", "lay/nerve/1_a.png", "c.json"))


def test_two_spellings_are_one_category(here: Path) -> None:
    for name, label in (("1_a", "Nerve"), ("1_b", "nerve")):
        write_outlines(here / "in", shape(label, points=BOX), name=name, image=False)
    result = run("convert", "labelme-to-coco", here / "in", here / "c.json")

    assert result.exit_code == 0, result.output
    written = json.loads((here / "c.json").read_text(encoding="utf-8"))
    assert [c["name"] for c in written["categories"]] == ["Nerve"]
    assert [(a["category_id"], a["area"]) for a in written["annotations"]] == [(1, 200), (1, 200)]


def test_the_size_comes_from_the_image_and_a_good_data_set_is_not_replaced_by_an_empty_one(here: Path) -> None:
    write_outlines(here / "in", shape(points=BOX), imageHeight=None, imageWidth=None)
    convert = ("convert", "labelme-to-coco", here / "in", here / "c.json")
    assert run(*convert).exit_code == 0
    assert run("convert", "labelme-to-layers", here / "in", here / "lay").exit_code == 0
    good = (here / "c.json").read_bytes()
    assert [(i["height"], i["width"]) for i in json.loads(good)["images"]] == [(HEIGHT, WIDTH)]
    assert np.array_equal(painted(here / "lay" / "nerve" / "1_a.png") > 0, mask(1) > 0)

    (here / "in" / "1_a.png").unlink()
    result = run(*convert)
    assert result.exit_code == 1
    assert (here / "c.json").read_bytes() == good


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(shape(points=INNER, group_id=1, difficult=True), id="difficult"),
        pytest.param(shape("_background_", points=INNER), id="background"),
        pytest.param(shape(points=INNER, group_id=1, flags={"hole": True}), id="flag"),
    ],
)
def test_the_usual_ways_to_draw_a_hole_are_read_alike(here: Path, inner: dict[str, Any]) -> None:
    write_outlines(here / "in", shape(points=BOX, group_id=1), inner)
    result = run("convert", "labelme-to-mask", here / "in", here / "out", "--classes", "nerve")
    assert result.exit_code == 0, result.output
    assert int((painted(here / "out" / "1_a.png") > 0).sum()) == 140
    assert run("import", here / "in").exit_code == 0
    (truth,) = truths()
    assert (area(truth), set(truth.covered)) == (140, {NERVE, MUSCLE})
