"""Label Studio over HTTP: the SDK if it has a call, else plain requests. Expected failures are one-line errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self

from label_studio_sdk import LabelStudio

from ...errors import StudioError
from ...system.clock import utc_now, utc_text
from ...system.pipeline import batched
from ...wording import counted
from ..answers.reading import items, member, moment, read_project, read_task, whole
from ..answers.records import OddAnswer, Project, StudioTask, TaskData
from .connection import RenewedToken, connection
from .credentials import Login
from .errors import passing_over, status_of, told
from .project_settings import SAMPLING
from .raw_calls import PATIENCE_S, RawCalls
from .sizes import in_parts, json_size

OLDEST: Final = (1, 23, 2)  # the oldest version without known security holes
UPLOADS: Final = 100  # files a request, the server's limit
_PAGE: Final = 1000
_ANNOTATED_PAGE: Final = 200

# A call that creates something is sent once: if the SDK tried again, it could be there twice. A call that sets a value,
# such as a project's labelling interface, may be tried again.
_ONCE: Any = {"max_retries": 0, "timeout_in_seconds": int(PATIENCE_S)}
_ANNOTATED: Final = {
    "filters": {
        "conjunction": "or",
        "items": [
            {"filter": f"filter:tasks:{what}_annotations", "operator": "greater", "type": "Number", "value": 0}
            for what in ("total", "cancelled")
        ],
    }
}


class StudioClient:
    """A connection to one Label Studio server.

    Each method raises StudioError if the server is down, refuses, does not have the thing, or does not answer as Label
    Studio does.
    """

    shows_local_files = True  # if the server can; not in a dry run, which puts no file anywhere

    def __init__(self, login: Login, *, timeout: float = 60.0) -> None:
        self.url = login.url
        if not login.token or not login.token.isascii() or not login.token.isprintable():
            what = "the token is empty, or has characters that no token has"
            raise StudioError(self.url, what, "Give it a valid one: dmr studio connect")
        with told(self.url, "the token"):
            self._http = connection(login.url, timeout=timeout)
            sdk: Any = LabelStudio  # its constructor has no types
            self._sdk: LabelStudio = sdk(base_url=login.url, api_key=login.token, httpx_client=self._http)
        self._http.auth = RenewedToken(self._sdk._client_wrapper)
        self._raw = RawCalls(self._http, url=self.url, headers=self._sdk._client_wrapper.get_headers)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def status_of(error: StudioError) -> int | None:
        """The HTTP status behind an error; None if the server sent none."""
        return status_of(error)

    # The server and its people

    def version(self) -> str:
        """The server's version."""
        with told(self.url, "its version"):
            return str(member(self._sdk.versions.get(), "release") or "")

    def whoami(self) -> tuple[int, str]:
        """Number and e-mail of the token's owner."""
        with told(self.url, "the user"):
            me = self._sdk.users.whoami()
            return whole(me, "id"), str(member(me, "email"))

    def users(self) -> dict[int, str]:
        """The e-mail addresses of all users, by user number."""
        with told(self.url, "its users"):
            return {whole(user, "id"): str(member(user, "email")) for user in self._sdk.users.list()}

    def now(self) -> str:
        """The time by the server's clock, as `utc_text` writes it, not too early; by ours if the server does not say.

        Annotations have the times of that clock, and the clocks may differ.
        """
        said = self._raw.request("GET", "api/version/").headers.get("date", "")
        try:
            return utc_text(parsedate_to_datetime(said) + timedelta(seconds=1))  # it says whole seconds
        except ValueError:
            return utc_now()

    # Projects

    def project(self, project: int) -> Project | None:
        """The project of this number, or None."""
        with passing_over(404), told(self.url, f"project {project}"):
            return read_project(self._sdk.projects.get(project))
        return None

    def find_project(self, mark: str) -> Project | None:
        """The first project whose description contains a text, or None."""
        with told(self.url, "its projects"):
            every: Iterable[Any] = self._sdk.projects.list()
            found = [read_project(p) for p in every if mark in str(member(p, "description") or "")]
        return min(found, key=lambda p: p.id, default=None)

    def create_project(self, title: str, *, description: str, config: str, instructions: str) -> Project:
        """Make a project that shows the task with the lowest score first, and predictions as pre-labels."""
        with told(self.url, f"project '{title}'"):
            made = self._sdk.projects.create(
                title=title[:50],
                description=description,
                label_config=config,
                expert_instruction=instructions,
                show_instruction=True,
                show_skip_button=True,
                show_collab_predictions=True,
                enable_empty_annotation=True,
                maximum_annotations=1,
                sampling=SAMPLING,
                request_options=_ONCE,
            )
            return read_project(made)

    def set_config(self, project: int, config: str) -> None:
        """Replace a project's labelling interface."""
        with told(self.url, f"the labelling interface of project {project}"):
            self._sdk.projects.update(project, label_config=config)

    def set_instructions(self, project: int, instructions: str) -> None:
        """Replace what annotators read first. Of its HTML, Label Studio keeps plain tags and pictures on a server."""
        with told(self.url, f"the instructions of project {project}"):
            self._sdk.projects.update(project, expert_instruction=instructions)

    def set_model_version(self, project: int, version: str) -> None:
        """Choose the version of predictions that is shown and gives the order. It must exist already."""
        with told(self.url, f"model version '{version}'"):
            self._sdk.projects.update(project, model_version=version)

    def model_versions(self, project: int) -> dict[str, datetime]:
        """When the newest prediction of every model version was made, by the server's clock."""
        answer = self._raw.json("GET", f"api/projects/{project}/model-versions/", params={"extended": True})
        with told(self.url, f"the model versions of project {project}"):
            versions = [v for v in items(answer, "static") if member(v, "model_version")]
            return {str(v["model_version"]): moment(v, "latest") for v in versions}

    def delete_model_version(self, project: int, version: str) -> None:
        """Delete all predictions of one model version."""
        path = f"api/projects/{project}/model-versions/"
        self._raw.request("DELETE", path, json={"model_version": version}, timeout=PATIENCE_S)

    def ensure_view(self, project: int, *, title: str, ordering: str, shown: Sequence[str]) -> int:
        """The number of the Data Manager view with this title. It is made if missing.

        Args:
            project: Its number.
            title: The view's title.
            ordering: The column that it is sorted by, ascending.
            shown: The columns of its table. All others are hidden; users can show them.
        """
        with told(self.url, f"the views of project {project}"):
            for view in self._sdk.views.list(project=project):
                if member(member(view, "data"), "title") == title:
                    return whole(view, "id")
            every = items(self._raw.json("GET", "api/dm/columns/", params={"project": project}), "columns")
            names = {f"{c['target']}:{'data.' if c.get('parent') == 'data' else ''}{c['id']}" for c in every}
            data: Any = {
                "title": title,
                "type": "list",
                "target": "tasks",
                "ordering": [ordering],
                "hiddenColumns": {"explore": sorted(names - set(shown)), "labeling": sorted(names - {shown[0]})},
            }
            return whole(self._sdk.views.create(project=project, data=data, request_options=_ONCE), "id")

    # Images

    def add_local_storage(self, project: int, folder: str) -> bool:
        """Let a project show files of a folder on the server's disk.

        Returns:
            False if the server does not serve that folder.
        """
        with passing_over(400), told(self.url, f"the storage of project {project}"):
            storages = self._sdk.import_storage.local
            if not any(member(storage, "path") == folder for storage in storages.list(project=project)):
                storages.create(
                    project=project, path=folder, use_blob_urls=True, title="dmr frames", request_options=_ONCE
                )
            return True
        return False

    def upload(self, project: int, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
        """Send PNG files in batches, and yield each name with the file's place on the server."""
        path = f"api/projects/{project}/import"

        def send(batch: Sequence[tuple[str, bytes]]) -> dict[str, str]:
            # Equal field names would silently keep the last file only.
            form = {f"f{k}": (name, data, "image/png") for k, (name, data) in enumerate(batch)}
            answer = self._raw.json("POST", path, params={"commit_to_project": "false"}, files=form, timeout=PATIENCE_S)
            with told(self.url, counted(len(batch), "pictures")):
                kept = [str(member(self._sdk.files.get(upload), "file")) for upload in items(answer, "file_upload_ids")]
                # The server keeps each as <8 hex digits>-<name>.
                stored = {file.rsplit("/", 1)[-1].partition("-")[2]: f"/data/{file}" for file in kept}
                if missing := [name for name, _ in batch if name not in stored]:
                    raise OddAnswer(f"it kept no {missing[0]}")
            return stored

        for batch in batched(files, UPLOADS):
            for stored in in_parts(batch, send, size=lambda file: len(file[1])):
                yield from stored.items()

    # Tasks

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Make tasks with their predictions, in this order. It does not check for existing tasks; see `tasks`.

        Returns:
            Their numbers, in order.
        """

        def send(some: Sequence[Mapping[str, Any]]) -> list[int]:
            request: Any = list(some)
            with told(self.url, counted(len(some), "tasks")):
                answer: Any = self._sdk.projects.import_tasks(
                    project, request=request, return_task_ids=True, commit_to_project=True, request_options=_ONCE
                )
                numbers = [int(number) for number in items(answer, "task_ids")]
                if len(numbers) != len(some):
                    raise OddAnswer(f"it gave {len(numbers)} numbers")
                return numbers

        return [number for part in in_parts(tasks, send, size=json_size) for number in part]

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> None:
        """Add predictions to existing tasks, at most a few hundred at once."""

        def send(some: Sequence[Mapping[str, Any]]) -> None:
            request: Any = list(some)
            with told(self.url, counted(len(some), "predictions")):
                self._sdk.projects.import_predictions(project, request=request, request_options=_ONCE)

        for _ in in_parts(predictions, send, size=json_size):
            pass

    def update_task(self, task: int, data: TaskData) -> None:
        """Replace the data of one task."""
        with told(self.url, f"task {task}"):
            self._sdk.tasks.update(str(task), data=data.as_json())

    def tasks(self, project: int) -> Iterator[StudioTask]:
        """Every task, without annotations and predictions."""
        yield from self._tasks({"project": project, "fields": "task_only", "include": "id,data", "page_size": _PAGE})

    def annotated_tasks(self, project: int, *, is_known: Callable[[str], bool] = bool) -> Iterator[StudioTask]:
        """Every task that somebody annotated or skipped, with its annotations and predictions.

        Args:
            project: Its number.
            is_known: As in `read_task`.
        """
        query = json.dumps(_ANNOTATED)
        yield from self._tasks(
            {"project": project, "fields": "all", "query": query, "page_size": _ANNOTATED_PAGE, "resolve_uri": False},
            is_known=is_known,
        )

    def task_of(self, annotation: int) -> int | None:
        """The number of the task that an annotation belongs to now; None if the annotation is gone."""
        with passing_over(404), told(self.url, f"annotation {annotation}"):
            return whole(self._sdk.annotations.get(annotation), "task")
        return None

    def image_type(self, address: str) -> str | None:
        """The content type of a task's image as the server sends it; None if the image is missing."""
        if not address.startswith("/"):
            return None
        try:
            headers = self._raw.request("GET", address.lstrip("/")).headers
        except StudioError as error:
            if status_of(error) is not None:
                return None
            raise
        return str(headers.get("content-type", "")).partition(";")[0]

    def drafts(self, project: int) -> int:
        """The number of tasks with outlines that were saved but not submitted yet."""
        answer = self._raw.json("GET", "api/tasks", params={**_drafts_of(project), "page_size": 1})
        with told(self.url, f"the drafts of project {project}"):
            return whole(answer, "total")

    def oldest_draft(self, project: int) -> datetime | None:
        """When the oldest of these outlines were begun, by the server's clock; None if there are none."""
        tasks = list(self._raw.pages({**_drafts_of(project), "fields": "all", "page_size": _ANNOTATED_PAGE}))
        with told(self.url, f"the drafts of project {project}"):
            return min((moment(d, "created_at") for task in tasks for d in items(task, "drafts")), default=None)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of the answer to a plain request; None if it is empty."""
        answer = self._raw.request(method, path, **options)
        with told(self.url, path):
            return answer.json() if answer.content else None

    def _tasks(self, params: Mapping[str, Any], *, is_known: Callable[[str], bool] = bool) -> Iterator[StudioTask]:
        # Not with the SDK: an annotation is identified by the hash of its JSON, exactly as the server wrote it.
        for answer in self._raw.pages(params):
            with told(self.url, "its tasks"):
                yield read_task(answer, is_known=is_known)


def _drafts_of(project: int) -> dict[str, Any]:
    """The request for tasks with outlines that were not submitted yet."""
    item = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
    query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
    return {"project": project, "fields": "task_only", "include": "id", "query": query}
