"""Find conflicts between a frame's heads, and the revision that counts as the truth.

- A head is superseded if another head was drawn over it, directly or over other revisions: its author was corrected. A
  consensus supersedes all that came before it.
- Two heads with different outlines are in conflict, unless one is superseded, or exactly one was drawn blind: a blind
  second reading is a measurement, not a contradiction.
- The truth is the consensus, else the newest to arrive, of the heads that are neither withdrawn nor superseded. Of
  heads from Label Studio, the newest is the one that the server says was changed last: an older annotation may arrive
  late, if it could not be read before. A frame with an open conflict stays in use, with a flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..system.canonical import canonical_json
from ..system.clock import utc_now
from ..system.store import sha256_hex
from . import tables as t


def settle(connection: Connection, frame: str, *, by: str | None) -> None:
    """Update a frame's conflicts and truth from its heads, after the revision `by` or a withdrawal."""
    truth, contradicting = what_follows(connection, frame)
    _set_truth(connection, frame, truth)
    _set_conflict(connection, frame, contradicting, by=by)


def what_follows(connection: Connection, frame: str) -> tuple[str | None, list[str]]:
    """The truth that follows from a frame's heads, None where there is none, and the heads that contradict, sorted."""
    history = _history(connection, frame)
    heads = [row for row in history.values() if row.author_of_head is not None and row.withdrawn is None]
    before = _ancestors([head.sha256 for head in heads], history)
    agreed = [r for r in history.values() if r.origin == "consensus" and r.withdrawn is None]
    since = max((r.sequence for r in agreed if r in heads or r.sha256 in before), default=0)
    standing = [head for head in heads if head.sha256 not in before and head.sequence >= since]
    consensus = [head for head in standing if head.origin == "consensus"]
    return _newest(consensus or standing), _contradicting(standing)


def _newest(heads: Sequence[Row[Any]]) -> str | None:
    """The newest of some heads in the order of their arrival; None if there are none."""
    if not heads:
        return None
    last = heads[-1]
    if last.origin == "studio":
        last = max((h for h in heads if h.origin == "studio"), key=lambda h: (h.at, h.sequence))
    return str(last.sha256)


def _history(connection: Connection, frame: str) -> dict[str, Row[Any]]:
    """All revisions of a frame, in the order of their arrival."""
    joined = t.revision.join(t.head, t.head.c.revision == t.revision.c.sha256, isouter=True).join(
        t.tombstone, t.tombstone.c.revision == t.revision.c.sha256, isouter=True
    )
    columns = (t.revision, t.head.c.author.label("author_of_head"), t.tombstone.c.at.label("withdrawn"))
    query = sa.select(*columns).select_from(joined).where(t.revision.c.frame == frame)
    return {row.sha256: row for row in connection.execute(query.order_by(t.revision.c.sequence))}


def _ancestors(hashes: Iterable[str], history: Mapping[str, Row[Any]]) -> set[str]:
    """All revisions over which these were drawn, and their authors' earlier ones, over any number of steps."""
    found: set[str] = set()
    rest = list(hashes)
    while rest:
        row = history.get(rest.pop())
        if row is None:  # lost: `dmr db verify` tells
            continue
        new = {row.parent, row.previous} - found - {None}
        found |= new
        rest.extend(new)
    return found


def _contradicting(standing: Sequence[Row[Any]]) -> list[str]:
    """The sorted hashes of the heads that contradict another head."""
    found: set[str] = set()
    for a, b in combinations(standing, 2):
        if (a.shapes, a.covered) != (b.shapes, b.covered) and a.blind == b.blind:
            found |= {a.sha256, b.sha256}
    return sorted(found)


def conflict_name(frame: str, revisions: str) -> str:
    """The id of a conflict: the same heads on the same frame are the same conflict."""
    return sha256_hex(f"{frame} {revisions}".encode())


def _set_truth(connection: Connection, frame: str, sha256: str | None) -> None:
    connection.execute(sa.delete(t.truth).where(t.truth.c.frame == frame))
    if sha256 is not None:
        connection.execute(sa.insert(t.truth).values(frame=frame, revision=sha256))


def _set_conflict(connection: Connection, frame: str, revisions: list[str], *, by: str | None) -> None:
    c = t.conflict.c
    now = utc_now()
    text = canonical_json(revisions)
    conflict_id = conflict_name(frame, text) if revisions else None
    over = sa.update(t.conflict).where(c.frame == frame, c.resolved_at.is_(None), c.id != (conflict_id or ""))
    connection.execute(over.values(resolved_by=by, resolved_at=now))
    if conflict_id is None:
        return
    if connection.scalar(sa.select(c.id).where(c.id == conflict_id)) is None:
        connection.execute(sa.insert(t.conflict).values(id=conflict_id, frame=frame, revisions=text, at=now))
    else:  # the conflict may come back if the head that settled it is withdrawn
        same = sa.update(t.conflict).where(c.id == conflict_id, c.resolved_at.is_not(None))
        connection.execute(same.values(resolved_by=None, resolved_at=None))
