"""States of an annotation that were handed in and could not be read; see decision 24."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..system.canonical import canonical_json
from . import tables as t
from .database import Database
from .records import UnreadRecord

LEFT = "left "
"""Before the place of a state that is gone and was never read: it counts until the frame gets a new revision."""


class UnreadRows(Database):
    """Reads and writes of states that could not be read."""

    def unread(self, places: str = "") -> list[UnreadRecord]:
        """The states that could not be read, by frame and place.

        Args:
            places: How their places begin; empty for all.
        """
        c = t.unread.c
        query = sa.select(t.unread).where(c.place.startswith(places, autoescape=True)).order_by(c.frame, c.place)
        with self.reading() as connection:
            return [
                UnreadRecord(frame=row.frame, place=row.place, lost=_to_lost(row.lost), at=row.at)
                for row in connection.execute(query)
            ]

    def put_unread(self, found: UnreadRecord) -> None:
        """Record a state as it is now. One of the same frame and place is replaced."""
        row = {"frame": found.frame, "place": found.place, "lost": _lost_text(found.lost), "at": found.at}
        with self.transaction() as connection:
            _drop(connection, found)
            connection.execute(sa.insert(t.unread).values(row))

    def drop_unread(self, records: Iterable[UnreadRecord]) -> None:
        """Forget states that were read, or withdrawn by those who drew them."""
        with self.transaction() as connection:
            for record in records:
                _drop(connection, record)

    def leave_unread(self, records: Iterable[UnreadRecord]) -> None:
        """Keep states that are gone and were never read, until their frames get new revisions."""
        with self.transaction():
            for record in records:
                if record.place.startswith(LEFT):
                    continue
                self.drop_unread([record])
                self.put_unread(
                    UnreadRecord(frame=record.frame, place=LEFT + record.place, lost=record.lost, at=record.at)
                )

    def doubtful_classes(self) -> dict[str, frozenset[int] | None]:
        """The classes that are not covered for now, by frame: a state of the frame that was not read may show them.

        None stands for all classes: nobody can tell which one was drawn.
        """
        found: dict[str, frozenset[int] | None] = {}
        for record in self.unread():
            known = found.get(record.frame, frozenset())
            found[record.frame] = None if known is None or record.lost is None else known | record.lost
        return found


def drop_left(connection: Connection, frame: str) -> None:
    """Forget what was left unread of a frame that gets a new revision."""
    c = t.unread.c
    connection.execute(sa.delete(t.unread).where(c.frame == frame, c.place.startswith(LEFT)))


def undoubted(covered: frozenset[int], frame: str, doubtful: Mapping[str, frozenset[int] | None]) -> frozenset[int]:
    """The covered classes of a frame without those that are doubtful; see `UnreadRows.doubtful_classes`."""
    lost = doubtful.get(frame, frozenset())
    return frozenset() if lost is None else covered - lost


def _drop(connection: Connection, record: UnreadRecord) -> None:
    c = t.unread.c
    connection.execute(sa.delete(t.unread).where(c.frame == record.frame, c.place == record.place))


def _lost_text(lost: frozenset[int] | None) -> str:
    return canonical_json(None if lost is None else sorted(lost))


def _to_lost(text: str) -> frozenset[int] | None:
    lost = json.loads(text)
    return None if lost is None else frozenset(lost)
