"""DICOM segmentations hold the outlines bit for bit, read by pydicom and highdicom, and keep to the standard."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from dicom_standard import findings
from highdicom.color import CIELabColor
from highdicom.seg import segread
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from segmentations import CLASSES, DRAWN_AT, draw, exported, planes, resized, workspace_of

from dmr.annotate.catalogue.records import ModelRecord
from dmr.annotate.formats.dicom_header import cielab, local_time
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.shapes import Annotation

FRAMES: Final = 9
MODEL: Final = ModelRecord(id="v1", sha256="e" * 64, class_ids=(1, 2, 3, 4))
NAMES: Final = {c.id: c.name for c in CLASSES}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom clip as DICOM."""
    folder = tmp_path_factory.mktemp("phantom")
    for _ in write_phantom(folder, PhantomSet(1, FRAMES, format="dicom", labels=False)):
        pass
    return next(folder.glob("*.dcm"))


@pytest.fixture(params=["clip", "clip of odd size", "still", "still of odd size"])
def scan(request: pytest.FixtureRequest, phantom: Path, tmp_path: Path) -> Path:
    """DICOM files of one and of several frames, of which one has 7 pixels more than fill whole bytes."""
    target = tmp_path / "scans" / "IM0001.dcm"
    if request.param == "clip":
        target.parent.mkdir()
        return Path(shutil.copy(phantom, target))
    frames = 1 if "still" in request.param else FRAMES
    rows, columns = (33, 55) if "odd" in request.param else (64, 96)
    return resized(phantom, target, frames=frames, rows=rows, columns=columns)


