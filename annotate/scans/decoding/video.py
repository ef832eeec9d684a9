"""Videos by FFmpeg, through PyAV: MP4, AVI, MOV and the like, and the streams inside DICOM files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from ...errors import BrokenInput
from ..images import MOST_PIXELS, MOST_PIXELS_A_FILE, too_large, too_long
from .pixels import Shown, coloured_share, grey_of_rgb
from .values import Source, Span

_AGAIN: Final = "Export it again from the scanner, or take a copy that is whole"


def open_video(path: Path, *, sha256: str, span: Span, alive: Callable[[], None]) -> tuple[Source, Iterator[Shown]]:
    """What a video says of itself, and its frames. Its texts and sound are not looked at.

    Raises:
        BrokenInput: It is damaged, too large, holds no picture, or PyAV is not installed.
    """
    frames = video_frames(str(path), where=path, span=span, alive=alive)
    return Source(kind="video", sha256=sha256, frames=None), frames


def video_frames(file: str | IO[bytes], *, where: object, span: Span, alive: Callable[[], None]) -> Iterator[Shown]:
    """The frames of a video, upright, in the order shown.

    Args:
        file: Its path, or the open stream.
        where: What to call it in an error.
        span: The wanted frames.
        alive: Called for each frame that is not wanted.
    """
    av = _pyav(where)
    number, left = 0, MOST_PIXELS_A_FILE
    try:
        with av.open(file, mode="r", metadata_errors="ignore") as container:
            if not container.streams.video:
                raise BrokenInput(where, "is a video without a picture", "Export the cine itself")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            if stream.codec_context.width * stream.codec_context.height > MOST_PIXELS:
                raise too_large(where)
            for frame in container.decode(stream):
                left -= frame.width * frame.height
                if left < 0:
                    raise too_long(where, number + 1)
                if span.holds(number):
                    yield _shown(frame, number)
                else:
                    alive()
                number += 1
    except av.error.FFmpegError as error:
        if number == 0:
            raise BrokenInput(where, "is a video that cannot be decoded: it is damaged or cut short", _AGAIN) from error
        raise BrokenInput(where, f"is damaged after frame {number}", _AGAIN) from error
    if number == 0:
        raise BrokenInput(where, "is a video without a frame", _AGAIN)


def _shown(frame: Any, number: int) -> Shown:
    pixels = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    if turns:
        import numpy as np

        pixels = np.rot90(pixels, turns)  # FFmpeg gives the angle against the clock
    notes = ("turned as the video says",) if turns else ()
    time_ms = None if frame.time is None else float(frame.time) * 1000
    return Shown(number, grey_of_rgb(pixels), time_ms, coloured_share(pixels), notes)


def _pyav(where: object) -> Any:
    try:
        import av
        import av.error
    except ImportError as error:
        remedy = "Install it with `pip install 'dmrnet[video]'`, or export the frames as PNG"
        raise BrokenInput(where, "is a video, and PyAV, which decodes it, is not installed", remedy) from error
    return av
