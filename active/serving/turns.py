"""The turns of `dmr serve`: pull after each submission and every five minutes, one at a time, and start trainings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ...annotate.errors import DmrError, StudioError, WorkspaceError
from ...annotate.faults import told
from ...annotate.report import Report
from ...annotate.studio.projects.backend import Backend, connect_backend, connect_webhook
from ...annotate.studio.projects.queues import studio_client
from ...annotate.studio.projects.tools import connect_tool
from ...annotate.studio.server.client import StudioClient
from ...annotate.wording import counted
from ...annotate.workspace import Workspace
from ..exchange import take_in
from .drafting import Drafter
from .log import Write, failure
from .retraining import Retraining

EVERY_S: Final = 300.0
AGAIN_S: Final = 20.0  # after a turn that failed: another command has the workspace, or the server is down
WAIT_S: Final = 10.0  # for another command that has the workspace
SETTLE_S: Final = 1.0  # submissions that come together are pulled together
_TICK_S: Final = 0.5
_END_S: Final = 30.0
_TOLD: Final = ("revisions added", "withdrawn", "edits taken up", "skipped")
_NO_PROJECT: Final = "connect: there is no project in Label Studio yet; dmr push makes it"


class Turns:
    """A thread that does one turn after the other.

    Args:
        root: The workspace's folder.
        drafter: Gets each project's version of predictions, and a new active model before somebody asks it.
        retraining: Starts trainings.
        log: Gets what happens.
        backend: Where Label Studio reaches this server, if the projects are to be set up; None to leave them.
        every_s: Seconds from one turn to the next.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        root: Path,
        *,
        drafter: Drafter,
        retraining: Retraining,
        log: Write,
        backend: Backend | None = None,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root, self._drafter, self._retraining, self._log = root, drafter, retraining, log
        self._backend, self._every_s, self._clock = backend, every_s, clock
        self._hint, self._end, self._training_asked = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="dmr serve turns", daemon=True)
        self._said: set[str] = set()
        self._model = ""
        self.is_pulling = False
        self.done = 0

    def start(self) -> None:
        """Begin with the first turn."""
        self._thread.start()

    def hint(self) -> None:
        """Something was submitted: do not wait for the next turn."""
        self._hint.set()

    def ask_training(self) -> None:
        """Somebody asked for a training."""
        self._training_asked.set()
        self._hint.set()

    def stop(self) -> None:
        """End after what is under way; a training is ended too."""
        self._end.set()
        self._hint.set()
        if self._thread.is_alive():
            self._thread.join(_END_S)
        self._retraining.stop()

    def _run(self) -> None:
        due = self._clock()
        while not self._end.is_set():
            if self._looked():
                due = self._clock()
            if not self._hint.is_set() and self._clock() < due:
                self._hint.wait(_TICK_S)
                continue
            if self._hint.is_set():
                self._end.wait(SETTLE_S)
                self._hint.clear()
            began = self._clock()
            worked = self._turn()
            took = self._clock() - began
            due = self._clock() + (self._every_s if worked else AGAIN_S)
            self._end.wait(took)  # at most half of the time goes into pulls

    def _looked(self) -> bool:
        """Whether a training has ended."""
        try:
            return self._retraining.look()
        except Exception as error:
            self._once(_line("retrain", error))
            return False

    def _turn(self) -> bool:
        """Pull, set projects up, start a training; returns whether all of it worked."""
        before, self._said = self._said, set()
        try:
            workspace = Workspace.at(self._root)
            self._pull(workspace, before)
            with studio_client(workspace) as client:
                self._see_projects(workspace, client, before)
            self._see_model(workspace)
            asked = self._training_asked.is_set()
            self._training_asked.clear()
            self._retraining.consider(workspace, asked=asked)
        except Exception as error:  # the next turn tries again
            line = _line("pull", error)
            self._said.add(line)
            if line not in before:
                self._log(line)
            return False
        self.done += 1
        return True

    def _pull(self, workspace: Workspace, before: set[str]) -> None:
        report = Report("pull")
        self.is_pulling = True
        try:
            with workspace.session(write=True, report=report, wait_s=WAIT_S) as s:
                take_in(s, studio=True)
        finally:
            self.is_pulling = False
        if done := [counted(n, what) for what in _TOLD if (n := report.counts[what])]:
            self._log(f"pull: {', '.join(done)}")
        self._said |= set(report.failures)
        for line in report.failures:
            if line not in before:
                self._log(f"pull: Error: {line}")

    def _see_projects(self, workspace: Workspace, client: StudioClient, before: set[str]) -> None:
        """Learn each project's version of predictions; connect the projects if that is wanted."""
        with workspace.catalogue() as catalogue:
            queues = [q for q in catalogue.queues() if q.server == client.url]
        found = {q.project: p.model_version for q in queues if (p := client.project(q.project)) is not None}
        self._drafter.versions = found
        if self._backend is None:
            return
        # Only these: a frame that is read again shows what its reader before got, not the newest draft.
        again = [q.project for q in queues if q.project in found and q.purpose != "correct"]
        found = {q.project: found[q.project] for q in queues if q.project in found and q.purpose == "correct"}
        if not found:
            self._said.add(_NO_PROJECT)
            if _NO_PROJECT not in before:
                self._log(_NO_PROJECT)
            return
        for project in found:
            is_new = connect_backend(client, project, self._backend)
            if connect_tool(client, project):
                self._log(f"connect: project {project} has the tool for boxes now; pages that are open load them anew")
            self._log(f"connect: project {project} asks this server for drafts {'now' if is_new else 'already'}")
        for project in again:
            connect_webhook(client, project, self._backend)
        self._backend = None

    def _see_model(self, workspace: Workspace) -> None:
        """Load a model that was promoted meanwhile."""
        with workspace.catalogue() as catalogue:
            active = catalogue.active_model()
        if active is not None and active.id != self._model:
            if self._model:
                self._log(f"model: {self._drafter.load()} is active now")
            self._model = active.id

    def _once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._log(line)


def _line(what: str, error: Exception) -> str:
    """What to log of a turn that failed."""
    if isinstance(error, WorkspaceError | StudioError):
        return f"{what}: put off, {error}"
    known = error if isinstance(error, DmrError) else told(error)
    return f"{what}: {failure(error)}" if known is None else f"{what}: Error: {known}"
