"""The catalogue's audit slice, and how long corrections took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from ..system.clock import utc_now
from ..system.pipeline import batched
from . import tables as t
from .database import AT_ONCE, Database
from .models import read_scores


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
class TimedCorrection:
    """How long a physician took to correct a draft.

    Attributes:
        seconds: Measured by Label Studio.
        scores: What the model said of the draft.
    """

    seconds: float
    scores: Mapping[str, Any]


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

    def timed_corrections(self) -> list[TimedCorrection]:
        """Every revision for which a draft was corrected and the time is known, in the order of their arrival.

        Repeats do not count: whoever has drawn a frame before may be faster.
        """
        r, p = t.revision.c, t.prediction.c
        same = sa.and_(p.frame == r.frame, p.rendition == r.rendition, p.model == r.draft_model)
        query = sa.select(r.frame, r.lead_time_s, p.scores).select_from(t.revision.join(t.prediction, same))
        with self.reading() as connection:
            rows = connection.execute(
                query.where(r.lead_time_s.is_not(None), r.reading != "repeat").order_by(r.sequence)
            )
            return [
                TimedCorrection(seconds=row.lead_time_s, scores=scores)
                for row in rows
                if (scores := read_scores(row.frame, row.scores)) is not None
            ]
