"""A DICOM file that says a wrong number of frames: what is whole is taken, and the difference is named in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import BIG, IMPLICIT, JPEG, JPEG_2000, PLAIN, RLE, speckle, write_compressed, write_dicom
from pydicom import dcmread, dcmwrite
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.decoding.values import Decoded, Span

GREY = speckle(3)
RGB = np.stack([GREY] * 3, axis=-1)
SYNTAXES = pytest.mark.parametrize(
    "syntax",
    [PLAIN, IMPLICIT, BIG, RLE, JPEG, JPEG_2000, DeflatedExplicitVRLittleEndian, "colour", "no table of offsets"],
    ids=["explicit", "implicit", "big endian", "RLE", "JPEG", "JPEG 2000", "deflated", "colour", "no table"],
)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


def write(path: Path, syntax: str, *, told: int) -> Path:
    """A file that holds three frames, and says another number."""
    if syntax == "colour":
        return write_dicom(path, RGB, NumberOfFrames=told)
    if syntax in (PLAIN, IMPLICIT, BIG):
        return write_dicom(path, GREY, syntax=syntax, NumberOfFrames=told)
    if syntax == DeflatedExplicitVRLittleEndian:
        data = dcmread(write_dicom(path, GREY, NumberOfFrames=told))
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        dcmwrite(path, data, enforce_file_format=True)
        return path
    bare = syntax == "no table of offsets"
    data = dcmread(write_compressed(path, GREY, syntax=JPEG if bare else syntax))
    if bare:
        data.PixelData = encapsulate(list(generate_frames(data.PixelData)), has_bot=False)
    data.NumberOfFrames = told
    data.save_as(path)
    return path


def taken(decoder: Decoder, path: Path) -> tuple[list[Decoded], str]:
    """The frames that come, and what is said at their end."""
    found: list[Decoded] = []
    try:
        for decoded in decoder.frames(path):
            found.append(decoded)
    except BrokenInput as error:
        return found, error.what
    return found, ""


def check(found: list[Decoded]) -> None:
    assert [d.frame.index for d in found] == [0, 1, 2]
    assert np.abs(np.stack([d.frame.pixels for d in found]).astype(int) - GREY.astype(int)).max() <= 3


@SYNTAXES
@pytest.mark.parametrize("told", [1, 2])
def test_frames_beyond_the_number_that_is_told_are_taken_and_said(
    decoder: Decoder, tmp_path: Path, syntax: str, told: int
) -> None:
    found, said = taken(decoder, write(tmp_path / "a.dcm", syntax, told=told))
    assert said == ""
    check(found)
    assert found[0].source.frames == 3
    assert found[0].frame.notes == (f"holds 3 frames, and its tags say {told} (all are taken)",)


@SYNTAXES
def test_frames_that_are_missing_are_named_after_those_that_are_there(
    decoder: Decoder, tmp_path: Path, syntax: str
) -> None:
    found, said = taken(decoder, write(tmp_path / "a.dcm", syntax, told=5))
    assert said == "holds 3 whole frames, and its tags say 5"
    check(found)


def test_a_frame_that_is_cut_is_not_taken(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY)
    path.write_bytes(path.read_bytes()[:-100])
    found, said = taken(decoder, path)
    assert said == "holds 2 whole frames, and its tags say 3"
    assert [d.frame.index for d in found] == [0, 1]


def test_a_jpeg_frame_in_several_fragments_is_one_frame(decoder: Decoder, tmp_path: Path) -> None:
    data = dcmread(write_compressed(tmp_path / "a.dcm", GREY[:1], syntax=JPEG))
    (frame,) = generate_frames(data.PixelData)
    data.PixelData = encapsulate([frame], fragments_per_frame=3)
    data.save_as(tmp_path / "a.dcm")
    (found,) = decoder.frames(tmp_path / "a.dcm")
    assert found.frame.notes == ()


def test_every_second_frame_is_taken_also_of_those_that_are_not_told(decoder: Decoder, tmp_path: Path) -> None:
    found = list(decoder.frames(write(tmp_path / "a.dcm", JPEG, told=2), span=Span(every=2)))
    assert [d.frame.index for d in found] == [0, 2]


def test_too_many_large_frames_are_refused_by_their_number(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", [b"\xff\xd8\xff\xd9"] * 126, syntax=JPEG, size=(8000, 4000))
    with pytest.raises(BrokenInput, match="has 126 pages of more than 4000 million pixels in all"):
        list(decoder.frames(path))
