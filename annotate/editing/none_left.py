"""Say why no frame is left to draw on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord
from ..wording import counted

NO_FRAMES = "there are no frames yet"


def why_none_is_left(frames: Sequence[FrameRecord], drawn: Collection[str]) -> str:
    """Why none of these frames can be chosen: labelled, dropped from quarantine, or not worth drawing.

    Args:
        frames: Frames of the catalogue, none of which is to be drawn on.
        drawn: Ids of the labelled ones.
    """
    if not frames:
        return NO_FRAMES
    others = [f for f in frames if f.frame_id not in drawn]
    if not others:
        return "every frame is labelled already"
    dropped = sum(f.state == "erased" for f in others)
    parts = (
        (len(frames) - len(others), "labelled"),
        (dropped, "dropped from quarantine"),
        (len(others) - dropped, "near-copies within a clip, or show no view (`dmr ingest --all` takes them in)"),
    )
    told = "; ".join(f"{n} {what}" for n, what in parts if n)
    return f"none of the {counted(len(frames), 'frames')} is left to draw on: {told}"


def why_none(catalogue: Catalogue) -> str:
    """The same of all frames of a workspace."""
    return why_none_is_left(catalogue.frames(), catalogue.newest_revisions().keys())
