"""What a submission in a queue counts as, and who may hand it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...catalogue.catalogue import Catalogue
from ...catalogue.readings import standing
from ...catalogue.records import Reading, Revision
from ...settings.model import Purpose
from .submission import UnreadableError

READING_OF: Final[Mapping[Purpose, Reading]] = {
    "correct": "first",
    "audit": "first",
    "second-reading": "second",
    "adjudication": "adjudication",
    "repeat": "repeat",
}
"""Which reading of a frame a queue asks for."""


def check_reader(catalogue: Catalogue, frame: str, author: str, reading: Reading) -> None:
    """Refuse a second reading by the first reader, a repeat by somebody else, and a decision on one's own outlines.

    Raises:
        UnreadableError: It is one of these.
    """
    own = [r for r in catalogue.readings([frame]).get(frame, ()) if r.author == author]
    what = ""
    if reading == "second" and any(r.reading == "first" for r in own):
        what = "its reader has read the frame first, so it is no second reading"
    if reading == "repeat" and not any(r.reading in ("first", "second") for r in own):
        what = "its reader has not read the frame before, so it is no repeat"
    if reading == "adjudication" and any(r.reading in ("first", "second") for r in standing(own)):
        what = "its reader has drawn one of the outlines, so it settles nothing"
    if what:
        raise UnreadableError(what, lost=frozenset(), remedy="Delete it")


def last_reading(catalogue: Catalogue, frame: str, author: str, reading: Reading) -> Revision | None:
    """What an author drew last on a frame, if it was not withdrawn. Repeats are a line of their own."""
    last = catalogue.last_repeat(frame, author) if reading == "repeat" else catalogue.head(frame, author)
    return None if last is None or last.withdrawn else last
