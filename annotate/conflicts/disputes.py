"""The open conflicts with their frames and readers, and how one is settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..catalogue.agreement import as_merged
from ..catalogue.labelled import Conflict
from ..catalogue.records import FrameRecord, Revision
from ..editing.checkout import labelled_sheets, write_checkout
from ..editing.edits import sync_checkout
from ..errors import UsageError
from ..shapes import Annotation
from ..system.clock import utc_now
from ..wording import counted
from ..workspace import Session

NEXT = (
    "`dmr conflicts --take READER --author NAME FRAME` settles one. "
    "So does an adjudication in Label Studio, in a queue with that purpose"
)


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open conflict.

    Attributes:
        conflict: The conflict.
        frame: Its frame.
        heads: What each reader drew last, in the order of their times.
        drawn: The same, with the classes that merged ones count for.
    """

    conflict: Conflict
    frame: FrameRecord
    heads: tuple[Revision, ...]
    drawn: tuple[Annotation, ...]

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers' names."""
        return tuple(head.record.author for head in self.heads)

    def absent(self, class_id: int) -> list[str]:
        """The readers who say that a class is not there."""
        return [
            reader
            for reader, drawn in zip(self.readers, self.drawn, strict=True)
            if class_id in drawn.covered and all(shape.class_id != class_id for shape in drawn.shapes)
        ]


def open_disputes(s: Session) -> list[Dispute]:
    """The open conflicts, the oldest first."""
    conflicts = sorted(s.catalogue.conflicts(), key=lambda c: (c.at, c.frame))
    frames = {f.frame_id: f for f in s.catalogue.frames(c.frame for c in conflicts)}
    merged = s.catalogue.merged_classes()
    found = []
    for conflict in conflicts:
        heads = sorted((s.catalogue.revision(r) for r in conflict.revisions), key=lambda h: (h.record.at, h.sha256))
        drawn = tuple(as_merged(head.record.annotation, merged) for head in heads)
        found.append(Dispute(conflict, frames[conflict.frame], tuple(heads), drawn))
    return found


def settle_by(s: Session, *, reader: str, frames: Sequence[str], author: str) -> None:
    """Settle conflicts with the outlines of one of their readers.

    Args:
        s: A session that writes.
        reader: Whose outlines are right: their name, or how it begins.
        frames: Ids of the frames, or their beginnings of at least four characters.
        author: Who decides.

    Raises:
        UsageError: A name fits no frame in conflict, or none or several of its readers.
    """
    sync_checkout(s)
    disputes = open_disputes(s)
    chosen = {dispute.frame.frame_id: dispute for name in frames for dispute in _fitting(disputes, name)}
    taken = [(dispute, _head_of(dispute, reader)) for dispute in chosen.values()]
    with s.catalogue.transaction():
        for dispute, head in taken:
            newest = max(other.record.at for other in dispute.heads)
            s.catalogue.append_revision(
                replace(
                    head.record,
                    author=author,
                    origin="consensus",
                    parent=head.sha256,
                    reading="adjudication",
                    lead_time_s=None,
                    at=max(utc_now(), newest),  # the clock of the server may be ahead of this one
                )
            )
    s.report.count("conflicts settled", len(taken))
    write_checkout(s.workspace, labelled_sheets(s.catalogue), report=s.report)
    if left := len(s.catalogue.conflicts()):
        s.report.say(f"{counted(left, 'conflicts')} left; `dmr conflicts` lists them.")
    else:
        s.report.say("No conflict is open. `dmr retrain` learns from the frames that were left out.")


def _fitting(disputes: Sequence[Dispute], name: str) -> list[Dispute]:
    fits = [d for d in disputes if len(name) > 3 and d.frame.frame_id.startswith(name)]
    if not fits:
        raise UsageError(name, "is no frame whose readers disagree", "`dmr conflicts` lists them")
    return fits


def _head_of(dispute: Dispute, reader: str) -> Revision:
    exact = [head for head in dispute.heads if head.record.author == reader]
    fits = exact or [head for head in dispute.heads if reader and head.record.author.startswith(reader)]
    if len(fits) != 1:
        what = f"has {'several readers' if fits else 'no reader'} called {reader!r}"
        raise UsageError(dispute.frame.frame_id, what, f"Its readers are {', '.join(dispute.readers)}")
    return fits[0]
