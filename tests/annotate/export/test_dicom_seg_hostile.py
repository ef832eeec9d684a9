"""The original scans of a segmentation are read in the child process: what they do to it, they do not do to dmr."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dicom_files import IMPLICIT, speckle, write_dicom
from pydicom import dcmread
from sample_scans import ultrasound_files
from segmentations import draw, exported, resized, workspace_of

from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.dicom_header import READ, derived_dataset, describe_compression
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.scans.decoding.child import Decoder

HARM = """
import os, time
import pydicom
real = pydicom.dcmread
def harmful(path, *arguments, **options):
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    if name.endswith("hangs.dcm"):
        time.sleep(60)
    if name.endswith("dies.dcm"):
        os.abort()
    return real(path, *arguments, **options)
pydicom.dcmread = harmful
"""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for _ in write_phantom(tmp_path / "phantom", PhantomSet(1, 2, format="dicom", labels=False)):
        pass
    phantom = next((tmp_path / "phantom").glob("*.dcm"))
    for columns, name in enumerate(("dies", "hangs", "whole"), 32):
        resized(phantom, tmp_path / "scans" / f"{name}.dcm", frames=1, rows=32, columns=columns)
    return tmp_path / "scans"


@pytest.fixture
def harmful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child process in which two of the files do harm."""
    (tmp_path / "sitecustomize.py").write_text(HARM, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "why"), [("dies", "decoding it ends the decoder"), ("hangs", "takes longer than 1 s")]
)
@pytest.mark.usefixtures("harmful")
def test_a_file_whose_tags_do_harm_costs_itself_alone(scans: Path, name: str, why: str) -> None:
    with Decoder(silent_s=1.0) as decoder:
        with pytest.raises(BrokenInput, match=why):
            decoder.tags(scans / f"{name}.dcm", READ)
        assert decoder.tags(scans / "whole.dcm", READ).Rows == 32


def test_an_export_goes_on_behind_a_file_whose_tags_do_harm(
    scans: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (scans / "hangs.dcm").unlink()
    workspace, frames = workspace_of(tmp_path / "w", scans)
    draw(workspace, frames)
    request.getfixturevalue("harmful")
    report = exported(workspace, tmp_path / "out", scans)
    assert ["dies.dcm: is damaged" in line for line in report.failures] == [True]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole.seg.dcm"]


@pytest.mark.filterwarnings("ignore")  # of the long value
def test_tags_that_are_far_too_long_are_not_handed_over(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", speckle(1), syntax=IMPLICIT, StudyDescription="x" * (1 << 21))
    with pytest.raises(BrokenInput, match="has tags that are far too long"):
        decoder.tags(path, READ)


def test_a_file_that_is_gone_is_told_as_such(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="cannot be opened"):
        decoder.tags(tmp_path / "gone.dcm", READ)


def described(source: Any) -> bytes:
    made = derived_dataset(source)
    describe_compression(made, source, size=1000)
    out = io.BytesIO()
    made.save_as(out, implicit_vr=False, little_endian=True)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore")  # of values in the samples' tags
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for _, path in ultrasound_files()])
def test_tags_come_through_the_child_as_they_are(decoder: Decoder, path: Path) -> None:
    source, handed = dcmread(path, stop_before_pixels=True), decoder.tags(path, READ)
    assert described(handed) == described(source)
    assert {name for name in READ if name in handed} == {name for name in READ if name in source}
