"""The catalogue's revisions, which are never changed, with heads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..errors import CatalogueError
from ..system.canonical import canonical_json, shapes_to_json
from ..system.clock import utc_now
from ..system.pipeline import batched
from ..system.store import sha256_hex
from . import tables as t
from .agreement import annotation_of
from .classes import ClassRows
from .database import AT_ONCE
from .frames import FrameRows
from .records import Appended, Revision, RevisionRecord
from .truth import settle
from .unread import UnreadRows, drop_left

REVISION_FORMAT = 1

JOINED: Final = t.revision.join(t.frame, t.frame.c.id == t.revision.c.frame).join(
    t.tombstone, t.tombstone.c.revision == t.revision.c.sha256, isouter=True
)
COLUMNS: Final = (t.revision, t.frame.c.height, t.frame.c.width, t.tombstone.c.at.label("withdrawn_at"))


class RevisionRows(FrameRows, ClassRows, UnreadRows):
    """Reads and writes of revisions."""

    def append_revision(self, record: RevisionRecord) -> Appended:
        """Keep one revision; see `append_revisions`."""
        return self.append_revisions([record])[0]

    def append_revisions(self, records: Iterable[RevisionRecord]) -> list[Appended]:
        """Keep revisions for good: their blobs first, then their rows, in one commit.

        A record is not new if its author's last revision of that frame has the same content and the same `origin`. It
        is new if that revision was withdrawn, because it was drawn again. Heads, conflicts and truth are updated.

        Returns:
            The outcome for each record, in order.

        Raises:
            CatalogueError: A frame, rendition, parent or class is unknown, or the annotation has another size.
        """
        appended: list[Appended] = []
        with self.transaction() as connection:
            class_ids = set(connection.scalars(sa.select(t.class_.c.id)))
            sequence = connection.scalar(sa.select(sa.func.max(t.revision.c.sequence))) or 0
            for batch in batched(records, AT_ONCE):
                blobs: list[bytes] = []
                for record in batch:
                    last = self._last(record.frame, record.author, repeat=record.reading == "repeat")
                    sha256 = last.sha256 if last is not None and _is_repeated(record, last) else None
                    is_new = sha256 is None
                    if sha256 is None:
                        _refuse_unknown(connection, record, class_ids=class_ids)
                        previous = last.sha256 if last else None
                        blobs.append(revision_json(record, previous=previous).encode())
                        sha256, sequence = sha256_hex(blobs[-1]), sequence + 1
                        _insert(connection, record, sha256=sha256, previous=previous, sequence=sequence)
                        settle(connection, record.frame, by=sha256)
                    if is_new or record.origin == "studio":
                        drop_left(connection, record.frame)
                    appended.append(Appended(sha256, is_new, conflict=_in_conflict(connection, record.frame)))
                self.store.put_many(blobs)  # the blobs must be safe on the disk before the rows that name them
        return appended

    def withdraw(self, frame: str, author: str, *, reason: str, at: str | None = None, repeat: bool = False) -> bool:
        """Set a tombstone on an author's last revision of a frame. The revision stays, but no longer counts.

        Args:
            frame: The frame's id.
            author: Whose revision.
            reason: Why.
            at: When; None for now.
            repeat: Withdraw the author's last repeat instead of the head.

        Returns:
            False if there was none to withdraw.
        """
        with self.transaction() as connection:
            last = self._last(frame, author, repeat=repeat)
            if last is None or last.withdrawn:
                return False
            row = {"revision": last.sha256, "frame": frame, "reason": reason, "at": at or utc_now()}
            connection.execute(sa.insert(t.tombstone).values(row))
            settle(connection, frame, by=None)
            return True

    def head(self, frame: str, author: str) -> Revision | None:
        """An author's last revision of a frame, withdrawn or not; None if there is none."""
        joined = JOINED.join(t.head, t.head.c.revision == t.revision.c.sha256)
        query = sa.select(*COLUMNS).select_from(joined)
        with self.reading() as connection:
            row = connection.execute(query.where(t.head.c.frame == frame, t.head.c.author == author)).first()
        return None if row is None else to_revision(row)

    def last_repeat(self, frame: str, author: str) -> Revision | None:
        """An author's last repeat of a frame, withdrawn or not; None if there is none."""
        c = t.revision.c
        query = sa.select(*COLUMNS).select_from(JOINED).where(c.frame == frame, c.author == author)
        query = query.where(c.reading == "repeat").order_by(c.sequence.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else to_revision(row)

    def _last(self, frame: str, author: str, *, repeat: bool) -> Revision | None:
        return self.last_repeat(frame, author) if repeat else self.head(frame, author)

    def heads(self, frame: str) -> list[Revision]:
        """Every author's last revision of a frame, in the order of their arrival."""
        joined = JOINED.join(t.head, t.head.c.revision == t.revision.c.sha256)
        query = sa.select(*COLUMNS).select_from(joined).where(t.head.c.frame == frame)
        with self.reading() as connection:
            return [to_revision(row) for row in connection.execute(query.order_by(t.revision.c.sequence))]

    def revision(self, sha256: str) -> Revision:
        """One revision.

        Raises:
            CatalogueError: No revision has this hash.
        """
        with self.reading() as connection:
            query = sa.select(*COLUMNS).select_from(JOINED).where(t.revision.c.sha256 == sha256)
            row = connection.execute(query).first()
        if row is None:
            raise CatalogueError(sha256, "is no revision of this catalogue", "See `dmr status`")
        return to_revision(row)

    def frames_of(self, revisions: Iterable[str]) -> list[str]:
        """The frames of these revisions, without repeats, in the order of their ids."""
        wanted = set(revisions)
        query = sa.select(t.revision.c.sha256, t.revision.c.frame)
        with self.reading() as connection:
            return sorted({row.frame for row in connection.execute(query) if row.sha256 in wanted})

    def history(self, frame: str) -> list[Revision]:
        """All revisions of a frame, in the order of their arrival."""
        query = sa.select(*COLUMNS).select_from(JOINED).where(t.revision.c.frame == frame)
        with self.reading() as connection:
            return [to_revision(row) for row in connection.execute(query.order_by(t.revision.c.sequence))]


def revision_json(record: RevisionRecord, *, previous: str | None) -> str:
    """The content of a revision's blob. Its hash is the revision's name.

    Time and duration are left out, so the same work added again after a crash has the same hash.
    """
    return canonical_json(
        {
            "author": record.author,
            "blind": record.blind,
            "covered": sorted(record.annotation.covered),
            "format": REVISION_FORMAT,
            "frame": record.frame,
            "height": record.annotation.height,
            "origin": record.origin,
            "parent": record.parent,
            "previous": previous,
            "raw_sha256": record.raw_sha256,
            "rendition": record.rendition,
            "shapes": shapes_to_json(record.annotation.shapes),
            "width": record.annotation.width,
        }
        # Left out as they were before there was such a thing, so that older revisions keep their hash.
        | ({} if record.draft_model is None else {"draft_model": record.draft_model})
        | ({} if record.words is None else {"words": json.loads(record.words)})
        | ({} if record.reading == "first" else {"reading": record.reading})
    )


def _is_repeated(record: RevisionRecord, last: Revision) -> bool:
    was = last.record
    said = (record.origin, record.annotation, record.words, record.reading)
    if said != (was.origin, was.annotation, was.words, was.reading) or last.withdrawn:
        return False
    # The same decision on another question is a new one: somebody may have drawn since, and the frame is in conflict.
    return record.reading != "adjudication" or record.parent == was.parent


def _refuse_unknown(connection: Connection, record: RevisionRecord, *, class_ids: set[int]) -> None:
    c = t.rendition.c
    size = sa.select(t.frame.c.height, t.frame.c.width).join(t.rendition, c.frame == t.frame.c.id)
    row = connection.execute(size.where(c.frame == record.frame, c.pixel_sha256 == record.rendition)).first()
    if row is None:
        raise CatalogueError(record.frame, "is no frame with this rendition in the catalogue", "Add the frame first")
    annotation = record.annotation
    if (row.height, row.width) != (annotation.height, annotation.width):
        what = f"is {row.height} x {row.width}, and the outlines are for {annotation.height} x {annotation.width}"
        raise CatalogueError(record.frame, what, "Draw them on the frame itself")
    unknown = ({s.class_id for s in annotation.shapes} | annotation.covered) - class_ids
    if unknown:
        raise CatalogueError(record.frame, f"class {min(unknown)} is not in the catalogue", "Add it to dmr.toml")
    if record.parent is not None:
        query = sa.select(t.revision.c.frame).where(t.revision.c.sha256 == record.parent)
        if connection.scalar(query) != record.frame:
            raise CatalogueError(record.frame, f"has no revision {record.parent[:12]}", "Leave the parent out")


def _insert(
    connection: Connection, record: RevisionRecord, *, sha256: str, previous: str | None, sequence: int
) -> None:
    """Add a revision's row and, unless it is a repeat, make it its author's head."""
    values = {
        "sha256": sha256,
        "sequence": sequence,
        "frame": record.frame,
        "rendition": record.rendition,
        "parent": record.parent,
        "previous": previous,
        "author": record.author,
        "origin": record.origin,
        "shapes": canonical_json(shapes_to_json(record.annotation.shapes)),
        "covered": canonical_json(sorted(record.annotation.covered)),
        "blind": record.blind,
        "raw_sha256": record.raw_sha256,
        "lead_time_s": record.lead_time_s,
        "draft_model": record.draft_model,
        "words": record.words,
        "reading": record.reading,
        "at": record.at,
    }
    connection.execute(sa.insert(t.revision).values(values))
    if record.reading == "repeat":
        return
    if previous is None:
        connection.execute(sa.insert(t.head).values(frame=record.frame, author=record.author, revision=sha256))
    else:
        own = sa.update(t.head).where(t.head.c.frame == record.frame, t.head.c.author == record.author)
        connection.execute(own.values(revision=sha256))


def _in_conflict(connection: Connection, frame: str) -> bool:
    query = sa.select(t.conflict.c.id).where(t.conflict.c.frame == frame, t.conflict.c.resolved_at.is_(None))
    return connection.execute(query).first() is not None


def to_revision(row: Row[Any]) -> Revision:
    """The revision in a row of `COLUMNS`."""
    record = RevisionRecord(
        frame=row.frame,
        rendition=row.rendition,
        author=row.author,
        origin=row.origin,
        annotation=annotation_of(row),
        parent=row.parent,
        blind=row.blind,
        raw_sha256=row.raw_sha256,
        lead_time_s=row.lead_time_s,
        draft_model=row.draft_model,
        words=row.words,
        reading=row.reading,
        at=row.at,
    )
    return Revision(row.sha256, row.sequence, row.previous, row.withdrawn_at is not None, record)
