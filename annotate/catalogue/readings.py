"""Who has read which frame: the revisions without their outlines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from ..system.pipeline import batched
from . import tables as t
from .database import AT_ONCE, Database
from .records import Origin, Reading


@dataclass(frozen=True, slots=True)
class ReadingRecord:
    """What is known of a revision without its outlines.

    Attributes:
        sha256: Its hash.
        frame: The frame's id.
        author: Who drew it.
        reading: Which reading of the frame it is.
        origin: The way it came in.
        draft_model: The model whose draft was corrected, None where it was drawn from nothing.
        at: Time of drawing.
        withdrawn: Whether it has a tombstone.
    """

    sha256: str
    frame: str
    author: str
    reading: Reading
    origin: Origin
    draft_model: str | None
    at: str
    withdrawn: bool


class ReadingRows(Database):
    """Reads of who has read what."""

    def readings(self, frames: Iterable[str] | None = None) -> dict[str, list[ReadingRecord]]:
        """The revisions of these frames, or of all, by frame id, in the order of their arrival."""
        c = t.revision.c
        columns = (c.sha256, c.frame, c.author, c.reading, c.origin, c.draft_model, c.at)
        joined = t.revision.join(t.tombstone, t.tombstone.c.revision == c.sha256, isouter=True)
        query = sa.select(*columns, t.tombstone.c.at.is_not(None).label("withdrawn")).select_from(joined)
        query = query.order_by(c.sequence)
        found: dict[str, list[ReadingRecord]] = {}
        with self.reading() as connection:
            parts = [query] if frames is None else [query.where(c.frame.in_(ids)) for ids in batched(frames, AT_ONCE)]
            for part in parts:
                for row in connection.execute(part):
                    found.setdefault(row.frame, []).append(ReadingRecord(**row._mapping))
        return found


def standing(records: Iterable[ReadingRecord]) -> list[ReadingRecord]:
    """Of a frame's revisions, the last one of each author in each reading, if it was not withdrawn."""
    last: dict[tuple[str, Reading], ReadingRecord] = {}
    for record in records:
        last.pop((record.author, record.reading), None)  # so that the order stays that of arrival
        last[record.author, record.reading] = record
    return [record for record in last.values() if not record.withdrawn]
