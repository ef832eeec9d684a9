"""Submissions without an outline: one counts only where somebody meant it, else it is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from ...catalogue.queues import held_place
from ...catalogue.records import Revision, RevisionRecord
from ...errors import UsageError
from ...workspace import Session
from ..interface.config import TICK

HELD: Final = (
    f'submitted without outlines and without the tick "{TICK}", so not taken yet (tick it there and press Update; or '
    "let a second reader submit the frame; or, if you have asked, `dmr pull --take-empty FRAME`)"
)
CONTRADICTS: Final = f'"{TICK}" is ticked beside outlines; the outlines count'


@dataclass(slots=True)
class Bare:
    """The submissions without outlines of one pull, in all queues.

    Attributes:
        s: The session.
        meant: Frames whose empty submissions the user has asked about; ids, or what nobody knows.
        held: The authors of those that are held, by frame.
    """

    s: Session
    meant: frozenset[str] = frozenset()
    held: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def known(cls, s: Session, *, meant: Sequence[str]) -> Self:
        """Those that earlier pulls have held."""
        wanted = {name: s.catalogue.frames_beginning(name, most=2) if len(name) > 3 else [] for name in meant}
        found = cls(s, frozenset(ids[0] if len(ids) == 1 else name for name, ids in wanted.items()))
        by_queue = {queue.id: s.catalogue.remote_annotations(queue.id) for queue in s.catalogue.queues()}
        for record in s.catalogue.unread(held_place()):
            _, queue, number = record.place.split()
            if (annotation := by_queue[int(queue)].get(int(number))) is not None:
                found.held[record.frame].add(annotation.author)
        return found

    def counts(self, record: RevisionRecord, *, last: Revision | None) -> bool:
        """Whether a submission without outlines and without the tick counts all the same.

        It does if another reader says the same, if its author has said so before, or if the user has asked.

        Args:
            record: What it would become.
            last: What its author drew last on the frame, if anything.
        """
        if record.frame in self.meant or (last is not None and _says_nothing_is_there(last)):
            return True
        if self.held[record.frame] - {record.author}:
            return True
        others = [head for head in self.s.catalogue.heads(record.frame) if head.record.author != record.author]
        covered = record.annotation.covered
        return any(_says_nothing_is_there(head) and covered <= head.record.annotation.covered for head in others)

    def tell(self) -> None:
        """Name the frames of those that are held, and those that the user asked about in vain."""
        tasks = {queue.id: self.s.catalogue.queue_tasks(queue.id) for queue in self.s.catalogue.queues()}
        for record in self.s.catalogue.unread(held_place()):
            task = tasks[int(record.place.split()[1])].get(record.frame)
            self.s.report.note_once(HELD, f"{record.frame} in task {task.remote_id}" if task else record.frame)
        for frame in sorted(self.meant):
            heads = self.s.catalogue.heads(frame)
            if not any(map(_says_nothing_is_there, heads)):
                what = "has no submission without outlines"
                self.s.report.fail_once(UsageError(frame, what, "`dmr pull` names the frames that have one"))


def _says_nothing_is_there(revision: Revision) -> bool:
    drawn = revision.record.annotation
    return not revision.withdrawn and not drawn.shapes and bool(drawn.covered)
