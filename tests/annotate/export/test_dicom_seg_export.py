"""`dmr export --format dicom-seg`: which files are written, for whom, and what is said of the others."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from segmentations import ALL, draw, exported, resized, workspace_of

from dmr.annotate.errors import UsageError
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.cli import main

CHINESE: Final = "张三".encode("gb18030").decode("latin-1")  # as scanners write it, without naming the encoding


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom clip of two frames as DICOM."""
    folder = tmp_path_factory.mktemp("phantom")
    for _ in write_phantom(folder, PhantomSet(1, 2, format="dicom", labels=False)):
        pass
    return next(folder.glob("*.dcm"))


@pytest.fixture
def scans(phantom: Path, tmp_path: Path) -> Iterator[Path]:
    """A clip and a still of one series, in a folder with another below it."""
    folder = tmp_path / "scans"
    resized(phantom, folder / "clip.dcm", frames=3, rows=48, columns=64)
    resized(phantom, folder / "deep" / "IM0002", frames=1, rows=40, columns=40, SOPInstanceUID="1.2.3.4")
    yield folder


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_each_scan_has_a_segmentation_of_its_name_for_its_patient_and_study(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans)
    draw(workspace, frames)
    report = exported(workspace, tmp_path / "out", scans)
    assert report.lines() == ["dmr: 2 written, 0 replaced, 0 unchanged, 4 frames exported"]
    assert files(tmp_path / "out").keys() == {"clip.seg.dcm", "deep/IM0002.seg.dcm"}
    series = set()
    for scan, made in (("clip.dcm", "clip.seg.dcm"), ("deep/IM0002", "deep/IM0002.seg.dcm")):
        source, data = dcmread(scans / scan), dcmread(tmp_path / "out" / made)
        for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate"):
            assert data[name].value == source[name].value and data[name].value
        assert data.SeriesInstanceUID != source.SeriesInstanceUID and data.SOPInstanceUID != source.SOPInstanceUID
        series.add(data.SeriesInstanceUID)
        reference = data.ReferencedSeriesSequence[0]
        assert reference.SeriesInstanceUID == source.SeriesInstanceUID
        assert reference.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        images = [g.DerivationImageSequence[0].SourceImageSequence[0] for g in data.PerFrameFunctionalGroupsSequence]
        assert {image.ReferencedSOPInstanceUID for image in images} == {source.SOPInstanceUID}
        numbers = {image.get("ReferencedFrameNumber") for image in images}
        assert numbers == ({1, 2, 3} if scan == "clip.dcm" else {None})
    assert len(series) == 1, "the segmentations of one series of images are one series"


def test_the_same_outlines_give_the_same_bytes_and_a_correction_another_instance(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans / "clip.dcm")
    draw(workspace, frames)
    exported(workspace, tmp_path / "out", scans)
    assert exported(workspace, tmp_path / "again", scans).counts["written"] == 1
    assert files(tmp_path / "out") == files(tmp_path / "again")
    again = exported(workspace, tmp_path / "out", scans)
    assert again.counts["unchanged"] == 1 and again.words == ["Nothing new: nothing was changed."]
    before = dcmread(tmp_path / "out" / "clip.seg.dcm")
    draw(workspace, frames[:1], covered={0: ALL - {3}}, at="2026-03-02T08:00:00.000000Z")
    assert exported(workspace, tmp_path / "out", scans).counts["replaced"] == 1
    after = dcmread(tmp_path / "out" / "clip.seg.dcm")
    assert after.SOPInstanceUID != before.SOPInstanceUID and after.SeriesInstanceUID == before.SeriesInstanceUID
    assert after.ContentDate == "20260302" and after.NumberOfFrames == before.NumberOfFrames - 1


def test_a_name_in_an_encoding_that_the_file_does_not_name_keeps_its_bytes(phantom: Path, tmp_path: Path) -> None:
    scan = resized(
        phantom,
        tmp_path / "scans" / "a.dcm",
        frames=1,
        rows=32,
        columns=32,
        SpecificCharacterSet="",
        PatientName=CHINESE,
    )
    workspace, frames = workspace_of(tmp_path / "w", scan)
    draw(workspace, frames)
    exported(workspace, tmp_path / "out", scan)
    assert "张三".encode("gb18030") in scan.read_bytes()
    assert "张三".encode("gb18030") in (tmp_path / "out" / "a.seg.dcm").read_bytes()


