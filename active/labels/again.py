"""Labelled frames to be drawn again: why, how long it takes, and what that teaches a minute."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.shapes import Annotation
from ...annotate.workspace import Session
from ..selection.informative import Parts, a_minute
from ..selection.seconds import GRID, Pace, told_seconds
from .table import LabelDoubt, label_doubts

TRUE_SHARE: Final = 0.4
"""Of doubtful labels, so many are wrong: eight or nine of the 20 most doubtful real ones (decision 22)."""


@dataclass(frozen=True, slots=True)
class Again:
    """A labelled frame to be drawn again.

    Attributes:
        item: The frame with its outlines.
        reason: Why, in a sentence for a physician.
        seconds: Predicted time.
        gain: Expected gain, a minute; on the scale of `informative.gains`.
    """

    item: LabelledFrame
    reason: str
    seconds: float
    gain: float


def frames_again(s: Session, *, needs: Mapping[str, float], pace: Pace, parts: Parts) -> list[Again]:
    """What the last `dmr check --labels` found doubtful and nobody has drawn again, the most worth a minute first.

    A doubtful structure teaches as much as one of which a model knows nothing at all, if its label is wrong; how
    likely that is, the doubt says, times `TRUE_SHARE`.

    Args:
        s: The session.
        needs: How much each class still has to be learnt, by its name; sum 1. A class that is not there needs nothing.
        pace: A physician's time.
        parts: Says whether time counts.
    """
    found = label_doubts(s)
    if not found:
        return []
    labelled = {item.frame.frame_id: item for item in s.catalogue.settled_frames()}
    usual = _usual_lengths(labelled.values())
    ids = {c.name: c.id for c in s.settings.classes.active}
    rows = []
    for frame, every in found.items():
        doubts = [d for d in every if d.class_name in ids]
        if (item := labelled.get(frame)) is None or not doubts:
            continue
        lengths = [_length(item, ids.get(d.class_name), usual) for d in doubts]
        seconds = float(pace.seconds(np.array([[len(doubts), sum(lengths)]], np.float64))[0])
        value = TRUE_SHARE * sum(d.score * needs.get(d.class_name, 0.0) for d in doubts)
        reason = why_again(doubts) if parts.reasons else ""
        if reason and parts.time:
            reason += f"; {told_seconds(seconds)}"
        rows.append(Again(item, reason, seconds, float(a_minute(np.array(value), np.array(seconds), parts))))
    return sorted(rows, key=lambda a: (-a.gain, a.item.frame.frame_id))


def why_again(doubts: Sequence[LabelDoubt]) -> str:
    """What is doubtful about a frame, in a sentence for a physician."""
    return f"perhaps draw this again: {'; '.join(_said(d) for d in doubts)}"


def _said(doubt: LabelDoubt) -> str:
    """What is doubtful about a class, as part of a sentence."""
    name = doubt.class_name.replace("_", " ")
    what, _, why = doubt.what.partition(": ")
    because = f" ({why})" if why else ""
    if what == "perhaps forgotten":
        return f"the {name} may have been forgotten{because}"
    if what.startswith("said to be absent"):
        return f"the {name} is said to be absent, and may have been forgotten{because}"
    if what.startswith("drawn as"):
        return f"what is {what.replace(', looks', ' looks')}"
    if what.startswith("more outlines here"):
        return f"the {name} has more outlines here than on this patient's frames like it"
    if what.startswith("border"):
        return f"the border of the {name} may be {what.removeprefix('border ')}"
    return f"the {name} is {what}"


def _length(item: LabelledFrame, class_id: int | None, usual: Mapping[int, float]) -> float:
    """Boundary pixels of a class on the grid of times: of what is drawn, or as on other frames."""
    if class_id is None:
        return 0.0
    return _lengths(item.annotation).get(class_id) or usual.get(class_id, 0.0)


def _usual_lengths(labelled: Iterable[LabelledFrame]) -> dict[int, float]:
    """The median length of each class that is drawn anywhere."""
    found: dict[int, list[float]] = defaultdict(list)
    for item in labelled:
        for class_id, length in _lengths(item.annotation).items():
            found[class_id].append(length)
    return {class_id: float(np.median(own)) for class_id, own in found.items()}


def _lengths(annotation: Annotation) -> dict[int, float]:
    found: dict[int, float] = defaultdict(float)
    scale = GRID / max(annotation.height, annotation.width)
    for shape in annotation.shapes:
        around = zip(shape.points, (*shape.points[1:], shape.points[0]), strict=True)
        found[shape.class_id] += scale * sum(math.dist(a, b) for a, b in around)
    return dict(found)
