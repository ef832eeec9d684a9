"""Which files of a folder are looked at: none outside of it, and no folder is passed over in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmr.annotate.report import Report
from dmr.annotate.scans import kinds
from dmr.annotate.scans.discover import files_below, walk
from dmr.annotate.scans.given import scan_files
from dmr.annotate.scans.left_out import LeftOut

PNG = frozenset({".png"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("scans/a.png", "scans/sub/b.png", "elsewhere/secret.png", "elsewhere/more/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "scans"


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no links here")


def test_a_link_that_leads_out_is_left_out_and_told(folder: Path) -> None:
    link(folder / "link.png", folder.parent / "elsewhere" / "secret.png")
    link(folder / "more", folder.parent / "elsewhere" / "more")
    left_out, report = LeftOut(), Report("ingest")

    assert [f.path.name for f in scan_files([folder], left_out=left_out, report=report)] == ["a.png", "b.png"]
    assert left_out.told == {kinds.LINK: 2}
    assert left_out.line() == "2 links to other places"
    told = Report("convert")
    assert [p.name for p in files_below([folder], PNG, report=told)] == ["a.png", "b.png"]
    assert told.oddities == {"a link to another place (left out)": ["link.png"]}


def test_a_link_within_what_was_named_is_followed(folder: Path) -> None:
    link(folder / "link.png", folder.parent / "elsewhere" / "secret.png")
    link(folder / "own.png", folder / "sub" / "b.png")

    found = files_below([folder, folder.parent / "elsewhere"], PNG)
    assert [p.name for p in found] == ["a.png", "link.png", "own.png", "b.png", "c.png", "secret.png"]
    assert files_below([folder / "link.png"], PNG) == [folder / "link.png"], "it was named itself"


def test_a_link_that_leads_in_a_circle_stops_nothing(folder: Path) -> None:
    link(folder / "round.png", folder / "round.png")
    link(folder / "sub" / "up", folder)

    assert [p.name for p in files_below([folder], PNG)] == ["a.png", "b.png"]


def test_a_folder_that_cannot_be_opened_is_named_and_the_others_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return true(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = Report("convert")

    assert [p.name for p in files_below([folder], PNG, report=report)] == ["a.png"]
    assert len(report.failures) == 1
    assert str(folder / "sub") in report.failures[0]


def test_a_file_that_may_not_be_looked_at_is_found_so_that_reading_it_names_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = os.stat

    def stat(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith("a.png"):
            raise PermissionError(13, "Permission denied", str(path))
        return true(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", stat)

    def found() -> Iterator[str]:
        for item in walk([folder], report=Report("")):
            yield item.path.name

    assert list(found()) == ["a.png", "b.png"]


def test_pipes_and_links_that_lead_nowhere_are_counted_by_their_kind(folder: Path) -> None:
    link(folder / "gone.png", folder / "nothing.png")
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    for name in ("pipe.png", "sub/pipe.json"):
        os.mkfifo(folder / name)
    left_out, report = LeftOut(), Report("ingest")
    assert [f.path.name for f in scan_files([folder], left_out=left_out, report=report)] == ["a.png", "b.png"]
    assert left_out.line() == "2 pipes, sockets or devices, 1 link that leads nowhere"
    told = Report("convert")
    assert [p.name for p in files_below([folder], PNG, report=told)] == ["a.png", "b.png"]
    assert told.oddities == {
        "a link that leads nowhere (left out)": ["gone.png"],
        "a pipe, a socket or a device (left out)": ["pipe.png"],
    }
    assert list(scan_files([folder / "pipe.png"], left_out=left_out, report=report)) == []
    assert "is a pipe, a socket or a device, not a DICOM file" in report.failures[0], "it was named itself"
