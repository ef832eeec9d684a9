"""`dmr pull`: submitted annotations become revisions; for deleted ones, revisions get tombstones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ...catalogue.records import RemoteAnnotation, TaskRecord
from ...catalogue.splits import update_ledger
from ...editing.checkout import labelled_sheets, write_checkout
from ...system.clock import utc_now
from ...system.pipeline import batched
from ...workspace import Session
from ..answers.raw import as_kept_before, kept_anew
from ..answers.records import StudioAnnotation, StudioTask
from ..interface.adjudication import plain_label
from ..projects.offered import first_drawn, note_offered, was_offered
from ..projects.queues import OpenQueue, open_queue, pulled_queues
from .bare import Bare
from .meanings import is_read_otherwise, meanings
from .refusals import Refusals
from .submission import Submission
from .taking import DELETED, Taking

if TYPE_CHECKING:
    from ..server.client import StudioClient

BATCH: Final = 100  # tasks in one commit
DRAFTS: Final = "drafts not submitted yet"


def pull(s: Session, client: StudioClient, *, take_empty: Sequence[str] = ()) -> int:
    """Fetch everything that is new on the server, in every queue.

    Each annotation's raw JSON is saved before it is converted. Every pull compares all annotations by number and hash,
    never by time. An annotation that cannot be converted is reported and stays on the server, and the next pull tries
    again.

    Args:
        s: A session that writes; its report gets counts, failures and oddities.
        client: The server.
        take_empty: Frames whose submissions without outlines count without a tick: the user has asked. Ids, or their
            beginnings of at least four characters.

    Returns:
        The number of queues that have a project.

    Raises:
        StudioError: The server fails. What was committed before stays, and the next pull goes on.
    """
    s.tell("Asking Label Studio", 0, None)
    for words in ("revisions added", "withdrawn", "skipped"):
        s.report.count(words, 0)
    s.report.counts.pop(DRAFTS, None)  # the number that waits now, not a sum over several pulls of one command
    bare, runs = Bare.known(s, meant=take_empty), list[_Pull]()
    for wanted in pulled_queues(s.settings, s.catalogue):
        opened = open_queue(s, client, wanted, create=False)
        if opened is None:
            continue
        runs.append(_Pull(s, client, opened, bare))
        runs[-1].run()
    for run in runs:
        run.take_held()  # a second reader may have said the same in a later queue
    bare.tell()
    write_checkout(s.workspace, labelled_sheets(s.catalogue), report=s.report)
    return len(runs)


@dataclass(slots=True)
class _Pull:
    """The pull of one queue."""

    s: Session
    client: StudioClient
    opened: OpenQueue
    bare: Bare
    taking: Taking = field(init=False)
    proven: frozenset[int] = frozenset()  # classes of which this pull learns since when they are offered
    meant: dict[str, int] = field(default_factory=dict)  # what the labels stood for at the last pull
    mean: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        queue, project = self.opened.queue, self.opened.project
        began = utc_now()
        offered = self._learn_offered()
        self.meant, self.mean = self.s.catalogue.label_meanings(queue.id), meanings(self.s.settings)
        self.taking = Taking(
            self.s,
            self.opened,
            Refusals(self.s, queue.id),
            users=self.client.users(),
            known=self.s.catalogue.remote_annotations(queue.id),
            tasks=self.s.catalogue.queue_tasks(queue.id),
            offered=offered,
            bare=self.bare,
        )
        frames_there = {task.frame_id for task in self.client.tasks(project.id)}
        seen: set[tuple[str, int]] = set()
        for batch in batched(self.client.annotated_tasks(project.id, is_known=self._is_known), BATCH):
            seen |= {(task.frame_id, annotation.id) for task in batch for annotation in task.annotations}
            self._take(batch)
            self.s.tell("Pulling annotations", len(batch), None)
        self._reconcile(frames_there, seen)
        if again := self.taking.again:
            self._take_submitted(list(again.values()))  # what is newer may have come, or be withdrawn by now
        if waiting := self.client.drafts(project.id):
            self.s.report.count(DRAFTS, waiting)
        if self.proven:
            self.s.catalogue.set_offered(queue.id, offered)
        if self.meant != self.mean:
            self.s.catalogue.set_label_meanings(queue.id, self.mean)
        self.s.catalogue.set_cursor(queue.id, began)

    def take_held(self) -> None:
        """Look once more at the submissions without outlines that are held."""
        is_held = self.taking.refusals.is_held
        held = [x for x in self.taking.again.values() if is_held(x.frame.frame_id, x.annotation.id)]
        if held:
            self._take_submitted(held)

    def _learn_offered(self) -> dict[int, str]:
        """Since when the project offers each class; of a label that was added by hand, the first outline tells it."""
        offered = note_offered(self.s.catalogue, self.opened)
        if unknown := self.opened.interface.labels.keys() - offered.keys():
            tasks = self.client.annotated_tasks(self.opened.project.id)
            drawn = first_drawn(tasks, unknown, self.s.settings.classes)
            self.proven = frozenset(drawn)
            offered |= drawn
        return offered

    def _take(self, tasks: Sequence[StudioTask]) -> None:
        """Take the annotations of some tasks into the catalogue."""
        catalogue = self.s.catalogue
        frames = {frame.frame_id: frame for frame in catalogue.frames(task.frame_id for task in tasks)}
        changed: list[Submission] = []
        for task in tasks:
            frame = frames.get(task.frame_id)
            if frame is None:
                self.s.report.note("a task that dmr did not push (left alone)", f"task {task.id}")
                continue
            changed += [Submission(a, task, frame) for a in task.annotations if self._is_new(a)]
        self._take_submitted(changed, tasks=[task for task in tasks if task.frame_id in frames])

    def _take_submitted(self, submissions: Sequence[Submission], *, tasks: Sequence[StudioTask] = ()) -> None:
        """Take annotations into the catalogue, the oldest first, in one commit."""
        catalogue = self.s.catalogue
        changed = sorted(submissions, key=lambda submitted: (submitted.annotation.at, submitted.annotation.id))
        catalogue.store.put_many(submitted.annotation.raw for submitted in changed)
        # The server reuses the numbers of deleted annotations, even for another frame.
        numbers = {submitted.annotation.id for submitted in changed}
        before = {a.frame for a in self.taking.known.values() if a.remote_id in numbers and a.state != "gone"}
        patients: dict[str, bool] = {}
        audits = catalogue.audits()
        with catalogue.transaction():
            for submitted in changed:
                record, patient = self.taking.record(submitted), submitted.frame.patient
                if record is not None and patient is not None:
                    drafted = record.draft_model is not None or record.frame in audits
                    patients[patient] = patients.get(patient, False) or drafted
            splits = catalogue.splits()
            update_ledger(
                catalogue,
                shares=self.s.settings.split,
                patients=patients,
                # Validation and test frames get no draft, so a patient whose draft was corrected or measured is train.
                fixed={
                    patient: "train" for patient, drafted in patients.items() if drafted and splits[patient] is None
                },
            )
            self._settle_tasks(before | {task.frame_id for task in (*tasks, *(x.task for x in changed))}, tasks)

    def _is_known(self, label: str) -> bool:
        """Whether a text is a label of dmr.toml, or the name of the project's image."""
        settings = self.s.settings
        if self.opened.queue.purpose == "adjudication":
            label = plain_label(label)
        is_label = settings.classes.find(label) is not None or settings.imports.ignores(label)
        return is_label or label == self.opened.interface.image

    def _is_new(self, annotation: StudioAnnotation) -> bool:
        before = self.taking.known.get(annotation.id)
        if before is None or before.state == "gone":
            return True
        if before.raw_sha256 != annotation.sha256 and not self._was_kept_in_full(before, annotation):
            return True
        if self.taking.refusals.has(before.frame, annotation.id):
            return True
        if before.state != "live":
            return False
        was_older = before.revision is None  # than what counted
        covers_more = any(was_offered(c, self.taking.offered, annotation) for c in self.proven)
        return was_older or covers_more or is_read_otherwise(annotation, before=self.meant, now=self.mean)

    def _was_kept_in_full(self, before: RemoteAnnotation, annotation: StudioAnnotation) -> bool:
        """Whether an annotation is the one that an older dmr kept with more of its JSON, or with less."""
        store = self.s.catalogue.store
        if not store.has(before.raw_sha256):
            return False
        kept = store.get(before.raw_sha256)
        anew = kept_anew(kept, is_known=self._is_known)
        return anew == annotation.raw or as_kept_before(annotation.raw, is_known=self._is_known) in (kept, anew)

    def _reconcile(self, frames_there: set[str], seen: set[tuple[str, int]]) -> None:
        """Find what was deleted. Deleted annotations are withdrawn; for a deleted task, outlines are kept.

        If somebody submits while the pages are read, other annotations may move to another page. So the server is asked
        again for each annotation that was not seen.
        """
        missing = [a for a in self.taking.known.values() if a.state != "gone" and (a.frame, a.remote_id) not in seen]
        gone = [a for a in missing if a.frame in frames_there and self._has_left(a.frame, a.remote_id)]
        lost = [t for t in self.taking.tasks.values() if t.state != "gone" and t.frame not in frames_there]
        self.taking.refusals.settle(seen=seen, frames=frames_there, is_deleted=self._has_left)
        with self.s.catalogue.transaction():
            for annotation in gone:
                self.taking.gone(annotation, reason=DELETED)
            self.s.catalogue.put_tasks(replace(task, state="gone") for task in lost)
            for annotation in list(self.taking.known.values()):
                if annotation.frame in {task.frame for task in lost} and annotation.state != "gone":
                    self.taking.keep(replace(annotation, state="gone"))
            self._settle_tasks({annotation.frame for annotation in gone}, ())
        for task in lost:
            self.s.report.note("a task was deleted in Label Studio; what was pulled from it is kept", task.frame)

    def _has_left(self, frame: str, annotation: int) -> bool:
        """Whether an annotation of a frame is deleted."""
        found, task = self.client.task_of(annotation), self.taking.tasks.get(frame)
        return found is None or (task is not None and found != task.remote_id)  # the server has reused its number

    def _settle_tasks(self, frames: set[str], tasks: Iterable[StudioTask]) -> None:
        """Record whether the tasks of some frames wait, were skipped, or are labelled."""
        numbers = {task.frame_id: task.id for task in tasks}
        states: dict[str, set[str]] = {frame: set() for frame in frames}
        refusals = self.taking.refusals
        for annotation in self.taking.known.values():
            if annotation.frame in states:
                is_held = refusals.is_held(annotation.frame, annotation.remote_id)
                is_none = is_held and annotation.state == "live" and annotation.revision is None
                states[annotation.frame].add("held" if is_none else annotation.state)
        settled = []
        for frame, found in states.items():
            task = self.taking.tasks.get(frame)
            if task is None:  # pushed by a run that was killed before it recorded the task
                if frame not in numbers:
                    continue
                task = TaskRecord(queue=self.opened.queue.id, frame=frame, remote_id=numbers[frame])
            waits = "gone" if task.state == "gone" else "pushed"  # another queue may have the frame now
            state: Any = "labelled" if "live" in found else "skipped" if "skipped" in found else waits
            if frame not in self.taking.tasks or (task.state, task.remote_id) != (
                state,
                numbers.get(frame, task.remote_id),
            ):
                settled.append(replace(task, state=state, remote_id=numbers.get(frame, task.remote_id)))
        self.s.catalogue.put_tasks(settled)
        self.taking.tasks |= {task.frame: task for task in settled}
