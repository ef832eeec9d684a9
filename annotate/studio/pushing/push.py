"""`dmr push`: send frames, drafts and their order to Label Studio, nothing twice; annotations are never changed.

The order is given three times: by the score of a task's prediction (the lowest first in "Label All Tasks"), by a view
that is sorted by it ("Label Tasks As Displayed"), and by the order in which new tasks are made. Each push makes its
predictions under a version of its own and switches the project to that version in one step. So people who label
meanwhile see one version or the other, never a mixture. A version before stays for a while: Label Studio refuses a
submission that was begun from a prediction that is gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ...catalogue.records import TaskRecord
from ...errors import UsageError
from ...report import Report
from ...settings.model import QueueSettings
from ...system.pipeline import batched, batched_by_weight
from ...wording import counted, quoted
from ...workspace import Session
from ..answers.records import StudioTask, TaskData
from ..projects.ellipses import complete_ellipses
from ..projects.labels import complete_labels, complete_readers, complete_tick
from ..projects.offered import note_offered
from ..projects.queues import (
    COLUMNS,
    IN_ORDER,
    ORDERING,
    VIEW,
    OpenQueue,
    has_tick,
    model_of,
    open_queue,
)
from ..server.project_settings import changed_settings
from .outgoing import Outgoing, outgoing_hash, result_json, score_of
from .pictures import Pictures, Shown
from .words import says_empty, shown_reason

if TYPE_CHECKING:
    from ..server.client import StudioClient

CHUNK: Final = 500  # tasks in one request
# With every request for predictions, Label Studio counts those of all tasks anew: seconds for 10,000 tasks.
PREDICTIONS: Final = 5000  # in one request
CORNERS: Final = 500_000  # in one request: some 25 MB
NO_MODEL: Final = "no-model"
REORDERED: Final = "tasks in a new order"
HELD: Final = timedelta(days=14)  # for so long a frame may stay open in a browser
LOOK: Final = "Look at them with `dmr quarantine show`, then run `dmr push --pixels-reviewed`"


def without_held(outgoing: Sequence[Outgoing], *, report: Report) -> list[Outgoing]:
    """The frames that may leave: the others stay in quarantine until a person has looked at them.

    Raises:
        UsageError: All frames are in quarantine.
    """
    free = [o for o in outgoing if o.frame.may_leave]
    if held := len(outgoing) - len(free):
        many = counted(held, "frames")
        if not free:
            what = f"{many} may show a patient's name, and nobody has looked at them yet"
            remedy = f"Nothing was sent. {LOOK}"
            raise UsageError("quarantine", what, remedy)
        report.say(f"Not sent: {many} in quarantine, which may show a patient's name. {LOOK}.")
    return free


def push(
    s: Session,
    client: StudioClient,
    outgoing: Sequence[Outgoing],
    *,
    queue: QueueSettings,
    model: str | None,
    away: Collection[str] = (),
) -> None:
    """Make a queue's project show a ranking.

    Args:
        s: The session, just after a pull; its report gets counts, failures and words.
        client: The connection to the server.
        outgoing: The frames that nobody has labelled yet, and those to draw again; the most informative first.
        queue: The queue.
        model: The model that drew the drafts; None without a model.
        away: Frames that were in this queue, and are in another one from now on. Their tasks stay, because somebody may
            have one open, but "Label All Tasks" does not show them any more.

    Raises:
        UsageError: All frames are in quarantine.
        StudioError: The server fails. The next push goes on where this one stopped.
    """
    outgoing = without_held(outgoing, report=s.report)
    opened = open_queue(s, client, queue, create=True)
    assert opened is not None
    for setting in changed_settings(opened.project):
        s.report.say(f"Project {quoted(opened.project.title)}, {setting.what}: {setting.told}")
    note_offered(s.catalogue, opened)
    before = opened.interface.labels
    opened = complete_labels(client, opened, s.settings, report=s.report)
    opened = complete_tick(client, opened, report=s.report)
    if queue.purpose == "adjudication":
        complete_readers(client, opened, s.settings.classes, readers=max(len(o.readers) for o in outgoing))
    if added := opened.interface.labels.keys() - before.keys():
        note_offered(s.catalogue, opened, added=added, at=client.now())
    opened = complete_ellipses(s, client, opened)
    _Push(s, client, opened, model, away).run(outgoing)


@dataclass(slots=True)
class _Push:
    """The push of one queue."""

    s: Session
    client: StudioClient
    opened: OpenQueue
    model: str | None
    away: Collection[str]

    def run(self, outgoing: Sequence[Outgoing]) -> None:
        queue, project = self.opened.queue, self.opened.project
        self.s.tell("Comparing with Label Studio", 0, None)
        self._drop_versions(project.model_version)
        there: dict[str, StudioTask] = {}
        for task in self.client.tasks(project.id):
            there.setdefault(task.frame_id, task)
        known = self.s.catalogue.queue_tasks(queue.id)
        # Skipped frames stay as they are: somebody has said that they cannot be judged.
        wanted = [o for o in outgoing if o.frame.frame_id not in known or known[o.frame.frame_id].state != "skipped"]
        ticked = has_tick(project.config)
        items = [_Item(rank, o, self._result(o), ticked) for rank, o in enumerate(wanted, 1)]
        for words in ("tasks added", "drafts replaced"):
            self.s.report.count(words, 0)
        bare = sum(o.draft is not None and not item.result for o, item in zip(wanted, items, strict=True))
        self.s.report.count("tasks with an empty draft", bare)
        self._tell_again(items, known)
        if not items or (not self.away and self._is_in_line(items, there, known)):
            self.s.report.count("tasks unchanged", len(items))
            return
        version = f"{self.model or NO_MODEL}-{secrets.token_hex(4)}"
        numbers = self._send(items, there, known, version)
        if not numbers:  # no picture could be read, and each is reported
            return
        self.s.tell("Putting tasks in order", 0, None)
        self.client.set_model_version(project.id, version)
        self.client.ensure_view(project.id, title=self._view, ordering=ORDERING, shown=COLUMNS)
        self._tell_reasons(items, there)
        self.s.catalogue.put_tasks(replace(known[f], state="gone") for f in self.away)
        self._keep(items, numbers, known)  # last, so that the next push redoes what a killed one has not finished

    @property
    def _view(self) -> str:
        return VIEW if self.opened.queue.purpose == "correct" else IN_ORDER

    def _tell_again(self, items: Sequence[_Item], known: Mapping[str, TaskRecord]) -> None:
        """Say how many frames are to be drawn again, and which of them Label Studio does not serve by itself."""
        if again := sum(item.outgoing.again is not None for item in items):
            self.s.report.count("tasks to draw again", again)
        if done := sum(item.is_done(known) for item in items):
            self.s.report.say(
                f"Of the frames to draw again, {done} {'was' if done == 1 else 'were'} submitted in Label Studio "
                'before. "Label All Tasks" does not show such a frame: open it in the view '
                f'"{self._view}", change the annotation that is there, and press Update.'
            )

    def _result(self, o: Outgoing) -> list[dict[str, Any]]:
        return result_json(o, interface=self.opened.interface, classes=self.s.settings.classes)

    def _is_in_line(
        self,
        items: Sequence[_Item],
        there: Mapping[str, StudioTask],
        known: Mapping[str, TaskRecord],
    ) -> bool:
        """Whether the project already shows these drafts in this order. Frames labelled since then do not matter."""
        tasks = [known.get(item.frame_id) for item in items]
        ranks = [task.rank or 0 for task in tasks if task is not None]
        return (
            model_of(self.opened.project.model_version) == (self.model or NO_MODEL)
            and all(item.frame_id in there for item in items)
            and all(t is not None and t.pushed_sha256 == i.sha256 for t, i in zip(tasks, items, strict=True))
            and all(a < b for a, b in pairwise(ranks))
        )

    def _send(
        self,
        items: Sequence[_Item],
        there: Mapping[str, StudioTask],
        known: Mapping[str, TaskRecord],
        version: str,
    ) -> dict[str, int]:
        """Make missing tasks, and predictions for all. Returns the tasks' numbers by frame."""
        project, total = self.opened.project.id, len(items)
        numbers = {item.frame_id: there[item.frame_id].id for item in items if item.frame_id in there}
        self.s.tell("Sending drafts", 0, total)
        pictures = Pictures(self.s, self.client, project)
        for batch in batched([item for item in items if item.frame_id not in there], CHUNK):
            shown = pictures.put([item.outgoing.frame for item in batch])
            some = [item for item in batch if item.frame_id in shown]
            if not some:
                continue
            tasks = [
                {"data": item.data(shown[item.frame_id]).as_json(), "predictions": [item.prediction(version, total)]}
                for item in some
            ]
            made = self.client.import_tasks(project, tasks)
            numbers |= {item.frame_id: number for item, number in zip(some, made, strict=True)}
            self.s.report.count("tasks added", len(some))
            self.s.tell("Sending drafts", len(some), total)
        old = [item for item in items if item.frame_id in there]
        for batch in batched_by_weight(old, PREDICTIONS, weight=_Item.corners, most=CORNERS):
            predictions = [{"task": numbers[i.frame_id], **i.prediction(version, total)} for i in batch]
            self.client.import_predictions(project, predictions)
            same = sum(item.is_shown(known) for item in batch)
            self.s.report.count("drafts replaced", len(batch) - same)
            if same:
                self.s.report.count(REORDERED, same)
            self.s.tell("Sending drafts", len(batch), total)
        return numbers

    def _keep(self, items: Sequence[_Item], numbers: Mapping[str, int], known: Mapping[str, TaskRecord]) -> None:
        self.s.catalogue.put_tasks(
            TaskRecord(
                queue=self.opened.queue.id,
                frame=item.frame_id,
                remote_id=numbers[item.frame_id],
                model=item.outgoing.draft.model if item.outgoing.draft and item.result else None,
                pushed_sha256=item.sha256,
                state="labelled" if item.is_done(known) else "pushed",
                rank=item.rank,
            )
            for item in items
            if item.frame_id in numbers
        )

    def _drop_versions(self, shown: str) -> None:
        """Delete the versions of predictions that nobody can hold.

        An open frame or an unsubmitted draft may have begun from one that was shown until lately. One that is newer
        than what is shown was left by a push that was killed.
        """
        project = self.opened.project.id
        made = self.client.model_versions(project)
        if shown not in made or len(made) == 1:
            return
        draft = self.client.oldest_draft(project)
        held = min(made[shown] - HELD, draft) if draft is not None else made[shown] - HELD
        order = sorted(made, key=lambda version: made[version])
        old = [version for version, following in pairwise(order) if made[following] <= held]
        for version in [*old, *order[order.index(shown) + 1 :]]:
            self.client.delete_model_version(project, version)

    def _tell_reasons(self, items: Sequence[_Item], there: Mapping[str, StudioTask]) -> None:
        """Update rank and reason in tasks that come first now or did before, and where a draft is or was empty.

        It takes a request each, so it is not done in all.
        """
        top = self.s.settings.select.frames_per_round
        for item in items:
            if (task := there.get(item.frame_id)) is None:
                continue
            now = item.data(Shown(task.data.image, task.data.clip))
            is_first = min(item.rank, task.data.rank) <= top
            if now != task.data and (is_first or says_empty(now.reason) != says_empty(task.data.reason)):
                self.client.update_task(task.id, now)


