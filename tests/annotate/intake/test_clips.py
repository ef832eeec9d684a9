"""Clips come in: frames in order with their times, key frames, whose they are, and blanked around the image."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import speckle, write_dicom

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.intake.choice import Choice
from dmr.annotate.intake.ingest import ingest_scans, load_frame
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.phantom.dicom import invent_patient
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.scans.images import encode_png
from dmr.annotate.scans.similarity import NEAR_COPY_IN_CLIP, hamming
from dmr.annotate.workspace import Workspace

FRAMES = 6


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of invented patients as DICOM, with a Labelme file a frame."""
    folder = tmp_path_factory.mktemp("clips") / "scans"
    for _ in write_phantom(folder, PhantomSet(2, FRAMES, seed=4, format="dicom")):
        pass
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    return made


def ingested(workspace: Workspace, *scans: Path, choice: Choice | None = None) -> list[FrameRecord]:
    with workspace.session(write=True) as s:
        ids = ingest_scans(s, list(scans), choice=choice or Choice())
        frames = {f.frame_id: f for f in s.catalogue.frames(ids)}
    return [frames[i] for i in ids]


def test_frames_of_a_clip_keep_their_order_and_times_and_are_one_clip_of_the_tag_s_patient(
    clips: Path, workspace: Workspace
) -> None:
    frames = ingested(workspace, clips / "4001.dcm")
    assert [f.index for f in frames] == list(range(FRAMES))
    assert [f.time_ms for f in frames] == [50.0 * k for k in range(FRAMES)]
    assert len({f.clip_id for f in frames}) == 1 and frames[0].patient is not None
    assert {f.clip_source_sha256 for f in frames} == {frames[0].source_sha256}
    assert frames[0].spacing_mm is not None and frames[0].spacing_mm[0] == frames[0].spacing_mm[1]
    taken = invent_patient(4001).taken
    assert frames[0].acquired is not None and not frames[0].acquired.replace("-", "").startswith(taken)


def test_near_copies_within_a_clip_may_not_be_chosen_and_its_first_frame_may(clips: Path, workspace: Workspace) -> None:
    frames = ingested(workspace, clips / "4002.dcm")
    keys = [f for f in frames if f.eligible]
    assert keys[0].index == 0 and len(keys) < len(frames)
    for f in frames:
        near = min(hamming(f.perceptual_hash or "", key.perceptual_hash or "") for key in keys if key.index <= f.index)
        assert (near == 0) if f.eligible else (near <= NEAR_COPY_IN_CLIP)


def test_all_frames_may_be_chosen_if_asked_for_also_afterwards(clips: Path, workspace: Workspace) -> None:
    assert not all(f.eligible for f in ingested(workspace, clips / "4002.dcm"))
    assert all(f.eligible for f in ingested(workspace, clips / "4002.dcm", choice=Choice(all=True)))


def test_every_second_frame_is_taken_under_its_own_index(clips: Path, workspace: Workspace) -> None:
    assert [f.index for f in ingested(workspace, clips / "4001.dcm", choice=Choice(every=2))] == [0, 2, 4]


def test_the_same_clip_again_in_an_archive_adds_nothing(clips: Path, workspace: Workspace, tmp_path: Path) -> None:
    first = ingested(workspace, clips / "4001.dcm")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(clips / "4001.dcm", "deep/in/IM0001")
    with workspace.session(write=True) as s:
        assert ingest_scans(s, [tmp_path / "export.zip"]) == [f.frame_id for f in first]
        assert s.report.counts["frames added"] == 0 and s.report.failures == []


