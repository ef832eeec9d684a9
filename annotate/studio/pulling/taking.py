"""One submitted annotation becomes a revision of its author, or says why it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from ...catalogue.records import RemoteAnnotation, Revision, RevisionRecord, TaskRecord
from ...formats.labelme import SHAPES_IGNORED
from ...formats.labelme_outlines import CROSSED
from ...geometry.crossings import crosses_itself
from ...shapes import changed_classes
from ...workspace import Session
from ..answers.figures import COUNTED
from ..answers.records import StudioAnnotation, StudioRegion
from ..projects.queues import OpenQueue
from .bare import CONTRADICTS, Bare
from .marks import TOLD, is_plain_point, unsaid, without_marks
from .refusals import Refusals
from .roles import READING_OF, check_reader, last_reading
from .settling import adjudicated
from .submission import Submission, UnreadableError, submitted_revision, without_ignored

NOTES: Final = "notes typed on outlines are left out, the outlines are taken"
DELETED: Final = "deleted in Label Studio"
SKIPPED: Final = "skipped in Label Studio after it was submitted"


@dataclass(slots=True)
class Taking:
    """What the pull of one queue knows, while it takes one annotation after the other.

    Attributes:
        s: The session; its report gets counts, failures and oddities.
        opened: The queue.
        refusals: Gets what cannot be taken.
        users: The users' addresses by number.
        known: The annotations that were pulled before or just now, by number.
        tasks: The queue's tasks by frame.
        offered: Since when the project offers each class.
        bare: The submissions without outlines.
        again: Annotations that were not taken: they are looked at once more at the end.
    """

    s: Session
    opened: OpenQueue
    refusals: Refusals
    users: Mapping[int, str]
    known: dict[int, RemoteAnnotation]
    tasks: dict[str, TaskRecord]
    offered: Mapping[int, str]
    bare: Bare
    again: dict[int, Submission] = field(default_factory=dict)

    def record(self, submitted: Submission) -> RevisionRecord | None:
        """The revision of one annotation, or None if it gives none."""
        annotation, frame = submitted.annotation, submitted.frame
        if not annotation.id:
            self.refusals.add(submitted, UnreadableError(annotation.problem, lost=None), is_newest=True)
            return None
        before = self.known.get(annotation.id)
        author = self._author(annotation, before)
        if before is not None and (before.frame, before.author) != (frame.frame_id, author):
            self.gone(before, reason=DELETED)  # another annotation has its number now
            before = None
        now = RemoteAnnotation(
            queue=self.opened.queue.id,
            remote_id=annotation.id,
            frame=frame.frame_id,
            author=author,
            raw_sha256=annotation.sha256,
        )
        if annotation.is_skipped:
            if before is not None and before.state == "live":
                self.gone(before, reason=SKIPPED)
            self.keep(replace(now, state="skipped"))
            self.s.report.count("skipped")
            return None
        reading = READING_OF[self.opened.queue.purpose]
        pushed, last = self.tasks.get(frame.frame_id), last_reading(self.s.catalogue, frame.frame_id, author, reading)
        is_older = (
            last is not None
            and last.record.origin == "studio"
            and "" < annotation.at < last.record.at
            and (before is None or before.revision != last.sha256)
        )
        try:
            check_reader(self.s.catalogue, frame.frame_id, author, reading)
            read = partial(
                submitted_revision,
                self.s,
                interface=self.opened.interface,
                offered=self.offered,
                author=author,
                over=self._parent(submitted),
                last=last.record.annotation if last is not None else None,
                pushed=pushed,
            )
            settles = reading == "adjudication"
            record = adjudicated(self.s, submitted, read, author=author) if settles else read(submitted)
        except UnreadableError as error:
            # A repeat is not used, so nothing that is used is in doubt by it.
            self.refusals.add(submitted, error, is_newest=not is_older and reading != "repeat")
            self.again[annotation.id] = submitted
            return None
        if is_older:
            self.refusals.release(submitted)
            self.again[annotation.id] = submitted
            self.keep(now)
            return None
        regions, left_out = without_ignored(annotation.regions, self.s.settings)
        is_bare = not record.annotation.shapes and not left_out and not annotation.is_ticked
        is_bare = is_bare and not (settles and record.parent is not None)  # somebody who drew nothing is right
        if is_bare and not self.bare.counts(record, last=last):
            self._hold(submitted, now, before, None if reading == "repeat" else last)
            return None
        self.refusals.release(submitted)
        if annotation.is_ticked and record.annotation.shapes:
            self.s.report.note_once(CONTRADICTS, frame.frame_id)
        if left_out:
            self.s.report.count(SHAPES_IGNORED, left_out)
        self._tell_figures(regions, record, frame.frame_id)
        if annotation.notes:
            self.s.report.note_once(NOTES, frame.frame_id)
        if any(crosses_itself(shape.points) for shape in record.annotation.shapes):
            self.s.report.note_once(CROSSED, frame.frame_id)
        record = replace(self._as_begun(record, before, annotation), reading=reading)
        appended = self.s.catalogue.append_revision(record)
        self.keep(replace(now, revision=appended.sha256))
        self.s.report.count("revisions added" if appended.is_new else "unchanged")
        if appended.conflict:
            self.s.report.note_once("authors disagree on a frame", frame.frame_id)
        return record

    def _hold(
        self, submitted: Submission, now: RemoteAnnotation, before: RemoteAnnotation | None, last: Revision | None
    ) -> None:
        """Keep a submission without outlines for later. What its author drew there before is in doubt till then."""
        self.refusals.hold(submitted, lost=changed_classes((), last.record.annotation.shapes if last else ()))
        self.bare.held[now.frame].add(now.author)
        self.again[now.remote_id] = submitted
        if before is None or before.state != "live" or before.revision is None:
            self.keep(now)

    def _tell_figures(self, regions: Sequence[StudioRegion], record: RevisionRecord, frame: str) -> None:
        """Count the outlines that were drawn by other tools than the polygon, and tell of marks that are none."""
        interface = self.opened.interface
        outlines, marks = without_marks(regions, interface)
        for region in outlines:
            if region.kind in COUNTED:
                self.s.report.count(COUNTED[region.kind])
        drawn = {shape.class_id for shape in record.annotation.shapes}
        only_marked = unsaid(marks, drawn=drawn, classes=self.s.settings.classes)
        if only_marked or any(is_plain_point(mark, interface) for mark in marks):
            self.s.report.note_once(TOLD, frame)

    def _as_begun(
        self, record: RevisionRecord, before: RemoteAnnotation | None, annotation: StudioAnnotation
    ) -> RevisionRecord:
        """A revision with the beginnings that it had when the same annotation was read before: they may be gone now."""
        if before is None or before.revision is None or before.raw_sha256 != annotation.sha256:
            return record
        first = self.s.catalogue.revision(before.revision).record
        return replace(record, parent=first.parent, blind=first.blind, draft_model=first.draft_model)

    def _parent(self, submitted: Submission) -> str | None:
        """The revision of the annotation that this one was begun from, if any."""
        over = self.known.get(submitted.annotation.parent_annotation or 0)
        return over.revision if over is not None and over.frame == submitted.frame.frame_id else None

    def _author(self, annotation: StudioAnnotation, before: RemoteAnnotation | None) -> str:
        if annotation.user in self.users:
            return self.users[annotation.user]
        return before.author if before is not None else f"user-{annotation.user}"

    def keep(self, now: RemoteAnnotation) -> None:
        """Record an annotation as it is known now."""
        self.s.catalogue.put_remote_annotation(now)
        self.known[now.remote_id] = now

    def gone(self, before: RemoteAnnotation, *, reason: str) -> None:
        """Withdraw an annotation. If its author has another one on that frame, that one counts instead."""
        self.keep(replace(before, state="gone"))
        reading = READING_OF[self.opened.queue.purpose]
        last = last_reading(self.s.catalogue, before.frame, before.author, reading)
        if before.state != "live" or last is None or last.sha256 != before.revision:
            return
        others = [
            a
            for a in self.known.values()
            if (a.frame, a.author, a.state) == (before.frame, before.author, "live") and a.revision is not None
        ]
        if any(a.revision == last.sha256 for a in others):
            return
        is_repeat = reading == "repeat"
        self.s.catalogue.withdraw(before.frame, before.author, reason=reason, repeat=is_repeat)
        self.s.report.count("withdrawn")
        if others:
            records = {a.remote_id: self.s.catalogue.revision(str(a.revision)).record for a in others}
            newest = max(others, key=lambda a: (records[a.remote_id].at, a.remote_id))
            again = self.s.catalogue.append_revision(records[newest.remote_id])
            self.keep(replace(newest, revision=again.sha256))
