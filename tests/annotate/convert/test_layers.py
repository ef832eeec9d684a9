"""A mask for each class: nothing is hidden, and there and back is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from dmr.annotate.formats.labelme import annotation_to_labelme, labelme_to_annotation, read_labelme
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.shapes import Annotation, Shape
from dmr.cli import main

PSOAS = ((2.0, 2.0), (40.5, 3.0), (38.0, 30.0), (4.0, 28.5))
PLEXUS = ((10.0, 10.0), (18.0, 11.0), (14.0, 17.0))
NAMES = {1: "psoas", 2: "plexus"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["convert", *arguments])


def drawn(folder: Path) -> Annotation:
    annotation = Annotation(36, 48, (Shape(1, PSOAS), Shape(2, PLEXUS)), frozenset({1, 2}))
    folder.mkdir(parents=True)
    (folder / "p1.json").write_bytes(annotation_to_labelme(annotation, names=NAMES, image_path="p1.png"))
    return annotation


def test_layers_overlap_and_come_back_to_the_pixel(tmp_path: Path) -> None:
    annotation = drawn(tmp_path / "in" / "ward")
    out, back = str(tmp_path / "layers"), str(tmp_path / "back")
    assert "2 written" in run("labelme-to-layers", str(tmp_path / "in"), out).output
    masks = [np.asarray(Image.open(tmp_path / "layers" / name / "ward" / "p1.png")) for name in ("psoas", "plexus")]
    true = shapes_to_layers(annotation.shapes, class_ids=[1, 2], height=36, width=48)
    np.testing.assert_array_equal(np.stack(masks), true * np.uint8(255))
    assert (true[0] & true[1]).any()

    assert "1 written" in run("layers-to-labelme", out, back).output
    file = read_labelme(tmp_path / "back" / "ward" / "p1.json")
    ids = {"psoas": 1, "plexus": 2}
    again, _ = labelme_to_annotation(file, resolve=ids.get, height=36, width=48)
    np.testing.assert_array_equal(shapes_to_layers(again.shapes, class_ids=[1, 2], height=36, width=48), true)
    assert "0 written, 0 replaced, 1 unchanged" in run("layers-to-labelme", out, back).output


def test_masks_of_other_sizes_are_named_and_a_label_never_leads_out(tmp_path: Path) -> None:
    for name, side in (("a", 20), ("b", 24)):
        (tmp_path / "m" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((side, 20), np.uint8)).save(tmp_path / "m" / name / "p1.png")
    result = run("layers-to-labelme", str(tmp_path / "m"), str(tmp_path / "o"))
    assert result.exit_code == 1
    assert "20 x 24 pixels, and the masks before it 20 x 20" in result.output

    annotation = Annotation(36, 48, (Shape(1, PSOAS),), frozenset({1}))
    (tmp_path / "evil").mkdir()
    data = annotation_to_labelme(annotation, names={1: "../../up"}, image_path="p1.png")
    (tmp_path / "evil" / "p1.json").write_bytes(data)
    result = run("labelme-to-layers", str(tmp_path / "evil"), str(tmp_path / "deep" / "out"))
    assert result.exit_code == 1
    assert "cannot be the name of a folder" in result.output
    assert not (tmp_path / "up").exists()


def test_a_folder_without_folders_is_wrong_usage(tmp_path: Path) -> None:
    result = run("layers-to-labelme", str(tmp_path), str(tmp_path / "o"))
    assert result.exit_code == 2
    assert "SRC/CLASS/NAME.png" in result.output


def test_a_layer_whose_background_is_not_0_or_not_black_is_refused(tmp_path: Path) -> None:
    mask = np.ones((20, 20), np.uint8)
    mask[3:9, 3:9] = 2
    (tmp_path / "in" / "nerve").mkdir(parents=True)
    Image.fromarray(mask).save(tmp_path / "in" / "nerve" / "a.png")
    palette = Image.fromarray(mask - 1, "P")
    palette.putpalette([255, 255, 255, 0, 0, 0])
    palette.save(tmp_path / "in" / "nerve" / "b.png")
    result = run("layers-to-labelme", str(tmp_path / "in"), str(tmp_path / "out"))

    assert result.exit_code == 1
    assert "has the values 1 and 2, and the background of a layer is 0" in result.output
    assert "has a palette whose first colour is not black" in result.output
    assert not list((tmp_path / "out").rglob("*.json"))