def test_what_is_written_around_the_image_is_blanked_and_the_image_is_not(clips: Path, workspace: Workspace) -> None:
    from dmr.annotate.scans.decoding.child import Decoder

    frames = ingested(workspace, clips)
    with Decoder() as decoder:
        raw = {
            (d.frame.source_sha256, d.frame.index): d.frame.pixels
            for path in sorted(clips.glob("*.dcm"))
            for d in decoder.frames(path)
        }
    for f in frames:
        kept, before = load_frame(workspace, f).pixels, raw[f.source_sha256, f.index]
        told = json.loads(f.deid or "{}")
        assert told["by"] == "region" and f.state == "ok" and f.may_leave
        assert {"PatientName", "PatientID", "PatientBirthDate"} <= set(told["removed"])
        assert np.all((kept == before) | (kept == 0))
        assert not kept[:16].any(), "the lines with the patient's name"
        assert kept.mean() > 0.8 * before[40:].mean(), "the image itself is there"


def test_a_picture_whose_image_s_end_cannot_be_told_waits_for_a_person(workspace: Workspace, tmp_path: Path) -> None:
    filled = np.random.default_rng(0).integers(40, 200, (120, 160), np.uint8)
    (tmp_path / "1_a.png").write_bytes(encode_png(filled))
    (frame,) = ingested(workspace, tmp_path / "1_a.png")
    assert frame.state == "quarantined" and not frame.may_leave and frame.eligible
    assert np.array_equal(load_frame(workspace, frame).pixels, filled), "nothing is blanked by a guess"


@pytest.mark.parametrize(("told", "failures"), [(2, 0), (5, 1)], ids=["too few", "too many"])
def test_frames_of_a_cine_that_tells_a_wrong_number_come_in_and_one_line_says_so(
    workspace: Workspace, tmp_path: Path, told: int, failures: int
) -> None:
    path = write_dicom(tmp_path / "cine.dcm", speckle(3), NumberOfFrames=told)
    with workspace.session(write=True) as s:
        assert len(ingest_scans(s, [path])) == 3
        lines = [*map(str, s.report.failures), *s.report.oddities]
    assert len(s.report.failures) == failures
    (said,) = [line for line in lines if "its tags say" in line]
    assert f"its tags say {told}" in said and "Error" not in said


def test_outlines_of_single_frames_of_a_clip_are_imported_onto_these_frames(clips: Path, workspace: Workspace) -> None:
    with workspace.session() as s:
        import_outlines(s, [clips])
        assert s.report.failures == [] and s.report.counts["revisions added"] == 2 * FRAMES
        drawn = s.catalogue.labelled_frames()
    again = {f.frame_id for f in ingested(workspace, clips)}
    assert again == {item.frame.frame_id for item in drawn}, "the same frames, whichever way they came"
    assert sorted(item.frame.index for item in drawn) == sorted([*range(FRAMES), *range(FRAMES)])


@pytest.fixture
def sheet(clips: Path, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "4001.dcm").write_bytes((clips / "4001.dcm").read_bytes())
    path = tmp_path / "sheets" / "4001_000.json"
    path.write_bytes((clips / "4001_000.json").read_bytes())
    yield path


@pytest.mark.parametrize(
    ("index", "what"),
    [(FRAMES, f"has no frame {FRAMES}"), ("one", "no whole number from 0"), (None, "no whole number from 0")],
)
def test_a_frame_that_a_clip_does_not_have_is_one_line(
    index: object, what: str, sheet: Path, workspace: Workspace
) -> None:
    said = json.loads(sheet.read_text(encoding="utf-8")) | {"frame_index": index}
    sheet.write_text(json.dumps(said), encoding="utf-8")
    with workspace.session() as s:
        import_outlines(s, [sheet.parent])
        assert len(s.report.failures) == 1 and what in s.report.failures[0]


def test_a_doubt_about_a_part_of_a_clip_holds_all_of_it(workspace: Workspace, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(3)
    pages = [np.zeros((120, 160), np.uint8) for _ in range(20)]
    for page in pages[:16]:
        page[20:100, 20:140] = rng.integers(40, 200, (80, 120), np.uint8)
    for page in pages[16:]:
        page[:] = rng.integers(40, 200, (120, 160), np.uint8)  # no margin
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(tmp_path / "1_a.tif", save_all=True, append_images=others)
    assert {f.state for f in ingested(workspace, tmp_path / "1_a.tif")} == {"quarantined"}
