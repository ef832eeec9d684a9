"""Find what a frame's readers disagree on, and the revision that counts as the truth; see decision 30.

- A head is superseded if another head was drawn over it, directly or over other revisions: its author was corrected. An
  adjudication, or a consensus, supersedes all that was drawn before it, whoever drew it.
- Two heads that are not superseded are in conflict over each class on which they do not agree; see `agreement.py`.
- The truth is the newest adjudication among these heads, else the first reader's: the head whose work began first.

Times decide, not the order of arrival: the same revisions give the same truth and the same conflicts in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..system.canonical import canonical_json
from ..system.clock import utc_now
from ..system.store import sha256_hex
from . import tables as t
from .agreement import Rule, disagreements

History = Mapping[str, "Row[Any]"]
"""A frame's revisions by hash."""


class Followed(NamedTuple):
    """What follows from a frame's heads.

    Attributes:
        truth: The truth; None where nothing counts.
        contradicting: The heads that contradict another one, sorted.
        disputed: The classes over which they do, with the lowest Dice of two of them.
    """

    truth: str | None
    contradicting: list[str]
    disputed: dict[int, float]


def settle(connection: Connection, frame: str, *, by: str | None) -> None:
    """Update a frame's conflicts and truth from its heads, after the revision `by` or a withdrawal."""
    followed = what_follows(connection, frame)
    _set_truth(connection, frame, followed.truth)
    _set_conflict(connection, frame, followed, by=by)


def what_follows(connection: Connection, frame: str) -> Followed:
    """What follows from a frame's heads."""
    history = _history(connection, frame)
    heads = [row for row in history.values() if row.author_of_head is not None and row.withdrawn is None]
    before = {head.sha256: _ancestors(head, history) for head in heads}
    superseded = set[str]().union(*before.values())
    settling = [r for r in history.values() if _settles(r) and r.withdrawn is None]
    last = max((r for r in settling if r in heads or r.sha256 in superseded), key=_when, default=None)
    standing = [h for h in heads if h.sha256 not in superseded and not _came_before(h, last, before[h.sha256])]
    if not standing:
        return Followed(None, [], {})
    agreed = [head for head in standing if _settles(head)]
    first = min(standing, key=lambda h: _begun(h, history, superseded_by_others=_of_others(h, before)))
    truth = max(agreed, key=_when) if agreed else first
    return Followed(str(truth.sha256), *_contradicting(connection, standing))


def conflict_name(frame: str, revisions: str) -> str:
    """The id of a conflict: the same heads on the same frame are the same conflict."""
    return sha256_hex(f"{frame} {revisions}".encode())


def _settles(row: Row[Any]) -> bool:
    return bool(row.reading == "adjudication" or row.origin == "consensus")


def _when(row: Row[Any]) -> tuple[str, str]:
    return row.at, row.sha256


def _came_before(head: Row[Any], last: Row[Any] | None, ancestors: set[str]) -> bool:
    """Whether the last adjudication supersedes a head: one drawn over it stands, whatever the clocks say."""
    if last is None or last.sha256 in {head.sha256, *ancestors}:
        return False
    return bool(head.at <= last.at)


def _of_others(head: Row[Any], before: Mapping[str, set[str]]) -> set[str]:
    return set[str]().union(*(found for sha256, found in before.items() if sha256 != head.sha256))


def _begun(head: Row[Any], history: History, *, superseded_by_others: set[str]) -> tuple[object, ...]:
    """When the work that an author's head goes back to began; a second reading comes after all others.

    It goes back to the author's earlier revisions, as long as nobody else was drawn over them, and to what they were
    drawn over: who corrects the first reader takes the first reader's place.
    """
    own = [head]
    while True:
        earlier = history.get(own[-1].previous)
        if earlier is None or earlier.withdrawn is not None or earlier.sha256 in superseded_by_others:
            break
        own.append(earlier)
    parents = {row.parent for row in own if row.parent in history}
    over = parents.union(*(_ancestors(history[parent], history) for parent in parents))
    work = [*own, *(history[sha256] for sha256 in over if sha256 in history)]
    return min((row.reading == "second", *_when(row)) for row in work), _when(own[-1])