def mask(annotation: Annotation, class_id: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    own = [shape for shape in annotation.shapes if shape.class_id == class_id]
    return polygons_to_mask(own, height=annotation.height, width=annotation.width)


def written(scan: Path, tmp_path: Path, **more: Any) -> tuple[Path, dict[int, Annotation]]:
    """The segmentation of a scan of which all frames are outlined; on the fourth, only the nerve is complete."""
    workspace, frames = workspace_of(tmp_path / "w", scan)
    with workspace.session(write=True) as s:
        s.catalogue.add_model(MODEL)
    drawn = draw(workspace, frames, covered={3: frozenset({2})}, **more)
    report = exported(workspace, tmp_path / "out", scan.parent)
    assert not report.failures and not report.oddities
    return tmp_path / "out" / "IM0001.seg.dcm", drawn


def test_masks_come_back_bit_for_bit_by_pydicom(scan: Path, tmp_path: Path) -> None:
    path, drawn = written(scan, tmp_path)
    data = dcmread(path)
    pixels = data.pixel_array.reshape(-1, data.Rows, data.Columns)
    places = planes(data)
    assert places.keys() == {(NAMES[k], i) for i, annotation in drawn.items() for k in annotation.covered}
    for index, annotation in drawn.items():
        for class_id in annotation.covered:
            assert np.array_equal(pixels[places[NAMES[class_id], index]], mask(annotation, class_id))
    assert data.SegmentsOverlap == "YES"


def test_masks_come_back_bit_for_bit_by_highdicom(scan: Path, tmp_path: Path) -> None:
    path, drawn = written(scan, tmp_path)
    source, read = dcmread(scan, stop_before_pixels=True), segread(path)
    for index, annotation in drawn.items():
        numbers = [n for n in read.segment_numbers if read.get_segment_description(n).segment_label == "median_nerve"]
        if source.get("NumberOfFrames"):
            got = read.get_pixels_by_source_frame(source.SOPInstanceUID, [index + 1], segment_numbers=numbers)
        else:
            got = read.get_pixels_by_source_instance([source.SOPInstanceUID], segment_numbers=numbers)
        assert np.array_equal(got[0, :, :, 0].astype(bool), mask(annotation, 2)) and got.any()


def test_a_class_that_is_absent_has_an_empty_frame_and_one_that_nobody_looked_for_has_none(
    phantom: Path, tmp_path: Path
) -> None:
    scan = Path(shutil.copy(phantom, tmp_path / "IM0001.dcm"))
    path, _ = written(scan, tmp_path)
    data = dcmread(path)
    places = planes(data)
    assert not data.pixel_array[places["needle", 0]].any()
    assert ("median_nerve", 3) in places and ("needle", 3) not in places and ("muscle", 3) not in places


def test_dicom_validator_finds_nothing_wrong(scan: Path, tmp_path: Path) -> None:
    data = dcmread(written(scan, tmp_path)[0])
    assert findings(data) == []


def without(data: Dataset, *path: str) -> Dataset:
    spoilt = deepcopy(data)
    inner: Any = spoilt
    for step in path[:-1]:
        inner = inner[step][0]
    del inner[path[-1]]
    return spoilt


@pytest.mark.parametrize(
    "path",
    [
        ("SegmentSequence",),
        ("SegmentSequence", "SegmentedPropertyTypeCodeSequence"),
        ("PerFrameFunctionalGroupsSequence", "SegmentIdentificationSequence"),
        ("PerFrameFunctionalGroupsSequence", "DerivationImageSequence"),
        ("ReferencedSeriesSequence", "ReferencedInstanceSequence"),
        ("DimensionOrganizationSequence",),
        ("PatientID",),
    ],
    ids=".".join,
)
def test_dicom_validator_would_find_what_is_missing(phantom: Path, tmp_path: Path, path: tuple[str, ...]) -> None:
    scan = resized(phantom, tmp_path / "scans" / "IM0001.dcm", frames=1, rows=16, columns=16)
    assert findings(without(dcmread(written(scan, tmp_path)[0]), *path))


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_dciodvfy_finds_nothing_wrong(scan: Path, tmp_path: Path) -> None:
    path, _ = written(scan, tmp_path)
    told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    own_scheme = "CodingSchemeDesignator(0008,0102)[1]> - Unrecognized defined term = <99DMR>"  # it knows public ones
    lines = [line for line in (told.stdout + told.stderr).splitlines() if not line.endswith(own_scheme)]
    assert lines == ["Segmentation"]


@pytest.mark.parametrize(("draft", "kind"), [(None, "MANUAL"), ("v1", "SEMIAUTOMATIC")], ids=["drawn", "corrected"])
def test_what_a_draft_began_is_not_called_manual(phantom: Path, tmp_path: Path, draft: str | None, kind: str) -> None:
    scan = resized(phantom, tmp_path / "scans" / "IM0001.dcm", frames=1, rows=40, columns=40)
    data = dcmread(written(scan, tmp_path, draft_model=draft)[0])
    kinds = {str(s.SegmentLabel): str(s.SegmentAlgorithmType) for s in data.SegmentSequence}
    assert kinds == {"muscle": kind, "median_nerve": kind, "artery": kind, "needle": "MANUAL"}
    assert findings(data) == []


def test_segments_have_coded_terms_and_the_class_s_colour(phantom: Path, tmp_path: Path) -> None:
    scan = resized(phantom, tmp_path / "scans" / "IM0001.dcm", frames=1, rows=40, columns=40)
    segments = dcmread(written(scan, tmp_path)[0]).SegmentSequence
    codes = {str(s.SegmentLabel): s.SegmentedPropertyTypeCodeSequence[0] for s in segments}
    assert {label: (c.CodeValue, c.CodingSchemeDesignator) for label, c in codes.items()} == {
        "muscle": ("91727004", "SCT"),
        "median_nerve": ("91728009", "SCT"),
        "needle": ("needle", "99DMR"),
        "artery": ("51114001", "SCT"),
    }
    assert list(segments[0].RecommendedDisplayCIELabValue) == list(cielab("#0072B2"))


@pytest.mark.parametrize("color", ["#000000", "#FFFFFF", "#0072B2", "#E69F00", "#010203", "#F0E442"])
def test_colours_are_those_of_highdicom(color: str) -> None:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    theirs = CIELabColor.from_rgb(red, green, blue).value
    assert np.allclose(cielab(color), theirs, atol=3)  # of 65535: they round the white


def test_the_time_is_that_of_the_newest_outline_in_the_scan_s_time_zone() -> None:
    zone = Dataset()
    zone.TimezoneOffsetFromUTC = "-0330"
    assert local_time(DRAWN_AT, zone) == ("20260301", "043910.500000")
    zone.TimezoneOffsetFromUTC = "+0800"
    assert local_time(DRAWN_AT, zone) == ("20260301", "160910.500000")


@pytest.fixture
def hush() -> Iterator[None]:
    """pydicom warns of values in its own test files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


OLD_DATES: Final = ("(0008,0020)", "(0008,0030)")  # `1997.04.24`, as the source has them
REAL: Final[dict[str, tuple[str, ...]]] = {
    "ExplVR_BigEnd.dcm": OLD_DATES,
    "color-pl.dcm": OLD_DATES,
    "examples_jpeg2k.dcm": (),
    "examples_palette.dcm": (),
    "examples_rgb_color.dcm": (),
    "examples_ybr_color.dcm": (),
    "OBXXXX1A_2frame.dcm": (),
    "US1_J2KI.dcm": (),
    "gdcm-US-ALOKA-16.dcm": (),
}
"""Ultrasound files of pydicom and pydicom-data, and the tags with values of the source that the standard forbids."""


@pytest.mark.parametrize("name", REAL)
@pytest.mark.usefixtures("hush")
def test_files_of_real_scanners_have_segmentations_that_keep_to_the_standard(name: str, tmp_path: Path) -> None:
    source = get_testdata_file(name, download=False)
    if source is None:
        pytest.skip("pydicom-data is not installed")
    (tmp_path / "scans").mkdir()
    scan = Path(shutil.copy(source, tmp_path / "scans" / "IM0001.dcm"))
    workspace, frames = workspace_of(tmp_path / "w", scan)
    drawn = draw(workspace, [frames[-1]])
    report = exported(workspace, tmp_path / "out", scan)
    assert not report.failures, report.failures
    data = dcmread(tmp_path / "out" / "IM0001.seg.dcm")
    own = dcmread(scan, stop_before_pixels=True)
    index = frames[-1].index
    place = planes(data)["median_nerve", index if own.get("NumberOfFrames", 1) > 1 else 0]
    assert np.array_equal(data.pixel_array[place], mask(drawn[index], 2))
    assert (data.StudyInstanceUID, data.PatientID) == (own.StudyInstanceUID, own.get("PatientID", ""))
    assert data.LossyImageCompression == own.get("LossyImageCompression", "00")
    found = findings(data)
    assert len(found) == len(REAL[name]) and all(any(tag in line for line in found) for tag in REAL[name])
