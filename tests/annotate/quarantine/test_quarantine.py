"""Frames in quarantine are listed, shown, released and dropped; nothing else of the workspace changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.phantom.writing import draw_phantom
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace
from dmr.cli import main

FILLED = np.random.default_rng(0).integers(40, 200, (120, 160), np.uint8)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One frame that is sure, and two that fill their picture."""
    outlines = draw_phantom(tmp_path / "phantom", patients=1, frames=1)
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "3_sure.png").write_bytes(outlines[0].with_suffix(".png").read_bytes())
    for name, pixels in (("1_a", FILLED), ("2_b", 255 - FILLED)):
        (scans / f"{name}.png").write_bytes(encode_png(pixels))
    made, _ = Workspace.create(tmp_path / "w")
    with made.session(write=True) as s:
        ingest_scans(s, [scans])
    monkeypatch.chdir(made.root)
    return made


def dmr(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["quarantine", *words])
    assert result.exit_code == code, result.output
    return result.output


def held(workspace: Workspace) -> list[str]:
    with workspace.session() as s:
        return [f.frame_id for f in s.catalogue.frames() if not f.may_leave and f.state != "erased"]


def test_frames_in_quarantine_are_listed_with_their_reason(workspace: Workspace) -> None:
    told = dmr("list")
    assert len(held(workspace)) == 2 and all(frame in told for frame in held(workspace))
    assert told.count("the image fills the frame, so text may lie inside it") == 2


def test_the_page_shows_each_picture_with_its_id(workspace: Workspace) -> None:
    assert "reports/quarantine.html" in dmr("show")
    page = (workspace.root / "reports" / "quarantine.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 2 and all(frame in page for frame in held(workspace))


def test_a_frame_is_released_by_the_beginning_of_its_id_and_the_others_stay(workspace: Workspace) -> None:
    first, second = held(workspace)
    assert "1 frame released" in dmr("release", first[:8])
    assert held(workspace) == [second]
    dmr("release", "--all")
    assert held(workspace) == [] and "No frame is in quarantine" in dmr("list")


def test_a_dropped_frame_loses_its_picture_and_is_chosen_no_more(workspace: Workspace) -> None:
    first, second = held(workspace)
    dmr("drop", first)
    assert not (workspace.root / "frames" / f"{first}.png").exists()
    assert (workspace.root / "frames" / f"{second}.png").exists()
    with workspace.session() as s:
        assert first not in {f.frame_id for f in s.catalogue.unlabelled_frames()}
    assert held(workspace) == [second]


def test_what_was_dropped_does_not_come_back_with_its_scan(workspace: Workspace) -> None:
    first, _ = held(workspace)
    dmr("drop", first)
    with workspace.session(write=True) as s:
        ingest_scans(s, [workspace.root.parent / "scans"])
    assert not (workspace.root / "frames" / f"{first}.png").exists()


@pytest.mark.parametrize("words", [(), ("--all", "f0123"), ("f0123456789",)])
def test_what_names_no_frame_is_one_line_and_changes_nothing(words: tuple[str, ...], workspace: Workspace) -> None:
    before = held(workspace)
    told = dmr("release", *words, code=2)
    assert told.startswith("Error: ") and told.count("\n") <= 1
    assert held(workspace) == before
