"""The decoding child: killed, silent or out of memory, it costs one file and never the next."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from dicom_files import speckle, write_dicom
from PIL import Image

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.decoding.child import Decoder

STILL = speckle(1)[0]
SLOW = """
import sys, time
import PIL.Image
real = PIL.Image.open
def slow(*arguments, **options):
    image = real(*arguments, **options)
    if image.size == (7, 7):
        time.sleep(60)
    if image.size == (9, 9):
        bytearray(1 << 40)
    if image.size == (11, 11):
        import os
        os.abort()
    return image
PIL.Image.open = slow
"""


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures that make the child hang, run out of memory, or die; and a whole one."""
    for side, name in ((7, "hangs"), (9, "eats"), (11, "dies")):
        Image.fromarray(STILL[:side, :side]).save(tmp_path / f"{name}.png")
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    (tmp_path / "sitecustomize.py").write_text(SLOW, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def is_read(decoder: Decoder, path: Path) -> bool:
    (found,) = decoder.frames(path)
    return bool(np.array_equal(found.frame.pixels, STILL))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("hangs", "takes longer than 1 s a frame"),
        ("eats", "needs more memory than a scan may take"),
        ("dies", "is damaged: decoding it ends the decoder"),
    ],
)
def test_a_child_that_fails_is_told_and_the_next_two_files_are_read(pictures: Path, name: str, why: str) -> None:
    with Decoder(silent_s=1.0) as decoder:
        assert is_read(decoder, pictures / "whole.png")
        began = time.monotonic()
        with pytest.raises(BrokenInput, match=why):
            list(decoder.frames(pictures / f"{name}.png"))
        assert time.monotonic() - began < 10
        assert is_read(decoder, pictures / "whole.png")
        assert is_read(decoder, pictures / "whole.png")


def test_two_failures_in_a_row_harm_nobody_else(pictures: Path) -> None:
    with Decoder(silent_s=1.0) as decoder:
        for name in ("dies", "dies", "eats", "hangs"):
            with pytest.raises(BrokenInput):
                list(decoder.frames(pictures / f"{name}.png"))
        assert is_read(decoder, pictures / "whole.png")


def test_a_child_killed_in_the_middle_costs_its_file_alone(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", speckle(200, height=480, width=640))
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    with Decoder() as decoder:
        given = decoder.frames(path)
        assert next(given).frame.index == 0
        assert decoder._child is not None
        decoder._child._process.kill()
        with pytest.raises(BrokenInput, match="decoding it ends the decoder"):
            list(given)
        assert is_read(decoder, tmp_path / "whole.png")


def test_frames_that_nobody_takes_are_not_taken_for_the_next_file_s(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", speckle(30))
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    with Decoder() as decoder:
        given = decoder.frames(path)
        next(given)
        given.close()
        assert is_read(decoder, tmp_path / "whole.png")


def test_one_child_serves_many_files(tmp_path: Path) -> None:
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with Decoder() as decoder:
        assert is_read(decoder, tmp_path / "whole.png")
        child = decoder._child
        with pytest.raises(BrokenInput):
            list(decoder.frames(tmp_path / "broken.png"))
        with pytest.raises(BrokenInput, match="cannot be opened"):
            list(decoder.frames(tmp_path / "missing.png"))
        assert is_read(decoder, tmp_path / "whole.png")
        assert decoder._child is child


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it in a file")
def test_the_child_is_limited_in_memory_and_ends_with_its_decoder(tmp_path: Path) -> None:
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    with Decoder() as decoder:
        assert is_read(decoder, tmp_path / "whole.png")
        assert decoder._child is not None
        pid = decoder._child._process.pid
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
        (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
        assert line.split()[3] == str(2048 << 20)
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_is_for_dmr_and_not_for_the_child(tmp_path: Path) -> None:
    Image.fromarray(STILL).save(tmp_path / "whole.png")
    with Decoder() as decoder:
        assert is_read(decoder, tmp_path / "whole.png")
        assert decoder._child is not None
        os.kill(decoder._child._process.pid, signal.SIGINT)
        assert is_read(decoder, tmp_path / "whole.png")
