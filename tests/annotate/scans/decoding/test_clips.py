"""Videos, and pictures of several pages, come out frame by frame, with their times, whatever their name says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import speckle
from PIL import Image
from video_files import RATE, write_video

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.decoding.values import Decoded, Span

STILL = speckle(1)[0]
LEVELS = np.stack([np.clip(STILL * scale, 0, 255).astype(np.uint8) for scale in (0.4, 0.6, 0.8, 1.0, 0.7)])


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


def frames(decoder: Decoder, path: Path, span: Span | None = None) -> list[Decoded]:
    return list(decoder.frames(path, span=span or Span()))


def mean_apart(found: list[Decoded], wanted: np.ndarray[Any, Any]) -> float:
    pairs = zip(found, wanted, strict=True)
    return max(float(np.abs(d.frame.pixels.astype(int) - w.astype(int)).mean()) for d, w in pairs)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mp4", "mpeg4"),
        ("a.avi", "mjpeg"),
        ("a.avi", "mpeg4"),
        ("a.mov", "libx264"),
        ("a.mkv", "mpeg4"),
    ],
)
def test_a_video_comes_out_in_order_with_times(decoder: Decoder, tmp_path: Path, name: str, codec: str) -> None:
    write_video(tmp_path / name, LEVELS, codec=codec)
    found = frames(decoder, tmp_path / name)
    assert [d.frame.index for d in found] == [0, 1, 2, 3, 4]
    times = [d.frame.time_ms for d in found]
    assert None not in times
    assert np.allclose(np.diff(np.array(times, float)), 1000 / RATE, atol=1)
    assert mean_apart(found, LEVELS) < 8
    assert found[0].source.is_clip
    assert found[0].source.kind == "video"
    assert [d.frame.index for d in frames(decoder, tmp_path / name, Span(1, 2))] == [1, 3]


def test_a_video_without_an_ending_is_told_by_its_content(decoder: Decoder, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", LEVELS)
    named = (tmp_path / "a.mp4").rename(tmp_path / "IM_0001")
    assert len(frames(decoder, named)) == 5


def test_a_video_that_is_cut_short_gives_an_error_in_one_line(decoder: Decoder, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", speckle(20))
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BrokenInput, match="damaged"):
        frames(decoder, tmp_path / "a.mp4")


def test_a_file_of_sound_alone_is_no_video(decoder: Decoder, tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(BrokenInput, match="is a video without a picture"):
        frames(decoder, tmp_path / "a.mp4")


def test_without_pyav_a_video_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "a.mp4", LEVELS)
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['av'] = None", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Decoder() as decoder, pytest.raises(BrokenInput) as caught:
        frames(decoder, tmp_path / "a.mp4")
    assert "pip install 'dmrnet[video]'" in caught.value.remedy


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_each_page_is_a_frame_and_an_animation_has_times(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    first, *others = [Image.fromarray(level) for level in LEVELS]
    options: dict[str, Any] = {"duration": 80} if kind != "TIFF" else {}
    if kind == "WEBP":
        options["lossless"] = True
    path = tmp_path / f"a.{kind.lower()}"
    first.save(path, format=kind, save_all=True, append_images=others, **options)

    found = frames(decoder, path)
    assert [d.frame.index for d in found] == [0, 1, 2, 3, 4]
    assert mean_apart(found, LEVELS) < 1
    assert [d.frame.time_ms for d in found] == ([None] * 5 if kind == "TIFF" else [0.0, 80.0, 160.0, 240.0, 320.0])
    assert [d.frame.index for d in frames(decoder, path, Span(0, 3))] == [0, 3]
    again = frames(decoder, path, Span(3, 1))
    assert np.array_equal(again[0].frame.pixels, found[3].frame.pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_a_single_picture_is_no_clip_and_has_no_time(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    out = io.BytesIO()
    Image.fromarray(STILL).save(out, format=kind)
    (tmp_path / "IM1").write_bytes(out.getvalue())
    (found,) = frames(decoder, tmp_path / "IM1")
    assert found.frame.time_ms is None
    assert not found.source.is_clip
    assert found.frame.notes == (f"{kind} without the ending of an image",)


def test_the_hash_of_the_file_and_its_place_name_a_frame(decoder: Decoder, tmp_path: Path) -> None:
    import hashlib

    Image.fromarray(STILL).save(tmp_path / "a.png")
    (found,) = frames(decoder, tmp_path / "a.png")
    assert found.frame.source_sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
