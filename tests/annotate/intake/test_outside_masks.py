"""Masks from outside: which image is a mask's, and what a mask may say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import UsageError
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.intake.outside_masks import mask_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.settings.model import Coverage
from dmr.annotate.shapes import Annotation

TWO = Classes([ClassDef(1, "muscle"), ClassDef(2, "nerve", inside="muscle")])
ONE = Classes([ClassDef(3, "nerve")])


def write_image(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.full((20, 30), value, np.uint8)))


def write_mask(path: Path, value: int) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:15] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(mask))


def drawn_on(
    images: Path, masks: Path, report: Report, *, classes: Classes = TWO, coverage: Coverage = "all"
) -> dict[int, Annotation]:
    """What is drawn on each image, by the image's grey."""
    frames = mask_frames(images, masks, classes=classes, coverage=coverage, report=report)
    return {int(f.frame.pixels[0, 0]): f.annotation for f in frames}


def read_masks(folder: Path, report: Report) -> list[tuple[int, list[int]]]:
    found = drawn_on(folder / "images", folder / "masks", report, coverage="drawn")
    return [(value, [s.class_id for s in own.shapes]) for value, own in found.items()]


def test_masks_of_equal_names_find_the_images_of_their_own_folders(tmp_path: Path) -> None:
    for value, folder in ((11, "a"), (22, "b")):
        write_image(tmp_path / "images" / folder / "001.png", value)
        write_mask(tmp_path / "masks" / folder / "001.png", 1 if folder == "a" else 2)
    report = Report("test")

    assert read_masks(tmp_path, report) == [(11, [1]), (22, [1, 2])]
    assert report.failures == []


def test_a_mask_with_several_images_of_its_name_elsewhere_is_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_image(tmp_path / "images" / folder / "001.png", 1)
    write_mask(tmp_path / "masks" / "001.png", 1)
    report = Report("test")

    assert read_masks(tmp_path, report) == []
    assert "several images have its name" in report.failures[0]


def test_a_mask_s_inner_class_leaves_no_hole_in_the_outer_one(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "001.png", 1)
    mask = np.zeros((20, 30), np.uint8)
    mask[2:18, 2:18], mask[6:10, 6:10] = 1, 2
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "001.png").write_bytes(encode_png(mask))
    (drawn,) = drawn_on(tmp_path / "images", tmp_path / "masks", Report("test")).values()
    outer = polygons_to_mask([s for s in drawn.shapes if s.class_id == 1], height=20, width=30)

    assert np.array_equal(outer, mask > 0)


def test_masks_without_any_image_are_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write_mask(tmp_path / "masks" / "001.png", 1)

    with pytest.raises(UsageError, match="with the name of an image"):
        read_masks(tmp_path, Report("test"))


def test_a_value_that_is_no_class_leaves_nothing_covered(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1.png", 11)
    mask = np.zeros((20, 30), np.uint8)
    mask[2:8, 2:8], mask[10:14, 10:14] = 1, 7
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "1.png").write_bytes(encode_png(mask))
    report = Report("test")
    drawn = drawn_on(tmp_path / "images", tmp_path / "masks", report)[11]

    assert ([s.class_id for s in drawn.shapes], set(drawn.covered)) == ([1], set())
    assert list(report.oddities) == ["mask value 7 is no class (left out)"]


def test_white_is_the_class_where_there_is_one_and_refused_where_there_are_more(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1.png", 11)
    write_mask(tmp_path / "masks" / "1.png", 255)
    report = Report("test")
    one = drawn_on(tmp_path / "images", tmp_path / "masks", report, classes=ONE)[11]

    assert ([s.class_id for s in one.shapes], set(one.covered)) == ([3], {3})
    assert drawn_on(tmp_path / "images", tmp_path / "masks", report) == {}
    assert "is black and white (0 and 255), and there are 2 classes" in report.failures[0]


def test_a_picture_is_no_mask(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1.png", 11)
    write_mask(tmp_path / "masks" / "1.png", 200)
    with Image.open(tmp_path / "masks" / "1.png") as mask:
        mask.resize((60, 40), Image.Resampling.BICUBIC).resize((30, 20), Image.Resampling.BICUBIC).save(
            tmp_path / "masks" / "1.png"
        )
    report = Report("test")

    assert drawn_on(tmp_path / "images", tmp_path / "masks", report, classes=ONE) == {}
    assert "holds values that are no class" in report.failures[0]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        pytest.param("p01.png", "p01_mask.png", id="mask behind the name"),
        pytest.param("p01.png", "p01-Label.png", id="label behind the name"),
        pytest.param("p01/img.png", "p01/label.png", id="a folder for each"),
        pytest.param("p01_0000.png", "p01.png", id="nnU-Net"),
    ],
)
def test_images_and_masks_in_one_folder_are_told_apart_by_the_usual_names(
    tmp_path: Path, image: str, mask: str
) -> None:
    write_image(tmp_path / image, 11)
    write_mask(tmp_path / mask, 2)
    report = Report("test")

    assert {k: [s.class_id for s in own.shapes] for k, own in drawn_on(tmp_path, tmp_path, report).items()} == {
        11: [1, 2]
    }
    assert report.failures == []


