"""`dmr pull`: what physicians submitted in Label Studio becomes revisions; what they took back, tombstones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord, RemoteAnnotation, RevisionRecord, TaskRecord
from ..catalogue.splits import update_ledger
from ..editing.checkout import labelled_sheets, write_checkout
from ..errors import StudioError
from ..formats.labelme import SHAPES_IGNORED
from ..report import Report
from ..system.clock import utc_now
from ..system.store import sha256_hex
from ..workspace import Workspace
from .queues import OpenQueue, open_queue, pulled_queues
from .submission import raw_json, submitted_revision, without_ignored

if TYPE_CHECKING:
    from .client import StudioClient

BATCH: Final = 100  # tasks a commit
DRAFTS: Final = "drafts not submitted yet"
DELETED: Final = "deleted in Label Studio"
SKIPPED: Final = "skipped in Label Studio after it was submitted"


def pull(
    workspace: Workspace,
    catalogue: Catalogue,
    client: StudioClient,
    *,
    report: Report,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Take over everything that is new on the server, in every queue.

    Each annotation's raw JSON is saved before it is converted. All annotations are compared by number and hash every
    time, and a time decides nothing. What cannot be converted is named, stays on the server, and is tried again by the
    next pull.

    Args:
        workspace: Whose queues.
        catalogue: Its catalogue, open.
        client: The server.
        report: Gets counts, failures and oddities.
        on_progress: Called with the number of tasks just done.

    Returns:
        How many of the queues have a project.

    Raises:
        StudioError: The server fails; what was committed till then stays, and the next pull goes on.
    """
    for words in ("revisions added", "withdrawn", "skipped"):
        report.count(words, 0)
    report.counts.pop(DRAFTS, None)  # how many wait now: no sum over the pulls of one command
    found = 0
    for wanted in pulled_queues(workspace.settings, catalogue):
        opened = open_queue(workspace, catalogue, client, wanted, report=report, create=False)
        if opened is None:
            continue
        found += 1
        _Pull(workspace, catalogue, client, opened, report).run(on_progress or (lambda _: None))
    write_checkout(workspace, labelled_sheets(catalogue))
    return found


