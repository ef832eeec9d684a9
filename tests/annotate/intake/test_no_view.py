"""Scans that show no view come in, are not chosen, and a person can say otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dmr.annotate.formats.labelme import annotation_to_labelme
from dmr.annotate.intake.choice import Choice
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.report import Report
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace

BLACK, DOPPLER = "looks like a black frame", "looks like colour Doppler"
SAID = "(not ranked or trained on; --all takes it in)"


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One phantom frame, the same one with flow in colour, and two black frames."""
    folder = tmp_path_factory.mktemp("views") / "scans"
    for _ in write_phantom(folder, PhantomSet(1, 1, labels=False)):
        pass
    with Image.open(folder / "0001_000.png") as image:
        pixels = np.array(image.convert("RGB"))
    pixels[220:260, 230:290] = (220, 40, 0)
    Image.fromarray(pixels).save(folder / "0002_000.png")
    for name in ("0003_000", "0003_001"):
        Image.fromarray(np.full((64, 64 + int(name[-1])), 2, np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    return made


def ingested(workspace: Workspace, *scans: Path, choice: Choice | None = None) -> Report:
    with workspace.session(write=True) as s:
        ingest_scans(s, list(scans), choice=choice or Choice())
    return s.report


def test_frames_without_a_view_come_in_and_are_not_chosen_with_one_line_a_kind(
    workspace: Workspace, scans: Path
) -> None:
    report = ingested(workspace, scans)

    assert report.oddities[f"{BLACK} {SAID}"] == ["0003_000.png", "0003_001.png"]
    assert report.oddities[f"{DOPPLER} {SAID}"] == ["0002_000.png"]
    assert sum("looks like" in line and SAID in line for line in report.lines()) == 2
    with workspace.catalogue() as catalogue:
        frames = catalogue.frames()
        assert len(frames) == 4
        assert [f.eligible for f in catalogue.unlabelled_frames()] == [True]
        assert sorted(f.note for f in frames if not f.eligible) == [BLACK, BLACK, DOPPLER]


@pytest.mark.parametrize("later", [False, True], ids=["at once", "for scans that are there"])
def test_all_takes_them_in(workspace: Workspace, scans: Path, *, later: bool) -> None:
    if later:
        ingested(workspace, scans)
    report = ingested(workspace, scans, choice=Choice(all=True))

    assert not any("looks like" in oddity and SAID in oddity for oddity in report.oddities)
    with workspace.catalogue() as catalogue:
        assert len(catalogue.unlabelled_frames()) == 4


def test_a_frame_on_which_somebody_drew_is_trained_on_whatever_it_looks_like(
    workspace: Workspace, scans: Path, tmp_path: Path
) -> None:
    ingested(workspace, scans)
    folder = tmp_path / "outlines"
    folder.mkdir()
    (folder / "0003_000.png").write_bytes((scans / "0003_000.png").read_bytes())
    square = Shape(1, ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0)))
    drawn = Annotation(64, 64, (square,), frozenset({1}))
    (folder / "0003_000.json").write_bytes(
        annotation_to_labelme(drawn, names={1: "psoas_major"}, image_path="0003_000.png")
    )
    with workspace.session(write=True) as s:
        import_outlines(s, [folder])
        labelled = list(s.catalogue.labelled_frames())

    assert len(labelled) == 1
