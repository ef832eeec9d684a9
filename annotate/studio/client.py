"""Label Studio over HTTP: the SDK where it has a call, plain requests where it has none; expected failures told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

import httpx
from label_studio_sdk import LabelStudio

from ..errors import StudioError
from ..wording import counted
from .credentials import Login
from .errors import NO_STUDIO, status_of, told

OLDEST: Final = (1, 23, 2)  # the oldest version without known security holes
CHUNK: Final = 500  # tasks or predictions a request: far below the server's limit of 250 MB
UPLOADS: Final = 100  # files a request, the server's limit
_PAGE = 1000
_ANNOTATED_PAGE = 200
_PATIENCE = 300.0  # seconds for a bulk request

_ONCE: Any = {"max_retries": 0, "timeout_in_seconds": int(_PATIENCE)}  # an import is never retried: it would come twice
_ANNOTATED = {
    "filters": {
        "conjunction": "or",
        "items": [
            {"filter": f"filter:tasks:{what}_annotations", "operator": "greater", "type": "Number", "value": 0}
            for what in ("total", "cancelled")
        ],
    }
}


@dataclass(frozen=True, slots=True)
class Project:
    """A project on the server.

    Attributes:
        id: Its number.
        title: Its name there.
        config: Its labelling interface, XML.
        model_version: Whose predictions are shown and rule the order; empty for none.
        sampling: How "Label All Tasks" chooses.
        is_prefilled: Whether predictions are shown to whoever labels.
    """

    id: int
    title: str
    config: str
    model_version: str
    sampling: str
    is_prefilled: bool


class StudioClient:
    """A connection to one Label Studio server.

    Every method raises StudioError where the server is down, refuses, or does not have what is asked for.
    """

    def __init__(self, login: Login, *, timeout: float = 60.0) -> None:
        self.url = login.url
        self._http = httpx.Client(base_url=login.url, timeout=timeout, follow_redirects=True)
        with told(self.url, "the token"):
            sdk: Any = LabelStudio  # its constructor has no types
            self._sdk: LabelStudio = sdk(base_url=login.url, api_key=login.token, httpx_client=self._http)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    # The server and its people

    def version(self) -> str:
        """The server's version."""
        with told(self.url, "its version"):
            return str(self._sdk.versions.get().release)

    def whoami(self) -> tuple[int, str]:
        """Number and e-mail of the token's owner."""
        with told(self.url, "the user"):
            me = self._sdk.users.whoami()
        return int(me.id), str(me.email)

    def users(self) -> dict[int, str]:
        """E-mail of everybody, by number."""
        with told(self.url, "its users"):
            return {int(u.id): str(u.email) for u in self._sdk.users.list()}

    # Projects

    def project(self, project: int) -> Project | None:
        """A project, None where there is none of this number."""
        try:
            with told(self.url, f"project {project}"):
                return _project(self._sdk.projects.get(project))
        except StudioError as error:
            if status_of(error) == 404:
                return None
            raise

    def find_project(self, mark: str) -> Project | None:
        """The first project whose description holds a text."""
        with told(self.url, "its projects"):
            every: list[Any] = list(self._sdk.projects.list())
        found = [p for p in every if mark in (p.description or "")]
        return _project(min(found, key=lambda p: p.id)) if found else None

    def create_project(self, title: str, *, description: str, config: str, instructions: str) -> Project:
        """Make a project in which the lowest score comes first and predictions fill the frame in advance."""
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
                sampling="Uncertainty sampling",
                request_options=_ONCE,
            )
        return _project(made)

    def set_config(self, project: int, config: str) -> None:
        """Give a project another labelling interface."""
        with told(self.url, f"the labelling interface of project {project}"):
            self._sdk.projects.update(project, label_config=config)

    def set_model_version(self, project: int, version: str) -> None:
        """Choose the predictions that are shown and rule the order; the version has to be there already."""
        with told(self.url, f"model version '{version}'"):
            self._sdk.projects.update(project, model_version=version)

    def model_versions(self, project: int) -> dict[str, int]:
        """The number of predictions of every model version."""
        answer = self._json("GET", f"api/projects/{project}/model-versions/", params={"extended": True})
        return {v["model_version"]: int(v["count"]) for v in answer.get("static", ()) if v["model_version"]}

    def delete_model_version(self, project: int, version: str) -> None:
        """Delete all predictions of one model version."""
        path = f"api/projects/{project}/model-versions/"
        self._request("DELETE", path, json={"model_version": version}, timeout=_PATIENCE)

    def ensure_view(self, project: int, *, title: str, ordering: str, shown: Sequence[str]) -> int:
        """The number of the view with this title in the Data Manager, made first where it is missing.

        Args:
            project: Its number.
            title: Of the view.
            ordering: The column that it is sorted by, rising.
            shown: The columns of its table; all others are hidden, and can be shown there.
        """
        with told(self.url, f"the views of project {project}"):
            for view in self._sdk.views.list(project=project):
                data: Any = view.data
                if isinstance(data, Mapping) and data.get("title") == title:
                    return int(view.id)
            every = self._json("GET", "api/dm/columns/", params={"project": project})["columns"]
            names = {f"{c['target']}:{'data.' if c.get('parent') == 'data' else ''}{c['id']}" for c in every}
            data = {
                "title": title,
                "type": "list",
                "target": "tasks",
                "ordering": [ordering],
                "hiddenColumns": {"explore": sorted(names - set(shown)), "labeling": sorted(names - {shown[0]})},
            }
            return int(self._sdk.views.create(project=project, data=data, request_options=_ONCE).id)

    # Images

    def add_local_storage(self, project: int, folder: str) -> bool:
        """Let a project show the files of a folder on the server's disk.

        Returns:
            False where the server does not serve that folder.
        """
        try:
            with told(self.url, f"the storage of project {project}"):
                there = self._sdk.import_storage.local.list(project=project)
                if not any(storage.path == folder for storage in there):
                    self._sdk.import_storage.local.create(
                        project=project, path=folder, use_blob_urls=True, title="dmr frames", request_options=_ONCE
                    )
        except StudioError as error:
            if status_of(error) == 400:
                return False
            raise
        return True

    def upload(self, project: int, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
        """Send PNG files and give, for each name, where the server keeps it, a batch at a time."""
        path = f"api/projects/{project}/import"
        for batch in _chunks(files, UPLOADS):
            # Equal field names would silently keep the last file only.
            form = {f"f{k}": (name, data, "image/png") for k, (name, data) in enumerate(batch)}
            answer = self._json("POST", path, params={"commit_to_project": "false"}, files=form, timeout=_PATIENCE)
            for upload in answer["file_upload_ids"]:
                file = self._json("GET", f"api/import/file-upload/{upload}")["file"]
                stored = str(file).rsplit("/", 1)[-1]  # <8 hex digits>-<name>
                yield stored.partition("-")[2], f"/data/{file}"

    # Tasks

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Make tasks, with their predictions, in this order. It never asks what is there already: see `tasks`.

        Returns:
            Their numbers, in order.
        """
        request: Any = list(tasks)
        with told(self.url, counted(len(tasks), "tasks")):
            answer: Any = self._sdk.projects.import_tasks(
                project, request=request, return_task_ids=True, commit_to_project=True, request_options=_ONCE
            )
        return [int(i) for i in answer.task_ids or ()]

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> None:
        """Add predictions to tasks that are there, at most a few hundred at once."""
        request: Any = list(predictions)
        with told(self.url, counted(len(predictions), "predictions")):
            self._sdk.projects.import_predictions(project, request=request, request_options=_ONCE)

    def update_task(self, task: int, data: Mapping[str, Any]) -> None:
        """Replace the data of one task."""
        self._request("PATCH", f"api/tasks/{task}/", json={"data": dict(data)})

    def tasks(self, project: int) -> Iterator[dict[str, Any]]:
        """`id` and `data` of every task."""
        yield from self._pages({"project": project, "fields": "task_only", "include": "id,data", "page_size": _PAGE})

    def annotated_tasks(self, project: int) -> Iterator[dict[str, Any]]:
        """Every task that somebody annotated or skipped, with annotations and predictions."""
        query = json.dumps(_ANNOTATED)
        yield from self._pages(
            {"project": project, "fields": "all", "query": query, "page_size": _ANNOTATED_PAGE, "resolve_uri": False}
        )

    def annotation(self, annotation: int) -> dict[str, Any] | None:
        """An annotation as it is now, None where it is gone."""
        try:
            answer: dict[str, Any] = self._json("GET", f"api/annotations/{annotation}/")
        except StudioError as error:
            if status_of(error) == 404:
                return None
            raise
        return answer

    def annotators(self, project: int) -> int:
        """The number of people who have annotated in a project."""
        with told(self.url, f"the annotators of project {project}"):
            return len(self._sdk.projects.list_unique_annotators(project))

    def image_type(self, address: str) -> str | None:
        """The content type under which a task's image is answered; None where it is not there."""
        if not address.startswith("/"):
            return None
        try:
            return str(self._request("GET", address.lstrip("/")).headers.get("content-type", "")).partition(";")[0]
        except StudioError as error:
            if status_of(error) is not None:
                return None
            raise

    def drafts(self, project: int) -> int:
        """The number of tasks with a draft that nobody submitted yet."""
        item = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
        params = {"project": project, "fields": "task_only", "include": "id", "query": query, "page_size": 1}
        return int(self._json("GET", "api/tasks", params=params)["total"])

    def _pages(self, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        page, seen = 1, 0
        while True:
            answer = self._json("GET", "api/tasks", params={**params, "page": page}, timeout=_PATIENCE)
            yield from answer["tasks"]
            seen += len(answer["tasks"])
            if not answer["tasks"] or seen >= answer["total"]:
                return
            page += 1

    def _json(self, method: str, path: str, **options: Any) -> Any:
        answer = self._request(method, path, **options)
        try:
            return answer.json()
        except ValueError:
            raise StudioError(self.url, *NO_STUDIO) from None

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request that the SDK has no call for, or whose answer is wanted as it is."""
        with told(self.url, path):
            # The SDK exchanges a personal access token for a short-lived one; this is where it keeps it.
            headers = {"Authorization": self._sdk._client_wrapper.get_headers()["Authorization"]}
            answer = self._http.request(method, f"/{path}", headers=headers, **options)
            answer.raise_for_status()
            return answer


def _project(project: Any) -> Project:
    return Project(
        id=int(project.id),
        title=str(project.title),
        config=str(project.label_config or ""),
        model_version=str(project.model_version or ""),
        sampling=str(project.sampling or ""),
        is_prefilled=bool(project.show_collab_predictions),
    )


def _chunks(items: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