@dataclass(slots=True)
class _Pull:
    """One queue being pulled."""

    workspace: Workspace
    catalogue: Catalogue
    client: StudioClient
    opened: OpenQueue
    report: Report
    users: dict[int, str] = field(default_factory=dict)
    known: dict[int, RemoteAnnotation] = field(default_factory=dict)
    tasks: dict[str, TaskRecord] = field(default_factory=dict)

    def run(self, on_progress: Callable[[int], None]) -> None:
        queue, project = self.opened.queue, self.opened.project
        began = utc_now()
        self.users = self.client.users()
        self.known = self.catalogue.remote_annotations(queue.id)
        self.tasks = self.catalogue.queue_tasks(queue.id)
        there = {int(task["id"]): str(task["data"].get("frame_id", "")) for task in self.client.tasks(project.id)}
        seen: set[int] = set()
        for batch in _batches(self.client.annotated_tasks(project.id)):
            seen |= {int(a["id"]) for task in batch for a in task["annotations"]}
            self._take(batch)
            on_progress(len(batch))
        self._reconcile(there, seen)
        if waiting := self.client.drafts(project.id):
            self.report.count(DRAFTS, waiting)
        self.catalogue.set_cursor(queue.id, began)

    def _take(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Bring what was submitted in some tasks into the catalogue, in one commit."""
        frames = {f.frame_id: f for f in self.catalogue.frames(str(t["data"].get("frame_id", "")) for t in tasks)}
        changed: list[tuple[FrameRecord, Mapping[str, Any], Mapping[str, Any], bytes]] = []
        for task in tasks:
            frame = frames.get(str(task["data"].get("frame_id", "")))
            if frame is None:
                self.report.note("a task that dmr did not push (left alone)", f"task {task['id']}")
                continue
            for annotation in task["annotations"]:
                raw = raw_json(annotation)
                before = self.known.get(int(annotation["id"]))
                if before is None or before.raw_sha256 != sha256_hex(raw) or before.state == "gone":
                    changed.append((frame, task, annotation, raw))
        changed.sort(key=lambda item: (str(item[2]["updated_at"]), int(item[2]["id"])))
        self.catalogue.store.put_many(raw for *_, raw in changed)
        patients: dict[str, bool] = {}
        with self.catalogue.transaction():
            for frame, task, annotation, raw in changed:
                record = self._record(frame, task, annotation, raw)
                if record is not None and frame.patient is not None:
                    patients[frame.patient] = patients.get(frame.patient, False) or record.draft_model is not None
            splits = self.catalogue.splits()
            update_ledger(
                self.catalogue,
                shares=self.workspace.settings.split,
                patients=patients,
                # Validation and test frames are labelled without a draft, so whoever was corrected from one trains.
                fixed={
                    patient: "train" for patient, drafted in patients.items() if drafted and splits[patient] is None
                },
            )
            self._settle_tasks({f.frame_id for f in frames.values()}, tasks)

    def _record(
        self, frame: FrameRecord, task: Mapping[str, Any], annotation: Mapping[str, Any], raw: bytes
    ) -> RevisionRecord | None:
        """Take over one annotation; None where no revision came of it."""
        number = int(annotation["id"])
        before = self.known.get(number)
        author = self._author(annotation, before)
        if before is not None and (before.frame, before.author) != (frame.frame_id, author):
            self._gone(before, reason=DELETED)  # its number was given to another annotation
            before = None
        now = RemoteAnnotation(
            queue=self.opened.queue.id,
            remote_id=number,
            frame=frame.frame_id,
            author=author,
            raw_sha256=sha256_hex(raw),
        )
        if annotation.get("was_cancelled"):  # what a skipped task holds is the draft
            if before is not None and before.state == "live":
                self._gone(before, reason=SKIPPED)
            self._keep(replace(now, state="skipped"))
            self.report.count("skipped")
            return None
        try:
            record = submitted_revision(
                annotation,
                task=task,
                frame=frame,
                author=author,
                raw_sha256=now.raw_sha256,
                over=self._parent(frame, annotation),
                was_empty=(pushed := self.tasks.get(frame.frame_id)) is None or pushed.model is None,
                opened=self.opened,
                catalogue=self.catalogue,
                workspace=self.workspace,
            )
        except ValueError as error:
            remedy = f"Correct it in task {task['id']} and pull again; what was submitted is kept in store/"
            self.report.fail(StudioError(f"annotation {number} of frame {frame.frame_id}", str(error), remedy))
            return None
        _, left_out = without_ignored(annotation["result"] or (), self.workspace.settings)
        if left_out:
            self.report.count(SHAPES_IGNORED, left_out)
        appended = self.catalogue.append_revision(record)
        self._keep(replace(now, revision=appended.sha256))
        self.report.count("revisions added" if appended.is_new else "unchanged")
        if appended.conflict:
            self.report.note("authors disagree on a frame", frame.frame_id)
        return record

    def _parent(self, frame: FrameRecord, annotation: Mapping[str, Any]) -> str | None:
        """The revision that an annotation was begun from, where it was another annotation."""
        over = self.known.get(int(annotation.get("parent_annotation") or 0))
        return over.revision if over is not None and over.frame == frame.frame_id else None

    def _author(self, annotation: Mapping[str, Any], before: RemoteAnnotation | None) -> str:
        who = annotation.get("completed_by")
        number = int(who["id"] if isinstance(who, Mapping) else who or 0)
        if number in self.users:
            return self.users[number]
        return before.author if before is not None else f"user-{number}"

    def _keep(self, now: RemoteAnnotation) -> None:
        self.catalogue.put_remote_annotation(now)
        self.known[now.remote_id] = now

    def _gone(self, before: RemoteAnnotation, *, reason: str) -> None:
        """An annotation does not count any more; another one of its author on that frame, if there is one, does."""
        self._keep(replace(before, state="gone"))
        last = self.catalogue.head(before.frame, before.author)
        if before.state != "live" or last is None or last.sha256 != before.revision or last.withdrawn:
            return
        others = [
            a
            for a in self.known.values()
            if (a.frame, a.author, a.state) == (before.frame, before.author, "live") and a.revision is not None
        ]
        if any(a.revision == last.sha256 for a in others):
            return
        self.catalogue.withdraw(before.frame, before.author, reason=reason)
        self.report.count("withdrawn")
        if others:
            newest = max(others, key=lambda a: self.catalogue.revision(str(a.revision)).sequence)
            again = self.catalogue.append_revision(self.catalogue.revision(str(newest.revision)).record)
            self._keep(replace(newest, revision=again.sha256))

    def _reconcile(self, there: Mapping[int, str], seen: set[int]) -> None:
        """Find what was deleted: annotations, which withdraws them, and tasks, whose outlines are kept.

        Somebody may submit while the pages are read, and move others from page to page: whoever was not seen is asked
        for again.
        """
        frames_there = set(there.values())
        gone = [
            a
            for a in self.known.values()
            if a.state != "gone" and a.remote_id not in seen and a.frame in frames_there and self._is_deleted(a)
        ]
        lost = [t for t in self.tasks.values() if t.state != "gone" and t.frame not in frames_there]
        with self.catalogue.transaction():
            for annotation in gone:
                self._gone(annotation, reason=DELETED)
            self.catalogue.put_tasks(replace(task, state="gone") for task in lost)
            for annotation in list(self.known.values()):
                if annotation.frame in {task.frame for task in lost} and annotation.state != "gone":
                    self._keep(replace(annotation, state="gone"))
            self._settle_tasks({annotation.frame for annotation in gone}, ())
        for task in lost:
            self.report.note("a task was deleted in Label Studio; what was pulled from it is kept", task.frame)

    def _is_deleted(self, annotation: RemoteAnnotation) -> bool:
        found = self.client.annotation(annotation.remote_id)
        if found is None:
            return True
        task = self.tasks.get(annotation.frame)
        return task is not None and int(found["task"]) != task.remote_id  # its number was given out again

    def _settle_tasks(self, frames: set[str], tasks: Iterable[Mapping[str, Any]]) -> None:
        """Say of the tasks of some frames whether they wait, were skipped, or are labelled."""
        numbers = {str(task["data"].get("frame_id", "")): int(task["id"]) for task in tasks}
        states: dict[str, set[str]] = {frame: set() for frame in frames}
        for annotation in self.known.values():
            if annotation.frame in states:
                states[annotation.frame].add(annotation.state)
        settled = []
        for frame, found in states.items():
            task = self.tasks.get(frame)
            if task is None:  # pushed by a run that was killed before it could write that down
                if frame not in numbers:
                    continue
                task = TaskRecord(queue=self.opened.queue.id, frame=frame, remote_id=numbers[frame])
            state: Any = "labelled" if "live" in found else "skipped" if "skipped" in found else "pushed"
            if frame not in self.tasks or (task.state, task.remote_id) != (state, numbers.get(frame, task.remote_id)):
                settled.append(replace(task, state=state, remote_id=numbers.get(frame, task.remote_id)))
        self.catalogue.put_tasks(settled)
        self.tasks |= {task.frame: task for task in settled}


def _batches(tasks: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(tasks, BATCH)):
        yield batch
