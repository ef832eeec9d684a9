"""`dmr push --dry-run`: the whole push, on a copy of the catalogue and with a server that is only read."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import TaskRecord
from ..annotate.editing.edits import sync_checkout
from ..annotate.progress.tell import Tell, silent
from ..annotate.report import Report
from ..annotate.studio.answers.records import Project, StudioTask, TaskData
from ..annotate.studio.pulling.pull import pull
from ..annotate.studio.server.client import StudioClient
from ..annotate.studio.server.credentials import Login, need_login
from ..annotate.system.store import BlobStore, sha256_hex
from ..annotate.upkeep.copy import CATALOGUE, copy_catalogue, refuse_server
from ..annotate.wording import counted, quoted
from ..annotate.workspace import Session, Workspace
from .exchange import push_ranking
from .selection.select import check_strategy

DONE: Final = "This was a dry run: all this would happen. Nothing was changed, neither here nor in Label Studio."


def rehearse_push(
    workspace: Workspace,
    report: Report,
    *,
    pixels_reviewed: bool = False,
    top: int | None = None,
    tell: Tell = silent,
    device: str = "auto",
) -> None:
    """Say what a pull and a push would do.

    Args:
        workspace: The workspace; nothing in it is changed.
        report: Gets what they would report, and what they would change in the order.
        pixels_reviewed: As in `push_ranking`.
        top: As in `push_ranking`.
        tell: Gets the progress.
        device: What computes.

    Raises:
        CatalogueError: The catalogue is on a server, so there is no copy of it.
        SettingsError: There is no such strategy.
        UsageError: All frames are in quarantine.
        StudioError: The server fails.
    """
    check_strategy(workspace.settings.select.strategy)
    with _copied(workspace, report, tell=tell, device=device) as s, _ReadOnly(need_login(workspace.settings)) as client:
        sync_checkout(s)
        pull(s, client)
        before = _tasks(s.catalogue)
        ranking = push_ranking(s, client, pixels_reviewed=pixels_reviewed, top=top)
        for title in client.titles:
            report.say(f"New project: {quoted(title)}.")
        _tell_changes(before, _tasks(s.catalogue), report=report)
    report.data["ranking"] = [{"rank": r.rank, "frame": r.frame_id, "reason": r.reason} for r in ranking]
    report.data["dry_run"] = True
    report.say(DONE)


@dataclass(frozen=True, slots=True)
class _Copy(Workspace):
    """A workspace whose pictures and models are read where they are; what is written goes to another folder."""

    scratch: Path

    @property
    def annotations_folder(self) -> Path:
        return self.scratch / "annotations"

    @property
    def reports_folder(self) -> Path:
        return self.scratch / "reports"


class _Beside(BlobStore):
    """A store that keeps new blobs in memory."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._new: dict[str, bytes] = {}

    def put_many(self, blobs: Iterable[bytes]) -> list[str]:
        """Keep blobs until the end. Returns their SHA-256."""
        named = [(sha256_hex(data), data) for data in blobs]
        self._new |= named
        return [sha256 for sha256, _ in named]

    def get(self, sha256: str) -> bytes:
        """A blob's content."""
        return self._new[sha256] if sha256 in self._new else super().get(sha256)

    def has(self, sha256: str) -> bool:
        """Whether a blob exists."""
        return sha256 in self._new or super().has(sha256)


@contextmanager
def _copied(workspace: Workspace, report: Report, *, tell: Tell, device: str) -> Iterator[Session]:
    """A session that writes in a copy, which is gone afterwards."""
    refuse_server(workspace)
    # In the workspace, as it holds what no other folder should.
    with tempfile.TemporaryDirectory(prefix=".dmr-", dir=workspace.root) as folder:
        copy = _Copy(workspace.root, workspace.settings, Path(folder))
        copy_catalogue(workspace.root / CATALOGUE, copy.scratch / CATALOGUE, lasting=False)
        copy.reports_folder.mkdir()
        if workspace.annotations_folder.is_dir():
            shutil.copytree(workspace.annotations_folder, copy.annotations_folder)
        store = _Beside(workspace.root / "store")
        with Catalogue.open(copy.scratch / CATALOGUE, store=store, is_copy=True) as catalogue:
            catalogue.sync_classes(workspace.settings.classes)
            yield Session(copy, catalogue, report, tell, device, _writes=True)


class _ReadOnly(StudioClient):
    """A server that is read. What would be changed there is left out, and a new project is empty."""

    shows_local_files = False

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        # A change that is not left out below would be a mistake in this file: it never reaches the server.
        self._http.event_hooks = {"request": [_refuse_change]}
        self._made: dict[int, Project] = {}
        self._numbers = defaultdict[int, Iterator[int]](lambda: count(-1, -1))

    @property
    def titles(self) -> list[str]:
        """Those of the projects that would be made."""
        return [project.title for project in self._made.values()]

    def create_project(self, title: str, *, config: str, **_: Any) -> Project:
        """A project that is not made."""
        number = -1 - len(self._made)
        self._made[number] = Project(number, title[:50], config, "", "Uncertainty sampling", True)
        return self._made[number]

    def tasks(self, project: int) -> Iterator[StudioTask]:
        """Every task, none in a new project."""
        if project not in self._made:
            yield from super().tasks(project)

    def model_versions(self, project: int) -> dict[str, datetime]:
        """The model versions, none in a new project."""
        return {} if project in self._made else super().model_versions(project)

    def upload(self, project: int, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
        """No file is sent."""
        yield from ((name, f"/data/upload/{project}/{name}") for name, _ in files)

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Numbers that no task has."""
        return [next(self._numbers[project]) for _ in tasks]

    def ensure_view(self, *_: Any, **__: Any) -> int:
        """No view is made."""
        return 0

    def set_instructions(self, project: int, instructions: str) -> None:
        """Nothing is changed."""

    def set_config(self, project: int, config: str) -> None:
        """Nothing is changed."""

    def set_model_version(self, project: int, version: str) -> None:
        """Nothing is changed."""

    def delete_model_version(self, project: int, version: str) -> None:
        """Nothing is changed."""

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> None:
        """Nothing is changed."""

    def update_task(self, task: int, data: TaskData) -> None:
        """Nothing is changed."""


def _refuse_change(request: httpx.Request) -> None:
    if request.method != "GET" and not request.url.path.endswith("/api/token/refresh/"):
        raise AssertionError(f"a dry run sends no {request.method} {request.url.path}")


def _tasks(catalogue: Catalogue) -> dict[tuple[int, str], TaskRecord]:
    queues = [queue.id for queue in catalogue.queues()]
    return {(queue, frame): task for queue in queues for frame, task in catalogue.queue_tasks(queue).items()}


def _tell_changes(
    before: Mapping[tuple[int, str], TaskRecord], after: Mapping[tuple[int, str], TaskRecord], *, report: Report
) -> None:
    """Say how many of the tasks that are there would show a new draft or stand elsewhere in their queue's order."""
    both = [key for key, task in before.items() if key in after and task.state == "pushed"]
    redrawn = sum(before[key].pushed_sha256 != after[key].pushed_sha256 for key in both)
    orders = [sorted(both, key=lambda key: (key[0], tasks[key].rank or 0)) for tasks in (before, after)]
    moved = sum(a != b for a, b in zip(*orders, strict=True))
    report.data["dry_run_changes"] = {"new drafts": redrawn, "other places": moved}
    if not both:
        return
    report.say(
        f"Of the {counted(len(both), 'tasks')} that wait there, {redrawn} would show a new draft, and {moved} "
        "would stand elsewhere in the order."
    )
