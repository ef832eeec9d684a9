"""What follows from a frame's heads: who disagrees with whom, and which revision is taken for true.

- A head that another head was drawn over, at any remove, is superseded: its author was seen and corrected.
- Two heads that say different things are in conflict, unless one supersedes the other, or just one of them was drawn
  blind: a blind reading of a frame that has its outlines is a measurement, not a contradiction.
- The truth is the consensus, else the newest to arrive, of the heads that are neither withdrawn nor superseded. An open
  conflict does not take a frame out of use; it is flagged. A consensus settles what stood before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from . import tables as t
from .canonical import canonical_json
from .clock import utc_now
from .store import sha256_hex


def settle(connection: Connection, frame: str, *, by: str | None) -> None:
    """Bring a frame's conflicts and truth in line with its heads, after the revision `by`, or a withdrawal."""
    live = _live_heads(connection, frame)
    superseded = _ancestors(connection, frame, [head.sha256 for head in live])
    standing = [head for head in live if head.sha256 not in superseded]
    consensus = [head for head in standing if head.origin == "consensus"]
    _set_truth(connection, frame, (consensus or standing)[-1].sha256 if standing else None)
    _set_conflict(connection, frame, _in_conflict(standing), by=by)


def _live_heads(connection: Connection, frame: str) -> Sequence[Row[Any]]:
    """Heads without a tombstone, in the order of their arrival."""
    joined = t.head.join(t.revision, t.revision.c.sha256 == t.head.c.revision).join(
        t.tombstone, t.tombstone.c.revision == t.revision.c.sha256, isouter=True
    )
    query = sa.select(t.revision).select_from(joined).where(t.head.c.frame == frame, t.tombstone.c.revision.is_(None))
    return connection.execute(query.order_by(t.revision.c.sequence)).all()


def _ancestors(connection: Connection, frame: str, hashes: Iterable[str]) -> set[str]:
    """All that these revisions were drawn over or came after, by their authors, at any remove."""
    c = t.revision.c
    query = sa.select(c.sha256, c.parent, c.previous).where(c.frame == frame)
    before = {row.sha256: {row.parent, row.previous} - {None} for row in connection.execute(query)}
    found: set[str] = set()
    rest = [ancestor for sha256 in hashes for ancestor in before[sha256]]
    while rest:
        ancestor = rest.pop()
        if ancestor not in found:
            found.add(ancestor)
            rest.extend(before[ancestor])
    return found


def _in_conflict(standing: Sequence[Row[Any]]) -> list[str]:
    """The hashes, sorted, of the heads that contradict another one."""
    after = max((head.sequence for head in standing if head.origin == "consensus"), default=0)
    contradicting: set[str] = set()
    for a, b in combinations(standing, 2):
        same = (a.shapes, a.covered) == (b.shapes, b.covered)
        settled = max(a.sequence, b.sequence) <= after
        if not same and not settled and a.blind == b.blind:
            contradicting |= {a.sha256, b.sha256}
    return sorted(contradicting)


def _set_truth(connection: Connection, frame: str, sha256: str | None) -> None:
    connection.execute(sa.delete(t.truth).where(t.truth.c.frame == frame))
    if sha256 is not None:
        connection.execute(sa.insert(t.truth).values(frame=frame, revision=sha256))


def _set_conflict(connection: Connection, frame: str, revisions: list[str], *, by: str | None) -> None:
    c = t.conflict.c
    now = utc_now()
    text = canonical_json(revisions)
    conflict_id = sha256_hex(f"{frame} {text}".encode()) if revisions else None
    over = sa.update(t.conflict).where(c.frame == frame, c.resolved_at.is_(None), c.id != (conflict_id or ""))
    connection.execute(over.values(resolved_by=by, resolved_at=now))
    if conflict_id is None:
        return
    if connection.scalar(sa.select(c.id).where(c.id == conflict_id)) is None:
        connection.execute(sa.insert(t.conflict).values(id=conflict_id, frame=frame, revisions=text, at=now))
    else:  # it may come back, when the head that settled it is withdrawn
        same = sa.update(t.conflict).where(c.id == conflict_id, c.resolved_at.is_not(None))
        connection.execute(same.values(resolved_by=None, resolved_at=None))
