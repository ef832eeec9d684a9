"""The frames that are not sent before a person has looked at them, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ..catalogue.records import FrameRecord
from ..errors import UsageError
from ..scans.deidentify import NO_SECTOR
from ..wording import counted
from ..workspace import Session

OLDER: Final = "an older dmr took it in, and blanked nothing"


@dataclass(frozen=True, slots=True)
class Held:
    """Frames of one clip that are held for one reason.

    Attributes:
        clip: The clip's id.
        reason: Why the machine is unsure.
        frames: The frames, in the clip's order.
    """

    clip: str
    reason: str
    frames: tuple[FrameRecord, ...]


def held_frames(frames: Iterable[FrameRecord]) -> list[Held]:
    """Those of these frames that may not leave the workspace yet, by clip and reason."""
    waiting = [(f.clip_id, reason_of(f), f.index, f) for f in frames if not f.may_leave and f.state != "erased"]
    waiting.sort(key=lambda item: item[:3])
    return [
        Held(clip, reason, tuple(item[3] for item in same))
        for (clip, reason), same in groupby(waiting, key=lambda item: item[:2])
    ]


def reason_of(frame: FrameRecord) -> str:
    """Why a frame is held."""
    if frame.deid is None:
        return OLDER
    return str(json.loads(frame.deid).get("unsure") or NO_SECTOR)


def chosen(s: Session, names: Sequence[str], *, all_: bool) -> list[FrameRecord]:
    """The held frames that the user means, by frame or clip.

    Args:
        s: A session.
        names: Ids of frames and clips, or their beginnings of at least four characters.
        all_: Whether all are meant.

    Raises:
        UsageError: A name fits none, or nothing is named.
    """
    if all_ == bool(names):
        raise UsageError("quarantine", "needs frames or --all", "Name some that `dmr quarantine list` shows, or --all")
    held = [frame for one in held_frames(s.catalogue.frames()) for frame in one.frames]
    if all_:
        return held
    found: dict[str, FrameRecord] = {}
    for name in names:
        fits = [f for f in held if len(name) > 3 and (f.frame_id.startswith(name) or f.clip_id.startswith(name))]
        if not fits:
            raise UsageError(name, "is no frame or clip in quarantine", "`dmr quarantine list` shows them")
        found |= {f.frame_id: f for f in fits}
    return list(found.values())


def release(s: Session, frames: Sequence[FrameRecord]) -> None:
    """Record that somebody looked at these frames, and none shows who the patient is."""
    s.report.count("frames released", s.catalogue.mark_reviewed(f.frame_id for f in frames))


def drop(s: Session, frames: Sequence[FrameRecord], *, yes: bool) -> None:
    """Delete the pictures of these frames for good, and choose them no more. What was drawn on them stays on record.

    Raises:
        UsageError: Some are labelled, and the user did not confirm.
    """
    labelled = {f.frame_id for f in frames} & s.catalogue.newest_revisions().keys()
    if labelled and not yes:
        many = counted(len(labelled), "labelled frames")
        raise UsageError("quarantine", f"{many} would be lost for training", "Name others, or confirm with --yes")
    s.catalogue.set_eligible([f.frame_id for f in frames], eligible=False)
    for frame in frames:
        s.catalogue.set_rendition_state(frame.frame_id, pixel_sha256=frame.pixel_sha256, state="erased")
        s.workspace.absolute(frame.path).unlink(missing_ok=True)
    s.report.count("frames dropped", len(frames))