@dataclass(frozen=True, slots=True)
class _Item:
    """A frame with its place in the order, and its draft as Label Studio's JSON."""

    rank: int
    outgoing: Outgoing
    result: list[dict[str, Any]]
    has_tick: bool

    @property
    def frame_id(self) -> str:
        return self.outgoing.frame.frame_id

    @property
    def sha256(self) -> str:
        """Hash of what is pushed, without the place in the order."""
        return outgoing_hash(self.outgoing, self.result)

    def corners(self) -> int:
        """The number of corners of its outlines."""
        return sum(len(region["value"]["points"]) for region in self.result)

    def is_shown(self, known: Mapping[str, TaskRecord]) -> bool:
        """Whether its task shows this already: only the order is new."""
        task = known.get(self.frame_id)
        return task is not None and task.pushed_sha256 == self.sha256

    def is_done(self, known: Mapping[str, TaskRecord]) -> bool:
        """Whether its task was submitted before: a frame to draw again."""
        task = known.get(self.frame_id)
        shows_outlines = self.outgoing.again is not None or bool(self.outgoing.readers)
        return shows_outlines and task is not None and task.state == "labelled"

    def data(self, shown: Shown) -> TaskData:
        """The data of its task."""
        o = self.outgoing
        reason = shown_reason(
            o.reason,
            rank=self.rank,
            is_drafted=o.draft is not None,
            is_bare=not self.result,
            has_tick=self.has_tick,
        )
        return TaskData(self.frame_id, shown.image, self.rank, reason, shown.clip)

    def prediction(self, version: str, total: int) -> dict[str, Any]:
        """Its prediction. Label Studio shows the lowest score first, so the first frame gets the lowest."""
        return {"model_version": version, "score": score_of(self.rank, total), "result": self.result}
