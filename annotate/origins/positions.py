"""A frame's place in its clip, from 1."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord
from .index import IndexBrokenError, index_path, look_up


@dataclass(frozen=True, slots=True)
class Position:
    """A frame's place in its clip: `place` 1 is the first of `of` frames."""

    place: int
    of: int


def clip_positions(catalogue: Catalogue, frames: Iterable[FrameRecord]) -> dict[str, Position]:
    """The positions of these frames in their clips, by frame id.

    Frames are sorted by time, or by index in the file. Still images, each in its own file, are sorted by file name,
    with numbers by value, if this computer's private index knows the names. Else the frame id decides.
    """
    clips = {f.clip_id for f in frames}
    members = catalogue.clip_members(clips)
    try:
        known = look_up(index_path(catalogue.meta("key_id")), (frame for _, frame, _ in members))
    except IndexBrokenError:  # the order only helps people, so a broken index is no failure
        known = {}
    orders: dict[str, list[tuple[float, bool, list[tuple[int, int, str]], str]]] = defaultdict(list)
    for clip, frame, place in members:
        seen = known.get(frame)
        orders[clip].append((place, seen is None, _by_value(seen.path) if seen else [], frame))
    return {
        frame: Position(place, len(order))
        for order in orders.values()
        for place, (*_, frame) in enumerate(sorted(order), 1)
    }


def _by_value(path: Path) -> list[tuple[int, int, str]]:
    """A sort key that puts `p_9` before `p_10`: the file's name, then its folder."""
    parts = re.split(r"([0-9]+)", f"{path.name}/{path.parent}".casefold())
    return [(0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts if part]