def _history(connection: Connection, frame: str) -> dict[str, Row[Any]]:
    """All revisions of a frame."""
    joined = t.revision.join(t.frame, t.frame.c.id == t.revision.c.frame)
    joined = joined.join(t.head, t.head.c.revision == t.revision.c.sha256, isouter=True)
    joined = joined.join(t.tombstone, t.tombstone.c.revision == t.revision.c.sha256, isouter=True)
    columns = (
        t.revision,
        t.frame.c.height,
        t.frame.c.width,
        t.head.c.author.label("author_of_head"),
        t.tombstone.c.at.label("withdrawn"),
    )
    query = sa.select(*columns).select_from(joined).where(t.revision.c.frame == frame)
    return {row.sha256: row for row in connection.execute(query)}


def _ancestors(head: Row[Any], history: History) -> set[str]:
    """All revisions over which it was drawn, and their authors' earlier ones, over any number of steps."""
    found: set[str] = set()
    rest: list[str] = [head.sha256]
    while rest:
        row = history.get(rest.pop())
        if row is None:  # lost: `dmr db verify` tells
            continue
        new = {row.parent, row.previous} - found - {None}
        found |= new
        rest.extend(new)
    return found


def _contradicting(connection: Connection, standing: Sequence[Row[Any]]) -> tuple[list[str], dict[int, float]]:
    """The heads that contradict another one, and the classes with their lowest Dice."""
    heads: set[str] = set()
    classes: dict[int, float] = {}
    if len(standing) > 1:
        rule = Rule.read(connection) or Rule()
        for a, b in combinations(standing, 2):
            found = disagreements(a, b, rule=rule)
            if found:
                heads |= {a.sha256, b.sha256}
            for class_id, dice in found.items():
                classes[class_id] = min(dice, classes.get(class_id, dice))
    return sorted(heads), classes


def _set_truth(connection: Connection, frame: str, sha256: str | None) -> None:
    connection.execute(sa.delete(t.truth).where(t.truth.c.frame == frame))
    if sha256 is not None:
        connection.execute(sa.insert(t.truth).values(frame=frame, revision=sha256))


def disputed_json(disputed: Mapping[int, float]) -> str:
    """The classes of a conflict as its row keeps them."""
    return canonical_json([[class_id, disputed[class_id]] for class_id in sorted(disputed)])


def _set_conflict(connection: Connection, frame: str, followed: Followed, *, by: str | None) -> None:
    c = t.conflict.c
    now = utc_now()
    text = canonical_json(followed.contradicting)
    conflict_id = conflict_name(frame, text) if followed.contradicting else None
    over = sa.update(t.conflict).where(c.frame == frame, c.resolved_at.is_(None), c.id != (conflict_id or ""))
    connection.execute(over.values(resolved_by=by, resolved_at=now))
    if conflict_id is None:
        return
    classes = disputed_json(followed.disputed)
    known = connection.execute(sa.select(t.conflict).where(c.id == conflict_id)).first()
    if known is None:
        row = {"id": conflict_id, "frame": frame, "revisions": text, "at": now, "classes": classes}
        connection.execute(sa.insert(t.conflict).values(row))
    elif known.resolved_at is not None or known.classes != classes:
        # It may come back if the head that settled it is withdrawn.
        same = sa.update(t.conflict).where(c.id == conflict_id)
        connection.execute(same.values(resolved_by=None, resolved_at=None, classes=classes))


def frames_of_several(connection: Connection) -> Iterable[str]:
    """The frames whose conflicts may change with the rule: of several authors, or with a conflict once."""
    several = sa.select(t.head.c.frame).group_by(t.head.c.frame).having(sa.func.count() > 1)
    return connection.scalars(sa.union(several, sa.select(t.conflict.c.frame))).all()
