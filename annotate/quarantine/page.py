"""The page with the pictures of the frames in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..catalogue.records import FrameRecord
from ..errors import BrokenInput
from ..intake.ingest import load_frame
from ..render.html import page, today
from ..render.overlay import Picture
from ..system.store import write_atomic
from ..wording import counted
from ..workspace import Session
from .held import Held, held_frames

_A_CLIP: Final = 6  # pictures of one clip: text stands still in it, so its first, last and some between tell
_MOST: Final = 600  # pictures on the page
_WIDEST: Final = 640  # pixels of a picture; text that a person can read in the frame can be read in it too


def write_page(s: Session, *, sample: int = 0) -> Path | None:
    """Write `reports/quarantine.html`.

    Args:
        s: A session.
        sample: Number of frames that are not in quarantine to show too, drawn at random, one a clip.

    Returns:
        Its path; None if there is nothing to show.
    """
    frames = s.catalogue.frames()
    held = held_frames(frames)
    n = sum(len(one.frames) for one in held)
    held += _some_others(frames, sample)
    if not held:
        return None
    rows, left = [], _MOST
    for done, one in enumerate(held):
        s.tell("Drawing the page", int(done > 0), len(held))
        some = one.frames if len(one.frames) <= _A_CLIP else _spread(one.frames)
        shown: list[tuple[str, Picture]] = []
        for frame in some[:left]:
            try:
                shown.append((frame.frame_id, _picture(load_frame(s.workspace, frame).pixels)))
            except BrokenInput as error:
                s.report.fail(error)
        left -= len(shown)
        if shown:
            rows.append((f"{one.clip}, {counted(len(one.frames), 'frames')}: {one.reason}", shown))
    path = s.workspace.root / "reports" / "quarantine.html"
    write_atomic(
        path,
        page(
            "quarantine.html",
            package=__package__,
            title="Quarantine",
            date=today(),
            frames=counted(n, "frames"),
            rows=rows,
            more=max(0, len(held) - len(rows)),
        ),
    )
    return path


def _some_others(frames: Sequence[FrameRecord], count: int) -> list[Held]:
    """One frame of each of so many clips whose frames may be sent."""
    free = {f.clip_id: f for f in frames if f.may_leave and f.state != "erased"}
    clips = np.random.default_rng(len(free)).permutation(sorted(free))[:count]
    return [Held(str(clip), "not in quarantine; a sample", (free[str(clip)],)) for clip in clips]


def _spread(frames: tuple[FrameRecord, ...]) -> tuple[FrameRecord, ...]:
    places = np.linspace(0, len(frames) - 1, _A_CLIP).round().astype(int)
    return tuple(frames[k] for k in places)


def _picture(pixels: NDArray[np.uint8]) -> Picture:
    image = Image.fromarray(pixels)
    if image.width > _WIDEST:
        image = image.resize((_WIDEST, max(1, round(image.height * _WIDEST / image.width))))
    return np.asarray(image.convert("RGB"), dtype=np.uint8)
