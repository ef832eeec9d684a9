"""The ultrasound files of pydicom and pydicom-data: each is read, or refused with its reason, as the docs say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_color_lut
from rooms import ROOT
from sample_scans import table, ultrasound_files

from dmr.annotate.scans.decoding.child import Decoder

FILES = {path.name: path for _, path in ultrasound_files()}


def test_there_are_five_and_sixteen() -> None:
    packages = [package for package, _ in ultrasound_files()]
    assert (packages.count("pydicom"), packages.count("pydicom-data")) == (5, 16)


def test_the_table_in_the_docs_is_what_comes_out() -> None:
    with Decoder() as decoder:
        assert table(decoder) in (ROOT / "docs" / "scans.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("one", "other", "most"),
    [
        ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm", 0),
        ("OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", 0),
        ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm", 0),
        ("color-pl.dcm", "color-px.dcm", 0),
        ("US1_UNCR.dcm", "US1_J2KR.dcm", 0),
        ("US1_UNCI.dcm", "US1_J2KI.dcm", 4),
    ],
)
def test_the_same_picture_stored_in_two_ways_gives_the_same_grey(one: str, other: str, most: int) -> None:
    with Decoder() as decoder:
        a, b = (next(iter(list(decoder.frames(FILES[name])))).frame.pixels for name in (one, other))
    assert np.abs(a.astype(int) - b.astype(int)).max() <= most


def test_a_palette_of_16_bits_is_the_picture_that_pydicom_shows() -> None:
    path: Path = FILES["gdcm-US-ALOKA-16.dcm"]
    data = pydicom.dcmread(path)
    shown = apply_color_lut(data.pixel_array, data) >> 8
    with Decoder() as decoder:
        (found,) = decoder.frames(path)
    luma = shown @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found.frame.pixels - luma).max() <= 1
