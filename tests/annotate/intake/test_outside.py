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


DRAWN: dict[str, object] = {"label": "muscle", "points": [[1, 1], [9, 1], [9, 9]]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, False),
        ({"flags": {"cat": False, "reviewed": True}}, False),
        ({"flags": {"cat": True}}, True),
        ({"description": "SECRET"}, True),
        ({"ward": "SECRET"}, True),
        ({"shapes": [DRAWN | {"attributes": {"side": "SECRET"}}]}, True),
        ({"shapes": [DRAWN | {"group_id": "SECRET"}]}, True),
        ({"shapes": [DRAWN | {"attributes": {}, "score": None}], "text": ""}, False),
    ],
    ids=["none", "no tick", "a tick", "a description", "a key", "attributes", "a group in words", "empty ones"],
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


@pytest.mark.parametrize(
    ("change", "ignore", "failures"),
    [
        pytest.param({}, (), 0, id="whole"),
        pytest.param({"shape_type": "helix"}, (), 1, id="an unknown type"),
        pytest.param({"points": None}, (), 1, id="no points"),
        pytest.param({"label": None}, (), 1, id="no label"),
        pytest.param({"label": None}, ("",), 0, id="no label, and such are ignored"),
        pytest.param({"label": "bone"}, (), 0, id="a label of no class"),
        pytest.param({"shape_type": "linestrip"}, (), 0, id="a line"),
    ],
)
def test_a_file_fails_where_an_outline_cannot_be_read_and_the_rest_of_it_is_taken(
    tmp_path: Path, change: dict[str, object], ignore: tuple[str, ...], failures: int
) -> None:
    write_image(tmp_path / "x.png", 1)
    good = {"label": "muscle", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}
    content = {"shapes": [good, good | {"label": "nerve"} | change], "imagePath": "x.png"}
    (tmp_path / "x.json").write_text(json.dumps(content), encoding="utf-8")
    report = Report("test")
    (frame,) = labelme_frames(
        [tmp_path],
        resolve={"muscle": 1, "nerve": 2}.get,
        all_classes=frozenset({1, 2}),
        coverage="all",
        report=report,
        ignored=lambda label: label in ignore,
    )

    assert len(report.failures) == failures == report.exit_code
    assert all("x.json: something of " in line and "Mend it and read it again" in line for line in report.failures)
    assert [s.class_id for s in frame.annotation.shapes][:1] == [1]
    assert (2 in frame.annotation.covered) is (change == {})
