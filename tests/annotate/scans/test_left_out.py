"""What lies in folders and is not read: counted by kind, told in a line, and never by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.report import Report
from dmr.annotate.scans import kinds as k
from dmr.annotate.scans.given import scan_files
from dmr.annotate.scans.images import encode_png
from dmr.annotate.scans.left_out import LeftOut, what_is_there

PNG = encode_png(np.zeros((4, 4), np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {
        "a.png": PNG,
        "a.json": b'{"shapes": []}',
        "b.json": b'{"shapes": []}',
        "broken.jpg": b"no image",
        "sub/scan": PNG,
        "sub/letter.pdf": b"%PDF-1.7",
        "sub/clip.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "sub/.DS_Store": b"\0",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_what_is_left_out_is_counted_by_kind_and_what_is_expected_is_not_told() -> None:
    there = LeftOut()
    assert there.line() == ""
    for kind in (k.PDF, k.ARCHIVE, k.WORD, k.ARCHIVE, k.SYSTEM):
        there.add(kind)
    there.add(k.JSON, expected=True)
    assert there.line() == "2 archives, 1 PDF, 1 DOCX"

    report = Report("ingest")
    there.tell(report)
    assert report.words == ["Left out: 2 archives, 1 PDF, 1 DOCX."]
    assert report.data["left_out"] == {"DOCX": 1, "JSON": 1, "PDF": 1, "archive": 2, "system file": 1}


def test_nothing_is_said_to_people_where_only_the_expected_was_left_out() -> None:
    there, report = LeftOut(), Report("ingest")
    there.add(k.SYSTEM)
    there.tell(report)
    assert report.words == []
    assert report.data["left_out"] == {"system file": 1}


def test_scans_are_known_by_ending_or_content_and_the_rest_is_counted(folder: Path) -> None:
    left_out, report = LeftOut(), Report("ingest")
    found = list(scan_files([folder], left_out=left_out, report=report))
    assert [file.path.relative_to(folder).as_posix() for file in found] == [
        "a.png", "broken.jpg", "sub/clip.mp4", "sub/scan"
    ]  # fmt: skip
    assert left_out.told == {k.JSON: 1, k.PDF: 1}
    assert left_out.expected == {k.JSON: 1, k.SYSTEM: 1}, "the outlines of a.png are expected"
    assert report.failures == []


def test_a_file_that_is_named_itself_and_is_no_image_fails(folder: Path) -> None:
    left_out, report = LeftOut(), Report("ingest")
    assert list(scan_files([folder / "sub" / "letter.pdf"], left_out=left_out, report=report)) == []
    assert len(report.failures) == 1 and "is a PDF file" in report.failures[0]
    assert left_out.line() == ""


def test_folders_that_are_left_alone_are_not_looked_into(folder: Path) -> None:
    assert what_is_there([folder / "sub"]) == "1 video, 1 PDF, 1 image"
    assert what_is_there([folder], without=[(folder / "sub").resolve()]) == "2 JSON, 1 image, 1 text file"
