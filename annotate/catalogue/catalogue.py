"""The catalogue: frames, revisions, authors and models. Nothing in it is ever lost."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from ..settings.model import SPLITS, Split
from ..system.canonical import canonical_json
from . import tables as t
from .audits import AuditRows
from .frames import held, unlabelled
from .labelled import LabelledRows
from .models import ModelRows
from .queues import QueueRows, held_place, studio_place
from .readings import ReadingRows

_CLASS = re.compile(r'"class":(\d+)')
"""A shape's class in canonical JSON, which has no other key of that name and no text of a user."""


@dataclass(frozen=True, slots=True)
class DrawnClass:
    """How often a class is drawn.

    Attributes:
        frames: Number of frames by their patients' split, None for no split yet. Frames of unknown patients are train.
        patients: The patients by split.
    """

    frames: Counter[Split | None] = field(default_factory=Counter)
    patients: dict[Split | None, set[str]] = field(default_factory=dict)


class Catalogue(LabelledRows, ModelRows, QueueRows, AuditRows, ReadingRows):
    """The open catalogue of a workspace.

    Every method that writes is a transaction of its own. Within `transaction()`, many calls are one transaction.
    """

    def counts(self) -> dict[str, int]:
        """The numbers of `dmr status` with their words, in order."""
        split = {s: _count(t.patient, t.patient.c.split == s) for s in SPLITS}
        queries = {
            "open conflicts": _count(t.conflict, t.conflict.c.resolved_at.is_(None)),
            "patients": _count(t.patient),
            **{f"patients in {s}": query for s, query in split.items()},
            "clips": _count(t.clip),
            "frames": _count(t.frame),
            "frames labelled": _count(t.truth),
            "frames to choose from": _count(unlabelled.subquery()),
            "frames in quarantine": _count(held.subquery()),
            "revisions": _count(t.revision),
            "revisions withdrawn": _count(t.tombstone),
            "waiting in Label Studio": _count(t.task, t.task.c.state == "pushed", ~_submitted),
            "submitted but not readable": _count(t.unread, t.unread.c.place.startswith(studio_place())),
            "submitted empty, not confirmed": _count(t.unread, t.unread.c.place.startswith(held_place())),
            "edits not readable": _count(t.unread, t.unread.c.place.like("%/%")),
            "frames in doubt": _count(_in_doubt),
            "skipped in Label Studio": _count(t.task, t.task.c.state == "skipped"),
            "models": _count(t.model),
            "predictions of the active model": _count(
                t.prediction, t.prediction.c.model.in_(sa.select(t.model.c.id).where(t.model.c.state == "active"))
            ),
        }
        with self.reading() as connection:
            return {words: connection.scalar(query) or 0 for words, query in queries.items()}

    def drawn_classes(self) -> dict[int, DrawnClass]:
        """How often each class is drawn in the truth of the frames, by class id, as far as their readers agree.

        A merged class counts as the class that it was merged into. Only the ids are searched in the outlines' text,
        because reading all points of thousands of frames would take seconds.
        """
        joined = (
            t.truth.join(t.revision, t.revision.c.sha256 == t.truth.c.revision)
            .join(t.frame, t.frame.c.id == t.truth.c.frame)
            .join(t.clip, t.clip.c.id == t.frame.c.clip)
            .join(t.patient, t.patient.c.id == t.clip.c.patient, isouter=True)
        )
        query = sa.select(t.frame.c.id, t.clip.c.patient, t.patient.c.split, t.revision.c.shapes).select_from(joined)
        merged = self.merged_classes()
        disputed = {conflict.frame: frozenset(conflict.disputed) for conflict in self.conflicts()}
        leave_out = self.conflict_use == "leave-out"
        drawn: dict[int, DrawnClass] = {}
        with self.reading() as connection:
            for frame, patient, split, shapes in connection.execute(query):
                if leave_out and frame in disputed:
                    continue
                found = {merged.get(int(i), int(i)) for i in _CLASS.findall(shapes)}
                for class_id in found - disputed.get(frame, frozenset()):
                    own = drawn.setdefault(class_id, DrawnClass())
                    own.frames["train" if patient is None else split] += 1
                    if patient is not None:
                        own.patients.setdefault(split, set()).add(patient)
        return drawn

    def patients_in_datasets(self) -> frozenset[str]:
        """The patients of all frames that a model was trained or judged on."""
        query = sa.select(t.revision.c.sha256, t.clip.c.patient).select_from(
            t.revision.join(t.frame, t.frame.c.id == t.revision.c.frame).join(t.clip, t.clip.c.id == t.frame.c.clip)
        )
        with self.reading() as connection:
            used = {
                sha256 for text in connection.scalars(sa.select(t.dataset.c.revisions)) for sha256 in json.loads(text)
            }
            rows = connection.execute(query.where(t.clip.c.patient.is_not(None)))
            return frozenset(row.patient for row in rows if row.sha256 in used)

    def catalogue_hash(self) -> str:
        """A SHA-256 over the catalogue's content: the same after the same work, in any order, at any time.

        For times, only whether they are set counts. The order of arrival and the workspace's id do not count.
        """
        digest = hashlib.sha256()
        with self.reading() as connection:
            for table in sorted(t.metadata.tables.values(), key=lambda table: table.name):
                if table is not t.meta:
                    lines = sorted(_line(table, row) for row in connection.execute(sa.select(table)))
                    digest.update("\n".join([table.name, *lines, ""]).encode())
        return digest.hexdigest()


_submitted = (
    sa.select(t.unread.c.frame)
    .where(
        t.unread.c.frame == t.task.c.frame,
        sa.or_(
            *(
                t.unread.c.place.like(sa.literal(place) + sa.cast(t.task.c.queue, sa.String) + sa.literal(" %"))
                for place in (studio_place(), held_place())
            )
        ),
    )
    .exists()
)
"""Whether a task has an annotation that was submitted and could not be read, or is held."""

_in_doubt = (
    sa.select(t.unread.c.frame)
    .join(t.truth, t.truth.c.frame == t.unread.c.frame)
    .where(t.unread.c.lost != "[]")
    .distinct()
    .subquery()
)
"""The labelled frames of which some classes do not count, because a state of them was not read."""


def _count(table: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table).where(*conditions)


_UNSAID = frozenset({t.revision.c.sequence, t.queue.c.cursor})
"""Times of arrival and of the last pull: they are no part of the content."""


def _line(table: sa.Table, row: Row[Any]) -> str:
    said: dict[str, object] = {}
    for column, value in zip(table.columns, row, strict=True):
        if column.name == "at" or column.name.endswith("_at"):
            said[column.name] = value is not None
        elif column not in _UNSAID:
            said[column.name] = value.hex() if isinstance(value, bytes) else value
    return canonical_json(said)
