"""DICOM pixels of every kind become the same grey frame, with time, regions and spacing from the tags."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import BIG, IMPLICIT, JPEG, JPEG_2000, PLAIN, RLE, region, speckle, write_compressed, write_dicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian
from video_files import elementary_stream

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.decoding.values import Decoded, Span

GREY = speckle(3)
RGB = np.stack([np.moveaxis(speckle(3, seed=k), 0, 2) for k in range(2)])  # 2 frames in colour
BT_601 = np.stack([np.asarray(Image.fromarray(frame).convert("L")) for frame in RGB])


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


def frames(decoder: Decoder, path: Path, **options: Any) -> list[Decoded]:
    return list(decoder.frames(path, **options))


def pixels(decoder: Decoder, path: Path) -> NDArray[np.uint8]:
    return np.stack([d.frame.pixels for d in frames(decoder, path)])


def apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("syntax", [PLAIN, IMPLICIT, BIG], ids=["explicit", "implicit", "big endian"])
def test_grey_of_8_bits_comes_out_as_it_is(decoder: Decoder, tmp_path: Path, syntax: str) -> None:
    assert np.array_equal(pixels(decoder, write_dicom(tmp_path / "a.dcm", GREY, syntax=syntax)), GREY)


@pytest.mark.parametrize("syntax", [PLAIN, BIG], ids=["little endian", "big endian"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_grey_in_16_bits_is_scaled_by_the_bits_that_are_stored(
    decoder: Decoder, tmp_path: Path, syntax: str, bits: int
) -> None:
    wide = np.rint(GREY.astype(float) * ((2**bits - 1) / 255)).astype(np.uint16)
    path = write_dicom(tmp_path / "a.dcm", wide, syntax=syntax, BitsStored=bits, HighBit=bits - 1)
    assert np.array_equal(pixels(decoder, path), GREY)


@pytest.mark.parametrize("bits", [12, 16])
def test_16_bit_frames_of_a_file_have_one_scale(decoder: Decoder, tmp_path: Path, bits: int) -> None:
    top = 2**bits - 1
    wide = np.stack([np.full((8, 8), value, np.uint16) for value in (top // 5, top)])
    found = pixels(decoder, write_dicom(tmp_path / "a.dcm", wide, BitsStored=bits, HighBit=bits - 1))
    assert [frame.max() for frame in found] == [51, 255]


def test_signed_grey_begins_at_the_lowest_value(decoder: Decoder, tmp_path: Path) -> None:
    signed = (GREY.astype(np.int32) * 257 - 32768).astype(np.int16)
    path = write_dicom(tmp_path / "a.dcm", signed, PixelRepresentation=1)
    assert np.array_equal(pixels(decoder, path), GREY)


def test_monochrome1_is_turned_round_and_said(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", 255 - GREY, PhotometricInterpretation="MONOCHROME1")
    found = frames(decoder, path)
    assert np.array_equal(np.stack([d.frame.pixels for d in found]), GREY)
    assert found[0].frame.notes == ("grey from white to black (turned round)",)


@pytest.mark.parametrize("planar", [0, 1], ids=["pixel by pixel", "plane by plane"])
def test_rgb_becomes_grey_by_bt_601_and_tells_its_share_of_colour(
    decoder: Decoder, tmp_path: Path, planar: int
) -> None:
    stored = np.ascontiguousarray(np.moveaxis(RGB, 3, 1)) if planar else RGB
    path = write_dicom(tmp_path / "a.dcm", RGB, PlanarConfiguration=planar, PixelData=stored.tobytes())
    found = frames(decoder, path)
    assert np.array_equal(np.stack([d.frame.pixels for d in found]), BT_601)
    assert found[0].coloured > 0.5


def test_ybr_becomes_the_grey_of_its_rgb(decoder: Decoder, tmp_path: Path) -> None:
    ybr = np.stack([np.asarray(Image.fromarray(frame).convert("YCbCr")) for frame in RGB])
    path = write_dicom(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL")
    found = frames(decoder, path)
    assert apart(np.stack([d.frame.pixels for d in found]), BT_601) <= 2
    assert found[0].coloured > 0.5


def test_ybr_of_half_the_colour_is_read_whole(decoder: Decoder, tmp_path: Path) -> None:
    ybr = np.full((1, 4, 8, 3), 128, np.uint8)
    ybr[..., 0] = np.arange(32).reshape(4, 8) * 8
    luma = ybr[0, ..., 0]
    packed = np.stack([luma[:, ::2], luma[:, 1::2], np.full((4, 4), 128), np.full((4, 4), 128)], axis=-1)
    path = write_dicom(
        tmp_path / "a.dcm",
        ybr,
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=packed.astype(np.uint8).tobytes(),
    )
    assert apart(pixels(decoder, path)[0], luma) <= 1


@pytest.mark.parametrize("syntax", [PLAIN, BIG], ids=["little endian", "big endian"])
@pytest.mark.parametrize("fill", ["upper byte", "all 16 bits", "lower byte"])
def test_a_palette_is_looked_up_whatever_byte_it_fills(
    decoder: Decoder, tmp_path: Path, syntax: str, fill: str
) -> None:
    grey = np.arange(255, -1, -1)  # the index turned round
    table = {"upper byte": grey << 8, "all 16 bits": grey * 257, "lower byte": grey}[fill]
    order = table.astype(">u2" if syntax == BIG else "<u2").tobytes()
    lookup: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        lookup[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        lookup[f"{colour}PaletteColorLookupTableData"] = order
    path = write_dicom(
        tmp_path / "a.dcm", 255 - GREY, syntax=syntax, PhotometricInterpretation="PALETTE COLOR", **lookup
    )
    assert np.array_equal(pixels(decoder, path), GREY)


@pytest.mark.parametrize(("syntax", "most"), [(RLE, 0), (JPEG, 3), (JPEG_2000, 0)], ids=["RLE", "JPEG", "JPEG 2000"])
def test_compressed_grey_comes_out_whole(decoder: Decoder, tmp_path: Path, syntax: str, most: int) -> None:
    path = write_compressed(tmp_path / "a.dcm", GREY, syntax=syntax)
    assert apart(pixels(decoder, path), GREY) <= most
    assert [d.frame.index for d in frames(decoder, path, span=Span(every=2))] == [0, 2]


@pytest.mark.parametrize(
    ("syntax", "codec", "kind"),
    [
        ("1.2.840.10008.1.2.4.100", "mpeg2video", "mpeg2video"),
        ("1.2.840.10008.1.2.4.102", "libx264", "h264"),
    ],
)
def test_a_video_stream_inside_dicom_is_decoded_with_its_times(
    decoder: Decoder, tmp_path: Path, syntax: str, codec: str, kind: str
) -> None:
    grey = speckle(1)[[0] * 12]
    stream = elementary_stream(grey, codec=codec, kind=kind)
    path = write_dicom(
        tmp_path / "a.dcm", [stream], syntax=syntax, size=(48, 64), NumberOfFrames=12, FrameTime="50",
        PhotometricInterpretation="YBR_PARTIAL_420", SamplesPerPixel=3,
    )  # fmt: skip
    found = frames(decoder, path)
    assert [d.frame.index for d in found] == list(range(12))
    assert [d.frame.time_ms for d in found] == [50.0 * k for k in range(12)]
    assert max(apart(d.frame.pixels, g) for d, g in zip(found, grey, strict=True)) < 25
    assert [d.frame.index for d in frames(decoder, path, span=Span(every=5))] == [0, 5, 10]


@pytest.mark.parametrize(
    ("tags", "times"),
    [
        ({"FrameTime": "40"}, [0.0, 40.0, 80.0]),
        ({"FrameTimeVector": ["0", "30", "50"], "FrameTime": "40"}, [0.0, 30.0, 80.0]),
        ({"CineRate": "20"}, [0.0, 50.0, 100.0]),
        ({"RecommendedDisplayFrameRate": "10"}, [0.0, 100.0, 200.0]),
        ({"FrameTime": "0"}, [None] * 3),
        ({"FrameTime": "-5"}, [None] * 3),
        ({"FrameTimeVector": ["0", "30"]}, [None] * 3),
        ({}, [None] * 3),
    ],
)
def test_frame_times_are_the_tags_or_none(
    decoder: Decoder, tmp_path: Path, tags: dict[str, Any], times: list[float | None]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, **tags)
    assert [d.frame.time_ms for d in frames(decoder, path)] == times


def test_a_region_gives_its_box_and_the_spacing(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, SequenceOfUltrasoundRegions=[region(4, 5, 59, 43)])
    found = frames(decoder, path)[0]
    assert found.source.regions == ((4, 5, 60, 44),)
    assert found.frame.spacing_mm == pytest.approx((0.3, 0.2))


@pytest.mark.parametrize("box", [(0, 0, 64, 47), (0, 0, 63, 48), (-1, 0, 63, 47)])
def test_a_region_that_reaches_one_pixel_past_the_frame_is_clamped(
    decoder: Decoder, tmp_path: Path, box: tuple[int, int, int, int]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, SequenceOfUltrasoundRegions=[region(*(max(0, b) for b in box))])
    found = frames(decoder, path)[0]
    assert found.source.regions == ((0, 0, 64, 48),)
    assert found.frame.spacing_mm is not None


def test_a_region_that_reaches_further_drops_regions_and_spacing(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, SequenceOfUltrasoundRegions=[region(0, 0, 65, 47)])
    found = frames(decoder, path)[0]
    assert (found.source.regions, found.frame.spacing_mm) == ((), None)
    assert found.frame.notes == ("an ultrasound region reaches past the frame (made smaller after the scan?)",)


@pytest.mark.parametrize(
    "changes",
    [
        {"RegionSpatialFormat": 3},  # a spectrum
        {"RegionDataType": 2},  # colour flow
        {"PhysicalUnitsXDirection": 4},
        {"PhysicalUnitsYDirection": 5},
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaY": -0.03},
        {"PhysicalDeltaX": float("nan")},
    ],
)
def test_a_region_that_is_no_tissue_in_centimetres_is_left_aside(
    decoder: Decoder, tmp_path: Path, changes: dict[str, Any]
) -> None:
    both = [region(0, 0, 20, 20, **changes), region(4, 5, 59, 43)]
    found = frames(decoder, write_dicom(tmp_path / "a.dcm", GREY, SequenceOfUltrasoundRegions=both))[0]
    assert found.source.regions == ((4, 5, 60, 44),)
    alone = frames(decoder, write_dicom(tmp_path / "b.dcm", GREY, SequenceOfUltrasoundRegions=both[:1]))[0]
    assert (alone.source.regions, alone.frame.spacing_mm) == ((), None)


def test_regions_of_different_scales_give_no_spacing(decoder: Decoder, tmp_path: Path) -> None:
    both = [region(0, 0, 31, 47), region(32, 0, 63, 47, PhysicalDeltaX=0.05)]
    found = frames(decoder, write_dicom(tmp_path / "a.dcm", GREY, SequenceOfUltrasoundRegions=both))[0]
    assert len(found.source.regions) == 2
    assert found.frame.spacing_mm is None
    assert found.frame.notes == ("regions of different scales (no spacing taken)",)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"Modality": "MR"}, "is DICOM of modality MR, not ultrasound"),
        ({"Modality": "QUILLFEATHER"}, "is DICOM of an unknown modality, not ultrasound"),
        ({"Rows": 0}, "is DICOM without a picture, such as a report"),
        ({"Rows": 8000, "Columns": 8000}, "has more than 40 million pixels"),
    ],
)
def test_what_is_no_ultrasound_picture_is_refused_in_one_line(
    decoder: Decoder, tmp_path: Path, tags: dict[str, Any], why: str
) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, **tags)
    with pytest.raises(BrokenInput) as caught:
        frames(decoder, path)
    assert caught.value.what.startswith(why)
    assert "\n" not in str(caught.value)


def test_lossless_jpeg_names_the_extra_where_its_decoder_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "import sys; sys.modules['pylibjpeg'] = sys.modules['libjpeg'] = None"
    (tmp_path / "sitecustomize.py").write_text(missing, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = write_dicom(tmp_path / "a.dcm", [b"\xff\xd8\xff\xd9"], syntax="1.2.840.10008.1.2.4.70", size=(8, 8))
    with Decoder() as decoder, pytest.raises(BrokenInput) as caught:
        list(decoder.frames(path))
    assert "pip install 'dmrnet[jpeg]'" in caught.value.remedy


@pytest.mark.parametrize(
    ("syntax", "named"),
    [
        ("1.2.840.10008.1.2.4.64", " (JPEG"),
        ("1.2.840.10008.1.2.4.66", " (JPEG"),
        ("1.2.840.113619.5.2.777", ""),
    ],
)
def test_a_syntax_that_nothing_reads_is_named_if_it_is_a_standard_one(
    decoder: Decoder, tmp_path: Path, syntax: str, named: str
) -> None:
    written = "1.2.840.10008.1.2.4.64"
    path = write_dicom(tmp_path / "a.dcm", [b"\xff\xd8\xff\xd9"], syntax=written, size=(8, 8))
    path.write_bytes(path.read_bytes().replace(written.encode(), syntax.encode()))
    with pytest.raises(BrokenInput) as caught:
        frames(decoder, path)
    assert caught.value.what.startswith(f"is compressed in a way that is not read{named}")
    assert syntax not in str(caught.value)


def test_jpeg_ls_is_read_with_the_extra(decoder: Decoder, tmp_path: Path) -> None:
    sample = dcmread(get_testdata_file("JPEGLSNearLossless_08.dcm"))  # type: ignore[arg-type]
    sample.Modality = "US"
    sample.save_as(tmp_path / "a.dcm")
    (found,) = frames(decoder, tmp_path / "a.dcm")
    assert apart(found.frame.pixels, np.asarray(sample.pixel_array)) == 0


@pytest.mark.parametrize("syntax", [IMPLICIT, PLAIN], ids=["implicit", "explicit"])
def test_an_old_file_without_preamble_and_syntax_is_read(decoder: Decoder, tmp_path: Path, syntax: str) -> None:
    data = dcmread(write_dicom(tmp_path / "a.dcm", GREY, syntax=syntax))
    bare = io.BytesIO()
    dcmwrite(
        bare, Dataset({element.tag: element for element in data}), implicit_vr=syntax == IMPLICIT, little_endian=True
    )
    (tmp_path / "old").write_bytes(bare.getvalue())
    assert np.array_equal(pixels(decoder, tmp_path / "old"), GREY)


def test_a_deflated_file_is_read(decoder: Decoder, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", GREY, syntax=DeflatedExplicitVRLittleEndian)
    assert np.array_equal(pixels(decoder, path), GREY)
