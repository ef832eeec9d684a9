"""Points, and the boxes and clicks of smart tools: they show where something is, and are no outlines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ...classes import Classes
from ..answers.records import StudioRegion
from ..interface.config import Interface

TOLD: Final = "a point or a box is no outline and is left out; without an outline, its class is not counted as absent"

_POINTS: Final = ("keypointlabels", "keypoint")
_OUTLINE: Final = "polygonlabels"


def without_marks(
    regions: Sequence[StudioRegion], interface: Interface
) -> tuple[list[StudioRegion], list[StudioRegion]]:
    """The outlines among regions, and the marks.

    If a label is on while somebody accepts the outline of a smart tool, Label Studio puts that label on the outline
    too: then the same outline comes twice.
    """
    outlines = {(r.id, r.points, r.labels) for r in regions if r.kind == _OUTLINE}
    marks = [
        r
        for r in regions
        if r.kind in _POINTS
        or (r.control in interface.smart and r.kind != _OUTLINE)
        or (r.points and r.kind != _OUTLINE and (r.id, r.points, r.labels) in outlines)
    ]
    return [r for r in regions if r not in marks], marks


def is_plain_point(mark: StudioRegion, interface: Interface) -> bool:
    """Whether somebody set a point on purpose, and no smart tool left it."""
    return mark.kind in _POINTS and mark.control not in interface.smart


def unsaid(marks: Iterable[StudioRegion], *, drawn: Iterable[int], classes: Classes) -> frozenset[int]:
    """The classes of which only a mark tells something: nobody said that they are absent.

    Args:
        marks: What `without_marks` found.
        drawn: The classes that are outlined.
        classes: The workspace's classes; a mark may stand for each of them if its label is none.
    """
    found = {classes.class_id(label) for mark in marks for label in mark.labels or ("",)}
    ids = {c.id for c in classes} if None in found else {i for i in found if i is not None}
    return frozenset(ids) - frozenset(drawn)