def test_scans_in_an_archive_are_found_by_what_they_hold(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans / "clip.dcm")
    draw(workspace, frames)
    with zipfile.ZipFile(tmp_path / "disk.zip", "w") as archive:
        archive.write(scans / "clip.dcm", "renamed/X1")
    exported(workspace, tmp_path / "out", tmp_path / "disk.zip")
    assert files(tmp_path / "out").keys() == {"disk.zip/renamed/X1.seg.dcm"}


def test_frames_whose_scan_is_not_there_or_no_dicom_are_counted_in_a_line_each(scans: Path, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "p.png"
    picture.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)).save(picture)
    workspace, frames = workspace_of(tmp_path / "w", scans, picture)
    draw(workspace, frames)
    report = exported(workspace, tmp_path / "out", scans / "deep", picture.parent)
    assert [line.split(": ")[1] for line in report.lines()[:2]] == [
        "its scan is no DICOM file, so no segmentation can refer to it (left out)",
        "its scan is not in --scans (left out)",
    ]
    assert {oddity: len(places) for oddity, places in report.oddities.items()} == {
        "its scan is no DICOM file, so no segmentation can refer to it (left out)": 1,
        "its scan is not in --scans (left out)": 3,
    }
    assert report.counts["frames exported"] == 1 and report.exit_code == 0
    assert files(tmp_path / "out").keys() == {"IM0002.seg.dcm"}


def test_a_folder_with_none_of_the_scans_is_refused(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans / "clip.dcm")
    draw(workspace, frames)
    with pytest.raises(UsageError, match="holds the scan of none of the 3 outlined frames"):
        exported(workspace, tmp_path / "out", scans / "deep")
    assert not (tmp_path / "out").exists()


def test_a_frame_on_which_no_class_is_complete_is_left_out_and_named(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans / "clip.dcm")
    draw(workspace, frames, covered={1: frozenset()})
    report = exported(workspace, tmp_path / "out", scans)
    assert report.oddities["no class is complete (left out)"] == [frames[1].frame_id]
    assert report.counts["frames exported"] == 2
    assert dcmread(tmp_path / "out" / "clip.seg.dcm").NumberOfFrames == 2 * len(ALL)