def test_an_image_is_never_its_own_mask(tmp_path: Path) -> None:
    write_image(tmp_path / "p01.png", 11)

    with pytest.raises(UsageError, match="with the name of an image"):
        drawn_on(tmp_path, tmp_path, Report("test"))


def test_two_images_of_one_name_are_refused_and_named(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1.png", 11)
    write_image(tmp_path / "images" / "1.bmp", 12)
    write_mask(tmp_path / "masks" / "1.png", 1)
    report = Report("test")

    assert drawn_on(tmp_path / "images", tmp_path / "masks", report) == {}
    assert "several images have its name: 1.bmp, 1.png" in report.failures[0]


def test_a_mask_of_one_bit_says_what_a_white_one_says(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1.png", 11)
    drawn = np.zeros((20, 30), np.bool_)
    drawn[5:15, 5:15] = True
    (tmp_path / "masks").mkdir()
    Image.fromarray(drawn).save(tmp_path / "masks" / "1.png")
    report = Report("test")

    assert drawn_on(tmp_path / "images", tmp_path / "masks", report) == {}
    assert "is black and white" in report.failures[0]
    one = drawn_on(tmp_path / "images", tmp_path / "masks", report, classes=ONE)[11]
    assert ([s.class_id for s in one.shapes], set(one.covered)) == ([3], {3})


@pytest.mark.parametrize("second", ["1_a_mask_1.png", "1_a_mask_2.png", "1_a_label.png"])
@pytest.mark.parametrize("together", [True, False])
def test_two_masks_of_one_image_cover_nothing_and_are_named(tmp_path: Path, second: str, together: bool) -> None:
    masks = tmp_path / ("images" if together else "masks")
    write_image(tmp_path / "images" / "1_a.png", 11)
    write_image(tmp_path / "images" / "2_a.png", 22)
    for name in ("1_a_mask.png", second, "2_a_mask.png"):
        write_mask(masks / name, 1)
    report = Report("test")

    assert list(drawn_on(tmp_path / "images", masks, report)) == [22]
    (failure,) = report.failures
    assert "has several masks: " in failure
    assert second in failure


def test_equal_names_pair_whatever_they_end_with_in_several_folders(tmp_path: Path) -> None:
    names = [f"{folder}/{name}.png" for folder in "ab" for name in ("p1_0000", "p1_0001", "p2_img", "p3_seg")]
    for value, name in enumerate(names, 1):
        write_image(tmp_path / "images" / name, value)
        write_mask(tmp_path / "masks" / name, 1)
    report = Report("test")

    assert sorted(drawn_on(tmp_path / "images", tmp_path / "masks", report)) == list(range(1, len(names) + 1))
    assert report.failures == []


def test_masks_as_jpeg_are_named_with_what_to_do(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "1_a.png", 11)
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "masks" / "1_a.jpg")

    with pytest.raises(UsageError, match="holds 1 JPEG file, and JPEG does not keep a mask"):
        drawn_on(tmp_path / "images", tmp_path / "masks", Report("test"))


@pytest.mark.parametrize(
    ("together", "further"),
    [
        (True, "1_a_mask_muscle.png"),
        (True, "1_a_seg-left.png"),
        (True, "1_a_mask.jpg"),
        (True, "1_a_muscle.png"),
        (False, "1_a_mask.jpg"),
        (False, "1_a.jpg"),
        (False, "1_a_muscle.png"),
        (False, "1_a (1).png"),
        (False, "1_a - Copy.png"),
    ],
)
def test_a_further_picture_that_may_be_a_mask_leaves_its_image_without_any(
    tmp_path: Path, together: bool, further: str
) -> None:
    masks = tmp_path / ("images" if together else "masks")
    for k in (1, 2):
        write_image(tmp_path / f"images/{k}_a.png", 11 * k)
        write_mask(masks / f"{k}_a_mask.png", 2)
    if further.endswith(".jpg"):
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(masks / further)
    else:
        write_mask(masks / further, 1)
    report = Report("test")

    assert list(drawn_on(tmp_path / "images", masks, report)) == [22]
    (failure,) = report.failures
    assert "has several masks: " in failure
    assert further in failure


def test_a_numbered_image_without_a_mask_is_no_further_mask(tmp_path: Path) -> None:
    write_image(tmp_path / "1_a.png", 11)
    write_image(tmp_path / "1_a_2.png", 22)
    write_image(tmp_path / "1_a_left.png", 33)
    write_mask(tmp_path / "1_a_mask.png", 2)
    write_mask(tmp_path / "1_a_left_mask.png", 2)
    report = Report("test")

    assert sorted(drawn_on(tmp_path, tmp_path, report)) == [11, 33]
    assert report.failures == []


def test_a_jpeg_among_masks_is_told(tmp_path: Path) -> None:
    for k in (1, 2):
        write_image(tmp_path / f"images/{k}_a.png", 11 * k)
    write_mask(tmp_path / "masks/1_a.png", 2)
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "masks/2_a.jpg")
    report = Report("test")

    assert list(drawn_on(tmp_path / "images", tmp_path / "masks", report)) == [11]
    assert "2_a.jpg: is a JPEG" in report.failures[0]
