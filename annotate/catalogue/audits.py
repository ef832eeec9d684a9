"""The catalogue's audit slice, and how long physicians took."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from ..shapes import Annotation, Shape
from ..system.canonical import json_to_shapes
from ..system.clock import utc_now
from ..system.pipeline import batched
from . import tables as t
from .database import AT_ONCE, Database

MOST_TIMED: Final = 2000  # frames of a kind whose times are looked at, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A frame of the audit slice.

    Attributes:
        frame: The frame's id.
        round: The round in which it was drawn.
        blind: It goes out without the model's draft.
        model: The model whose draft is measured: the active one as long as nobody has outlined the frame.
        at: When it was drawn.
    """

    frame: str
    round: int
    blind: bool
    model: str
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedDrawing:
    """How long a physician took for a frame in Label Studio.

    Attributes:
        frame: The frame's id.
        patient: The patient, or the clip where the patient is unknown.
        author: Who drew.
        seconds: Measured by Label Studio, with the breaks.
        model: The model whose draft was corrected; None for a frame that was drawn from nothing.
        drawn: What was submitted.
        draft: The draft; nothing where it is no longer kept.
        said: What the model said of the draft, for `read_scores`; None likewise.
    """

    frame: str
    patient: str
    author: str
    seconds: float
    model: str | None
    drawn: Annotation
    draft: tuple[Shape, ...] = ()
    said: str | None = None


class AuditRows(Database):
    """Reads and writes of the audit slice, and reads of measured times."""

    def audits(self) -> dict[str, AuditRecord]:
        """The frames of the audit slice, by frame id, in the order of the ids."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(t.audit).order_by(t.audit.c.frame))
            return {row.frame: AuditRecord(**row._mapping) for row in rows}

    def blind_audits(self) -> set[str]:
        """The frames of the audit slice that go out without a draft."""
        with self.reading() as connection:
            return set(connection.scalars(sa.select(t.audit.c.frame).where(t.audit.c.blind)))

    def add_audits(self, drawn: Iterable[AuditRecord]) -> None:
        """Mark frames as drawn for the audit. A frame is drawn once."""
        with self.transaction() as connection:
            for batch in batched(drawn, AT_ONCE):
                connection.execute(sa.insert(t.audit), [asdict(record) for record in batch])

    def measure_audits(self, frames: Iterable[str], *, model: str) -> None:
        """Record whose drafts are measured on these frames from now on."""
        with self.transaction() as connection:
            for ids in batched(frames, AT_ONCE):
                own = sa.update(t.audit).where(t.audit.c.frame.in_(ids), t.audit.c.model != model)
                connection.execute(own.values(model=model))

    def timed_drawings(self, *, most: int = MOST_TIMED) -> list[TimedDrawing]:
        """The frames that were drawn from nothing, or over a draft, in a known time, in the order of their arrival.

        A frame that somebody submitted several times counts once: Label Studio adds the times up. Repeats do not count:
        whoever has drawn a frame before may be faster.

        Args:
            most: The newest so many of either kind are returned: bounds the time.
        """
        r, p = t.revision.c, t.prediction.c
        light = sa.select(r.sha256, r.frame, r.author, r.draft_model).select_from(t.revision.outerjoin(t.tombstone))
        is_begun = r.blind | r.draft_model.is_not(None)
        is_wanted = (r.lead_time_s > 0, is_begun, r.reading != "repeat", t.tombstone.c.revision.is_(None))
        same = sa.and_(p.frame == r.frame, p.rendition == r.rendition, p.model == r.draft_model)
        joined = t.revision.join(t.frame, t.frame.c.id == r.frame).join(t.clip, t.clip.c.id == t.frame.c.clip)
        joined = joined.outerjoin(t.prediction, same)
        columns: list[Any] = [r.sequence, r.frame, r.author, r.lead_time_s, r.draft_model, r.shapes]
        columns += [r.covered, p.scores, t.frame.c.height, t.frame.c.width, t.frame.c.clip, t.clip.c.patient]
        query: Any = sa.select(*columns, p.shapes.label("draft")).select_from(joined)
        found: list[tuple[int, TimedDrawing]] = []
        with self.reading() as connection:
            last = {
                (row.frame, row.author, row.draft_model): row.sha256
                for row in connection.execute(light.where(*is_wanted).order_by(r.sequence))
            }
            kinds = [
                [sha256 for (*_, model), sha256 in last.items() if (model is None) is own] for own in (True, False)
            ]
            for batch in batched([sha256 for kind in kinds for sha256 in kind[-most:]], AT_ONCE):
                found += ((row.sequence, _timed(row)) for row in connection.execute(query.where(r.sha256.in_(batch))))
        return [timed for _, timed in sorted(found, key=lambda pair: pair[0])]


def _timed(row: Row[Any]) -> TimedDrawing:
    shapes = json_to_shapes(json.loads(row.shapes))
    return TimedDrawing(
        frame=row.frame,
        patient=row.patient or row.clip,
        author=row.author,
        seconds=row.lead_time_s,
        model=row.draft_model,
        drawn=Annotation(row.height, row.width, shapes, frozenset(json.loads(row.covered))),
        draft=_draft(row.draft),
        said=row.scores,
    )


def _draft(shapes: str | None) -> tuple[Shape, ...]:
    try:
        return () if shapes is None else json_to_shapes(json.loads(shapes))
    except (ValueError, TypeError, KeyError):  # damaged: the commands that show drafts say so
        return ()
