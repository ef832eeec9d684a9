"""Short videos by FFmpeg, for tests that decode them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 20  # frames a second


def write_video(
    file: Path | IO[bytes],
    pixels: NDArray[np.uint8],
    *,
    codec: str = "mpeg4",
    kind: str | None = None,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write grey frames as a video.

    Args:
        file: The file; its ending tells the container.
        pixels: `(frames, height, width)` uint8, of even sides.
        codec: FFmpeg's name of the encoder.
        kind: FFmpeg's name of the container; by default by the ending.
        texts: Metadata of the container.
    """
    with av.open(str(file) if isinstance(file, Path) else file, mode="w", format=kind) as container:
        container.metadata.update(texts or {})
        stream: Any = container.add_stream(codec, rate=RATE)
        stream.height, stream.width = pixels.shape[1:]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        for index, frame in enumerate(pixels):
            shown = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, axis=2), format="rgb24")
            shown.pts, shown.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))


def elementary_stream(pixels: NDArray[np.uint8], *, codec: str, kind: str) -> bytes:
    """The bare stream of a video, as it lies in a DICOM file; even in length."""
    out = io.BytesIO()
    write_video(out, pixels, codec=codec, kind=kind)
    return out.getvalue() + b"\0" * (out.tell() % 2)
