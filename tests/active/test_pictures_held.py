"""The picture of a frame in quarantine is on no page and no contact sheet, and is not exported."""

from __future__ import annotations

from pathlib import Path

import pytest
from phantom_workspace import copied, dmr, outlined
from PIL import Image

from dmr.active.demo.page import _test_frames
from dmr.active.labels import check
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Workspace
from dmr.model.training.settings import train_settings
from dmr.model.training.train import train_model

_NO_CELL = 120  # pixels: a contact sheet that holds no picture is not higher


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with outlines, a model, and scans that nobody drew on."""
    folder = outlined(tmp_path_factory.mktemp("held"), PhantomSet(6, 2), new=PhantomSet(1, 2, first=8, labels=False))
    with Workspace.at(folder / "w").session(device="cpu") as s:
        train_model(s, settings=train_settings(s.settings, steps=2, input=32), activate=True)
    return folder


@pytest.fixture(params=[False, True], ids=["sure", "in quarantine"])
def held(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool) -> Workspace:
    """A copy of it, of which all frames are in quarantine, or none."""
    workspace = copied(made / "w", tmp_path / "w", monkeypatch)
    dmr("ingest", str(made / "new"))
    if held:
        with workspace.session(write=True) as s:
            for f in s.catalogue.frames():
                s.catalogue.set_rendition_state(f.frame_id, pixel_sha256=f.pixel_sha256, state="quarantined")
    return workspace


def height(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.height


def test_dmr_evaluate_shows_no_frame_in_quarantine(workspace: Workspace, held: bool) -> None:
    told = dmr("evaluate", "--split", "train").output
    (page,) = workspace.reports_folder.glob("evaluation-*.html")
    assert ("data:image/" in page.read_text(encoding="utf-8")) is not held
    assert ("in quarantine, scored and not shown" in told) is held


def test_dmr_check_labels_shows_no_frame_in_quarantine(
    workspace: Workspace, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "hardly_seen", lambda labels: [])  # after two steps the models see nothing
    told = dmr("check", "--labels", "--folds", "2", "--minutes", "0.02").output
    (sheet,) = workspace.reports_folder.rglob("labels*.png")
    assert (height(sheet) < _NO_CELL) is held
    assert ("its picture is left out" in told) is held


def test_the_contact_sheet_of_dmr_prelabel_shows_no_frame_in_quarantine(
    workspace: Workspace, held: bool, made: Path
) -> None:
    dmr("prelabel", str(made / "new"))
    assert (height(workspace.reports_folder / "prelabel.png") < _NO_CELL) is held


def test_the_page_of_the_demo_shows_no_frame_in_quarantine(workspace: Workspace, held: bool) -> None:
    with workspace.session(device="cpu") as s:
        (version,) = s.catalogue.models()
        assert bool(_test_frames(s, (version.id, version.id))) is not held


def test_dmr_export_copies_no_frame_in_quarantine(workspace: Workspace, held: bool, tmp_path: Path) -> None:
    told = dmr("export", str(tmp_path / "out"), "--format", "coco", "--images").output
    assert ("in quarantine (its picture is left out" in told) is held
    assert len([*(tmp_path / "out").rglob("*.png")]) == (0 if held else 12)
