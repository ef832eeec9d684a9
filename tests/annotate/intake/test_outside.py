"""Labelled frames from outside: which image belongs to which outlines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.intake.outside import WORDS_STAY, labelme_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.discover import files_below
from dmr.annotate.scans.images import encode_png


def write_image(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.full((20, 30), value, np.uint8)))


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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, False),
        ({"flags": {"cat": False, "reviewed": True}}, False),
        ({"flags": {"cat": True}}, True),
        ({"description": "SECRET"}, True),
    ],
    ids=["none", "no tick of theirs", "a tick", "a description"],
)
def test_words_of_files_from_outside_stay_there_and_the_report_says_so(
    tmp_path: Path, words: dict[str, object], told: bool
) -> None:
    write_image(tmp_path / "x.png", 1)
    (tmp_path / "x.json").write_text(json.dumps({"shapes": [], "imagePath": "x.png", **words}), encoding="utf-8")
    report = Report("test")
    list(labelme_frames([tmp_path], resolve=lambda _: 1, all_classes=frozenset(), coverage="drawn", report=report))

    assert any(WORDS_STAY in line for line in report.lines()) is told
    assert not any("SECRET" in line for line in report.lines())


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
