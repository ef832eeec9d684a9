"""The submitted annotations of a queue that could not be read: told, and kept until they can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...catalogue.queues import held_place, studio_place
from ...catalogue.records import UnreadRecord
from ...errors import StudioError
from ...workspace import Session
from .submission import Submission, UnreadableError


@dataclass(slots=True)
class Refusals:
    """The refusals of one pull.

    Attributes:
        s: The session.
        queue: The queue's number.
        known: Those of earlier pulls, by frame and place.
        now: Those of this pull.
    """

    s: Session
    queue: int
    known: dict[tuple[str, str], UnreadRecord] = field(default_factory=dict)
    now: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        found = [*self.s.catalogue.unread(studio_place(self.queue)), *self.s.catalogue.unread(held_place(self.queue))]
        self.known = {(record.frame, record.place): record for record in found}

    def add(self, submitted: Submission, error: UnreadableError, *, is_newest: bool) -> None:
        """Tell of an annotation that could not be read, and record it.

        Args:
            submitted: The annotation.
            error: What is wrong with it.
            is_newest: Whether its author handed in nothing later on that frame. Else nothing is doubtful.
        """
        number, task, frame = submitted.annotation.id, submitted.task.id, submitted.frame.frame_id
        remedy = f"{error.remedy} in task {task} and pull again"
        if error.elsewhere:
            remedy += f", or {error.elsewhere}"
        where = f"annotation {number} of frame {frame}"
        self.s.report.fail_once(StudioError(where, str(error), f"{remedy}. What was submitted is kept in store/"))
        place = studio_place(self.queue, f"{number}" if number else f"task {task}")
        self._put(UnreadRecord(frame=frame, place=place, lost=error.lost if is_newest else frozenset()))

    def hold(self, submitted: Submission, *, lost: frozenset[int]) -> None:
        """Record a submission without outlines that nobody has confirmed yet.

        Args:
            submitted: The annotation.
            lost: Ids of the classes that its author drew there before.
        """
        place = held_place(self.queue, f"{submitted.annotation.id}")
        self._put(UnreadRecord(frame=submitted.frame.frame_id, place=place, lost=lost))

    def release(self, submitted: Submission) -> None:
        """Forget that a submission was held: it counts now, or a newer one does."""
        key = (submitted.frame.frame_id, held_place(self.queue, f"{submitted.annotation.id}"))
        if (record := self.known.pop(key, None)) is not None:
            self.s.catalogue.drop_unread([record])
        self.now.discard(key)

    def is_held(self, frame: str, number: int) -> bool:
        """Whether an annotation is held because nobody has confirmed it yet."""
        return (frame, held_place(self.queue, f"{number}")) in self.known

    def _put(self, record: UnreadRecord) -> None:
        key = (record.frame, record.place)
        before = self.known.get(key)
        if before is None or before.lost != record.lost:
            self.s.catalogue.put_unread(record)
            self.known[key] = record
        self.now.add(key)

    def has(self, frame: str, number: int) -> bool:
        """Whether an annotation was refused by an earlier pull and not read since."""
        return (frame, studio_place(self.queue, f"{number}")) in self.known

    def settle(
        self, *, seen: Iterable[tuple[str, int]], frames: set[str], is_deleted: Callable[[str, int], bool]
    ) -> None:
        """Forget those that were read by now, or deleted. Those whose task is gone are left as they are.

        Args:
            seen: Frame and number of each annotation that the server listed.
            frames: The frames that have a task on the server.
            is_deleted: Whether the annotation of this number is gone from this frame.
        """
        seen = list(seen)
        there = {(frame, place(self.queue, str(n))) for frame, n in seen for place in (studio_place, held_place)}
        rest = {key: record for key, record in self.known.items() if key not in self.now}
        left = [record for key, record in rest.items() if key not in there and record.frame not in frames]
        done = [
            record
            for key, record in rest.items()
            if key in there or (record.frame in frames and _is_gone(record, is_deleted))
        ]
        self.s.catalogue.leave_unread(left)
        self.s.catalogue.drop_unread(done)


def _is_gone(record: UnreadRecord, is_deleted: Callable[[str, int], bool]) -> bool:
    number = record.place.rpartition(" ")[2]
    return "task" in record.place or is_deleted(record.frame, int(number))
