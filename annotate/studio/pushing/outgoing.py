"""Frames on their way to physicians, and what a task shows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...catalogue.records import FrameRecord, LabelledFrame, PredictionRecord
from ...classes import Classes
from ..interface.config import Interface
from ..projects.payload import region_to_json
from ..projects.queues import draft_regions, outline_regions, pushed_hash
from ..pulling.settling import readers_json


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame to be labelled. A list of them is in order.

    Attributes:
        frame: The frame.
        reason: Why the frame is worth a physician's time.
        draft: The outlines to begin with; None for an empty frame.
        again: The outlines that it has, if it is labelled and to be drawn again; they are shown instead of a draft.
        readers: The outlines of readers who disagree, A first, if somebody is to decide; shown instead of a draft.
    """

    frame: FrameRecord
    reason: str
    draft: PredictionRecord | None = None
    again: LabelledFrame | None = None
    readers: tuple[LabelledFrame, ...] = ()


def result_json(o: Outgoing, *, interface: Interface, classes: Classes) -> list[dict[str, Any]]:
    """What physicians see on a frame to begin with, as Label Studio's JSON."""
    if o.readers:
        return readers_json(o.readers, interface=interface, classes=classes)
    if o.again is not None:
        drafts = outline_regions(o.again, interface=interface, classes=classes)
    elif o.draft is not None:
        drafts = draft_regions(o.draft, o.frame, interface=interface, classes=classes)
    else:
        return []
    return [region_to_json(draft.region, interface=interface) for draft in drafts]


def outgoing_hash(o: Outgoing, result: Sequence[dict[str, Any]]) -> str:
    """Hash of what is shown on a frame, without the place in the order."""
    return pushed_hash(o.frame, o.draft.model if o.draft else None, result)


def score_of(rank: int, total: int) -> float:
    """The score of a prediction: the first of the ranking has the lowest."""
    return round(rank / (total + 1), 9)
