"""Short runs of what `make bench-ingest` measures: damaged files, burned-in texts, and memory of a long cine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from burned_in import look_at
from dicom_files import write_dicom
from long_cine import cine, peak_mib
from mutations import Outcome, try_mutations


def test_damaged_files_of_every_kind_end_in_pixels_or_one_line(tmp_path: Path) -> None:
    outcome = Outcome()
    try_mutations(240, seed=1, folder=tmp_path, outcome=outcome)
    assert outcome.told == []
    assert outcome.hangs == 0
    assert outcome.counts["traceback"] == 0
    assert outcome.counts["refused"] > 50
    assert outcome.counts["read"] > 20


@pytest.mark.parametrize("number", [*range(1, 9), 111])  # in the last one, a name touches the sector
def test_no_burned_in_text_is_left_of_a_scan_with_its_region(number: int) -> None:
    seen = look_at(number)
    assert seen.leaks_uncleaned, "the texts are there before"
    assert not seen.leaks
    assert not seen.unsure
    assert seen.sector_blanked <= 0.01
    assert not seen.untagged_leaks or seen.untagged_unsure, "without the region the sector is found in the pixels"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process's peak in a file")
def test_a_long_cine_costs_at_most_64_mib_more_than_a_frame(tmp_path: Path) -> None:
    peaks = {}
    for frames in (1, 120):
        scan = write_dicom(tmp_path / f"{frames}.dcm", cine(frames), FrameTime="50")
        peaks[frames] = peak_mib(tmp_path, f"w{frames}", scan)
    assert peaks[120] - peaks[1] <= 64
