"""NIfTI volumes out and in."""

from __future__ import annotations

import gzip
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.errors import BrokenInput, UsageError
from dmr.annotate.formats.nifti import is_our_volume, nifti_volume, read_nifti


def slices(count: int, height: int, width: int) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(count * 100 + height)
    return [random.integers(0, 255, (height, width), dtype=np.uint8) for _ in range(count)]


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.sampled_from([None, (0.5, 0.25)]))
def test_a_volume_comes_back_whole(count: int, height: int, width: int, spacing: tuple[float, float] | None) -> None:
    made = slices(count, height, width)
    data = nifti_volume(made, spacing_mm=spacing)
    assert data == nifti_volume(made, spacing_mm=spacing)
    back, said = read_nifti(data, where="v")
    assert said == spacing
    assert len(back) == count
    for one, other in zip(made, back, strict=True):
        np.testing.assert_array_equal(one, other)
    assert is_our_volume(data)


def test_nibabel_sees_column_row_frame_and_millimetres() -> None:
    image: Any = nibabel.Nifti1Image.from_bytes(gzip.decompress(nifti_volume(slices(3, 4, 5), spacing_mm=(0.2, 0.1))))
    assert image.shape == (5, 4, 3)
    assert image.header.get_zooms() == pytest.approx((0.1, 0.2, 1.0))
    assert image.header.get_xyzt_units()[0] == "mm"


def foreign(volume: object) -> bytes:
    made: Any = nibabel.Nifti1Image
    return bytes(made(np.asarray(volume), np.eye(4)).to_bytes())


def test_volumes_of_other_programs_are_read_and_are_not_ours() -> None:
    volume = np.zeros((5, 4), np.float32)
    volume[2, 1] = 3
    data = foreign(volume)
    (one,), _ = read_nifti(data, where="v")
    assert one.shape == (4, 5)
    assert one[1, 2] == 3
    assert not is_our_volume(data)
    assert len(read_nifti(foreign(np.zeros((5, 4, 2, 1), np.int16)), where="v")[0]) == 2


@pytest.mark.parametrize("volume", [np.full((3, 3, 1), 0.5, np.float32), np.full((3, 3, 1), 300, np.int16)])
def test_what_holds_no_class_indices_is_refused(volume: object) -> None:
    with pytest.raises(BrokenInput, match="no class index"):
        read_nifti(foreign(volume), where="v")


@given(st.binary(max_size=400) | st.integers(0, 347).map(lambda k: k.to_bytes(2, "big")))
def test_damage_is_told_in_one_line(data: bytes) -> None:
    whole = bytearray(gzip.decompress(nifti_volume(slices(2, 3, 3), spacing_mm=None)))
    if len(data) == 2:
        whole[int.from_bytes(data, "big") % len(whole)] ^= 0xFF
        data = bytes(whole)
    try:
        read_nifti(data, where="v")
    except BrokenInput as error:
        assert "Error" not in str(error)


def test_without_nibabel_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(UsageError, match=r"pip install 'dmrnet\[nifti\]'"):
        nifti_volume(slices(1, 3, 3), spacing_mm=None)
