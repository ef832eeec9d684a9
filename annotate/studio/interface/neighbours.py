"""The frames before and after a frame in its clip: in Label Studio they stand beside the image, small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ...catalogue.catalogue import Catalogue
from ...catalogue.records import FrameRecord

APART_MS: Final = 250.0  # nearer frames of a clip look alike
STYLE: Final = (  # of the page: a picture grows while the mouse is on it
    ".dmr-clip div {display: flex; gap: 4px} .dmr-clip p {width: 92px; font-size: 11px} .dmr-clip img {width: 92px} "
    ".dmr-clip img:hover {transform: scale(4); transform-origin: bottom right; position: relative; z-index: 9}"
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another frame of the same clip, and where it stands in words."""

    frame: FrameRecord
    words: str


def neighbours(catalogue: Catalogue, frames: Iterable[FrameRecord]) -> dict[str, list[Neighbour]]:
    """The frame before and the frame after, about `APART_MS` away, by frame id.

    A still frame has none. A frame that may not leave the workspace is nobody's neighbour.
    """
    wanted = [frame for frame in frames if frame.time_ms is not None]
    clips: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for clip, frame_id, time_ms in catalogue.clip_members(frame.clip_id for frame in wanted):
        clips[clip].append((time_ms, frame_id))
    chosen = {frame.frame_id: _beside(frame, sorted(clips[frame.clip_id])) for frame in wanted}
    known = catalogue.frames({other for found in chosen.values() for _, other in found})
    shown = {frame.frame_id: frame for frame in known if frame.may_leave and frame.path}
    return {
        frame: [Neighbour(shown[other], words) for words, other in found if other in shown]
        for frame, found in chosen.items()
    }


def clip_markdown(pictures: Sequence[tuple[str, str]]) -> str:
    """What stands beside the image: pictures, each as address and words; empty without any."""
    return "\n\n".join(f"![{words}]({address}) {words}" for address, words in pictures)


def _beside(frame: FrameRecord, members: Sequence[tuple[float, str]]) -> list[tuple[str, str]]:
    """Words and id of the frame before and of the frame after; the clip's end if no frame is far enough away."""
    own = frame.time_ms or 0.0
    before = [m for m in members if m[0] < own]
    after = [m for m in members if m[0] > own]
    chosen = [max((m for m in before if m[0] <= own - APART_MS), default=before[0])] if before else []
    chosen += [min((m for m in after if m[0] >= own + APART_MS), default=after[-1])] if after else []
    return [(f"{abs(at - own) / 1000:.2g} s {'before' if at < own else 'after'}", other) for at, other in chosen]
