"""Labelled frames from outside: which image belongs to which outlines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import UsageError
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.intake.outside import labelme_frames, mask_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.discover import files_below
from dmr.annotate.scans.images import encode_png

NOTHING: dict[int, frozenset[int]] = {}


def write_image(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.full((20, 30), value, np.uint8)))


def write_mask(path: Path, value: int) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:15] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(mask))


def read_masks(
    folder: Path, report: Report, contains: dict[int, frozenset[int]] = NOTHING
) -> list[tuple[int, list[int]]]:
    frames = mask_frames(
        folder / "images",
        folder / "masks",
        classes=frozenset({1, 2}),
        contains=contains,
        coverage="drawn",
        report=report,
    )
    return [(int(f.frame.pixels[0, 0]), [s.class_id for s in f.annotation.shapes]) for f in frames]


def test_masks_of_equal_names_find_the_images_of_their_own_folders(tmp_path: Path) -> None:
    for value, folder in ((11, "a"), (22, "b")):
        write_image(tmp_path / "images" / folder / "001.png", value)
        write_mask(tmp_path / "masks" / folder / "001.png", 1 if folder == "a" else 2)
    report = Report("test")

    assert read_masks(tmp_path, report) == [(11, [1]), (22, [2])]
    assert report.failures == []


def test_a_mask_with_several_images_of_its_name_elsewhere_is_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_image(tmp_path / "images" / folder / "001.png", 1)
    write_mask(tmp_path / "masks" / "001.png", 1)
    report = Report("test")

    assert read_masks(tmp_path, report) == []
    assert "several images of its name" in report.failures[0]


def test_a_mask_s_inner_class_leaves_no_hole_in_the_outer_one(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "001.png", 1)
    mask = np.zeros((20, 30), np.uint8)
    mask[2:18, 2:18], mask[6:10, 6:10] = 1, 2
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "001.png").write_bytes(encode_png(mask))
    (frame,) = mask_frames(
        tmp_path / "images",
        tmp_path / "masks",
        classes=frozenset({1, 2}),
        contains={1: frozenset({2})},
        coverage="drawn",
        report=Report("test"),
    )
    outer = polygons_to_mask([s for s in frame.annotation.shapes if s.class_id == 1], height=20, width=30)

    assert np.array_equal(outer, mask > 0)


def test_masks_without_any_image_are_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write_mask(tmp_path / "masks" / "001.png", 1)

    with pytest.raises(UsageError, match="named like an image"):
        read_masks(tmp_path, Report("test"))


def test_files_that_dmr_keeps_are_no_sources(tmp_path: Path) -> None:
    write_image(tmp_path / "frames" / "f.png", 1)
    write_image(tmp_path / "scan.png", 1)
    write_image(tmp_path / "._scan.png", 1)

    assert files_below([tmp_path], frozenset({".png"}), without=[tmp_path / "frames"]) == [tmp_path / "scan.png"]


def test_what_is_kept_of_a_labelme_file_names_nobody(tmp_path: Path) -> None:
    write_image(tmp_path / "x.png", 1)
    content = {
        "shapes": [{"label": "muscle", "points": [[1, 1], [9, 1], [9, 9]], "description": "SECRET-1"}],
        "imagePath": "SECRET-2/x.png",
        "note": "SECRET-3",
    }
    (tmp_path / "x.json").write_text(json.dumps(content), encoding="utf-8")
    (frame,) = labelme_frames(
        [tmp_path], resolve=lambda _: 1, all_classes=frozenset({1}), coverage="drawn", report=Report("test")
    )

    assert b"muscle" in frame.raw
    assert b"SECRET" not in frame.raw


def test_a_class_inside_another_is_painted_over_it_whatever_their_ids_and_heights() -> None:
    classes = Classes([ClassDef(1, "plexus", inside="psoas"), ClassDef(2, "psoas", z=5), ClassDef(3, "bone", z=1)])

    assert classes.paint_order() == (3, 2, 1)


def test_all_real_files_come_in_and_every_oddity_is_named_once(ubpd: Path) -> None:
    """What 738 files of many years hold; the counts are facts about them, found by other means too."""
    names = {"shenjing": 1, "jirouzuzhi": 2, "dongmai": 3, "jingmai": 4}
    report = Report("test")
    frames = list(
        labelme_frames(
            [ubpd], resolve=names.get, all_classes=frozenset(names.values()), coverage="drawn", report=report
        )
    )
    oddities = {oddity: len(places) for oddity, places in report.oddities.items()}

    assert len(frames) == 738
    assert report.failures == []
    assert oddities["not UTF-8 (read as gb18030)"] == 29
    assert oddities["TIFF inside a .jpg"] == 28
    assert oddities["imageData embedded"] == 19
    assert oddities["label 'jizhu' is no class (left out)"] == 9
    assert oddities["backslashes in imagePath"] > 0
    assert oddities["wrong imagePath (image found by the file's name)"] > 0
    assert all(len(places) == len(set(places)) for places in report.oddities.values())
    assert sum(line.startswith("note:") for line in report.lines()) == len(oddities)