def test_a_scan_without_a_number_of_its_own_fails_and_the_others_are_written(phantom: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    resized(phantom, folder / "bad.dcm", frames=1, rows=32, columns=32, StudyInstanceUID=None)
    resized(phantom, folder / "good.dcm", frames=1, rows=40, columns=32)
    workspace, frames = workspace_of(tmp_path / "w", folder)
    draw(workspace, frames)
    report = exported(workspace, tmp_path / "out", folder)
    assert len(report.failures) == 1 and report.exit_code == 1
    assert "bad.dcm: lacks StudyInstanceUID, so no segmentation can refer to it" in report.failures[0]
    assert files(tmp_path / "out").keys() == {"good.seg.dcm"}


def test_two_scans_that_would_become_one_file_are_told(phantom: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    resized(phantom, folder / "a.dcm", frames=1, rows=32, columns=32)
    resized(phantom, folder / "a.dicom", frames=1, rows=40, columns=32)
    workspace, frames = workspace_of(tmp_path / "w", folder)
    draw(workspace, frames)
    report = exported(workspace, tmp_path / "out", folder)
    assert ["would become the same file as" in line for line in report.failures] == [True]
    assert report.counts["written"] == 1


def test_what_dmr_did_not_write_is_not_replaced(scans: Path, tmp_path: Path) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans)
    draw(workspace, frames)
    (tmp_path / "out").mkdir()
    shutil.copy(scans / "clip.dcm", tmp_path / "out" / "clip.seg.dcm")
    report = exported(workspace, tmp_path / "out", scans)
    assert "exists and is no segmentation that dmr wrote" in report.failures[0]
    assert (tmp_path / "out" / "clip.seg.dcm").read_bytes() == (scans / "clip.dcm").read_bytes()
    assert report.counts["written"] == 1


@pytest.mark.parametrize("told", [True, False], ids=["as it says", "as its pixels are stored"])
def test_of_a_scan_that_was_compressed_with_loss_method_and_ratio_are_said(tmp_path: Path, told: bool) -> None:
    source = get_testdata_file("examples_ybr_color.dcm", download=False)
    assert source is not None
    scan, own = tmp_path / "a.dcm", dcmread(source)
    names = ("LossyImageCompression", "LossyImageCompressionMethod", "LossyImageCompressionRatio")
    for name, value in zip(names, ("01", "ISO_10918_1", "27.5"), strict=True):
        setattr(own, name, value)
        if not told:
            delattr(own, name)
    own.save_as(scan)
    workspace, frames = workspace_of(tmp_path / "w", scan)
    draw(workspace, frames[:1])
    exported(workspace, tmp_path / "out", scan)
    data = dcmread(tmp_path / "out" / "a.seg.dcm")
    assert (data.LossyImageCompression, data.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    computed = 240 * 320 * 3 * 30 / scan.stat().st_size
    assert float(data.LossyImageCompressionRatio) == pytest.approx(27.5 if told else computed, abs=0.01)


@pytest.mark.parametrize(("part", "side"), [("ARM", "R"), ("ARM", ""), ("", "R")], ids=["both", "no side", "no part"])
def test_a_side_is_taken_over_with_its_part_of_the_body_only(
    phantom: Path, tmp_path: Path, part: str, side: str
) -> None:
    tags = {"BodyPartExamined": part, "Laterality": side}
    scan = resized(phantom, tmp_path / "a.dcm", frames=1, rows=32, columns=32, **tags)
    workspace, frames = workspace_of(tmp_path / "w", scan)
    draw(workspace, frames)
    exported(workspace, tmp_path / "out", scan)
    data = dcmread(tmp_path / "out" / "a.seg.dcm")
    assert (data.get("BodyPartExamined", ""), data.get("Laterality", "")) == (part, side if part else "")
    assert ("Laterality" in data) == bool(part and side)


def test_a_value_that_the_standard_forbids_stays_as_the_archive_has_it(phantom: Path, tmp_path: Path) -> None:
    scan = resized(phantom, tmp_path / "a.dcm", frames=1, rows=32, columns=32, PatientWeight="71.5")
    content = scan.read_bytes()
    assert content.count(b"71.5") == 1
    scan.write_bytes(content.replace(b"71.5", b"7x.5"))
    workspace, frames = workspace_of(tmp_path / "w", scan)
    draw(workspace, frames)
    assert not exported(workspace, tmp_path / "out", scan).failures
    assert (tmp_path / "out" / "a.seg.dcm").read_bytes().count(b"7x.5") == 1


def test_the_command_writes_says_and_refuses(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, frames = workspace_of(tmp_path / "w", scans)
    monkeypatch.chdir(tmp_path / "w")
    assert "has no outlines yet" in run("export", "../out", "--format", "dicom-seg", "--scans", scans, code=2).output
    draw(workspace, frames)
    dry = run("export", "../out", "--format", "dicom-seg", "--scans", scans, "--dry-run")
    assert "2 written" in dry.output and "Dry run: nothing was written." in dry.output
    assert not (tmp_path / "out").exists()
    assert "Name their folder with --scans" in run("export", "../out", "--format", "dicom-seg", code=2).output
    inside = run("export", "out", "--format", "dicom-seg", "--scans", scans, code=2)
    assert "lies in the workspace, and the segmentations name the patient" in inside.output
    both = run("export", "../out", "--format", "dicom-seg", "--scans", scans, "--images", code=2)
    assert "its files name the patient" in both.output
    other = run("export", "../out", "--format", "coco", "--scans", scans, code=2)
    assert "is for --format dicom-seg alone" in other.output
    run("export", "../out", "--format", "dicom-seg", "--scans", scans / "clip.dcm", "--scans", scans / "deep")
    assert files(tmp_path / "out").keys() == {"clip.seg.dcm", "deep/IM0002.seg.dcm"}
    assert "NAMES THE PATIENT" in run("export", "--help").output
