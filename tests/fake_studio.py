"""What Label Studio 1.23 answers to the requests that dmr, and a physician's page, make; all of it in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fake_labels import misfits
from fake_people import OWNER, Answer, FakePeople, refused

__all__ = ["OWNER", "TOKEN", "Answer", "FakeStudio"]
TOKEN = "0123456789abcdef0123456789abcdef01234567"
COLUMNS = ("id", "total_annotations", "cancelled_annotations", "predictions_score", "annotators", "completed_at")


GONE = refused(404, "No Annotation matches the given query.")


@dataclass
class FakeStudio(FakePeople):
    """A server's database; every table is a list of the server's own JSON.

    Attributes:
        version: What it says that it is.
        root: The folder whose files it serves; empty for none.
    """

    version: str = "1.23.2"
    root: str = ""
    projects: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    storages: list[dict[str, Any]] = field(default_factory=list)
    backends: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    _clock: datetime = datetime(2026, 1, 31, 8, tzinfo=UTC)

    def answer(self, method: str, path: str, parameters: dict[str, str], body: Any, token: str) -> Answer:
        """What a request is answered."""
        if path == "/health":
            return Answer({"status": "UP"})
        if path == "/api/version/":  # needs no token
            return Answer({"release": self.version, "edition": "Community"})
        if path == "/api/token/refresh/":
            return Answer({"access": TOKEN})
        if path == "/user/signup/":
            return self._sign_up(method, parameters, body)
        if token not in (f"Token {TOKEN}", f"Bearer {TOKEN}"):
            return refused(401, "Invalid token.")
        for pattern, routes in ROUTES.items():
            if found := re.fullmatch(pattern, path):
                if method not in routes:
                    return refused(405, f'Method "{method}" not allowed.')
                return routes[method](self, *map(int, found.groups()), parameters, body)
        return Answer("<!doctype html><html><body>Not Found</body></html>", 404)

    def now(self) -> str:
        """A second later than the last time."""
        self._clock += timedelta(seconds=1)
        return self._clock.isoformat().replace("+00:00", "Z")

    def open_of(self, task: int) -> list[dict[str, Any]]:
        """A task's annotations."""
        return [a for a in self.annotations if a["task"] == task]

    def full(self, task: dict[str, Any]) -> dict[str, Any]:
        """A task with all there is about it."""
        annotations = self.open_of(task["id"])
        skipped = sum(a["was_cancelled"] for a in annotations)
        return task | {
            "annotations": [a | {"created_ago": f"{len(self._clock.isoformat())} minutes"} for a in annotations],
            "predictions": [p for p in self.predictions if p["task"] == task["id"]],
            "drafts": [d for d in self.drafts if d["task"] == task["id"]],
            "total_annotations": len(annotations) - skipped,
            "cancelled_annotations": skipped,
            "draft_exists": any(d["task"] == task["id"] for d in self.drafts),
        }

    # Projects

    def _list_projects(self, parameters: Any, _: Any) -> Answer:
        page, size = int(parameters.get("page", 1)), 2  # the server's is 30
        shown = self.projects[(page - 1) * size : page * size]
        if page > 1 and not shown:
            return refused(404, "Invalid page.")
        return Answer({"count": len(self.projects), "next": None, "previous": None, "results": shown})

    def _add_project(self, _: Any, body: Any) -> Answer:
        self.projects.append({"id": 1 + len(self.projects), "model_version": "", **body})
        return Answer(self.projects[-1], 201)

    def _project(self, number: int, *_: Any) -> Answer:
        found = [p for p in self.projects if p["id"] == number]
        return Answer(found[0]) if found else refused(404, "No Project matches the given query.")

    def _drop_project(self, number: int, *_: Any) -> Answer:
        self.projects = [p for p in self.projects if p["id"] != number]
        for task in [t for t in self.tasks if t["project"] == number]:
            self._drop_task(task["id"])
        for table in (self.views, self.storages, self.backends, self.webhooks):
            table[:] = [row for row in table if row.get("project") != number]
        return Answer(None, 204)

    def _set_project(self, number: int, _: Any, body: Any) -> Answer:
        version = body.get("model_version")
        if version and version not in {p["model_version"] for p in self.predictions}:
            return refused(
                400, "Validation error", validation_errors={"model_version": ["Model version doesn't exist"]}
            )
        if "label_config" in body and (told := misfits(self._drawn(number), body["label_config"])):
            return refused(400, "Validation error", validation_errors={"label_config": [told]})
        answer = self._project(number)
        answer.body.update(body)
        return answer

    def _drawn(self, number: int) -> list[Any]:
        return [r for a in self.annotations if a["project"] == number for r in a["result"] or []]

    def _versions(self, number: int, *_: Any) -> Answer:
        of = [p["model_version"] for p in self.predictions if p["project"] == number]
        named = sorted(set(of), reverse=True)
        latest = {p["model_version"]: p["created_at"] for p in self.predictions if p["project"] == number}
        found = [{"model_version": v, "count": of.count(v), "latest": latest[v]} for v in named]
        return Answer({"static": found, "live": []})

    def _drop_version(self, number: int, _: Any, body: Any) -> Answer:
        gone = [p for p in self.predictions if (p["project"], p["model_version"]) == (number, body["model_version"])]
        self.predictions = [p for p in self.predictions if p not in gone]
        return Answer({"deleted_predictions": len(gone)})

    # The Data Manager

    def _columns(self, *_: Any) -> Answer:
        columns: list[dict[str, Any]] = [{"id": name, "target": "tasks"} for name in COLUMNS]
        columns.append({"id": "data", "target": "tasks", "children": ["image", "rank", "reason"]})
        columns += [{"id": name, "parent": "data", "target": "tasks"} for name in ("image", "rank", "reason")]
        return Answer({"columns": columns})

    def _list_views(self, parameters: Any, _: Any) -> Answer:
        return Answer([v for v in self.views if v["project"] == int(parameters["project"])])

    def _add_view(self, _: Any, body: Any) -> Answer:
        self.views.append({"id": 1 + len(self.views), **body})
        return Answer(self.views[-1], 201)

    def _list_tasks(self, parameters: Any, _: Any) -> Answer:
        project = int(parameters["project"]) if "project" in parameters else None
        if "view" in parameters:
            project = next(v["project"] for v in self.views if v["id"] == int(parameters["view"]))
        tasks = [self.full(t) for t in self.tasks if t["project"] == project]
        if "view" in parameters:  # dmr's: the lowest score first
            tasks.sort(key=self._score)
        filters = json.loads(parameters.get("query", "{}")).get("filters")
        if filters:
            names = [(i["filter"].removeprefix("filter:tasks:"), i["operator"]) for i in filters["items"]]
            tasks = [t for t in tasks if any(t[n] > 0 if how == "greater" else t[n] is True for n, how in names)]
        size, page = int(parameters["page_size"]), int(parameters.get("page", 1))
        shown = tasks[(page - 1) * size : page * size]
        if parameters["fields"] == "task_only":
            shown = [{k: t[k] for k in parameters["include"].split(",")} for t in shown]
        return Answer({"total": len(tasks), "total_annotations": 0, "total_predictions": 0, "tasks": shown})

    def _score(self, task: dict[str, Any]) -> float:
        """Of its prediction of the version that the project shows."""
        shown = next(p["model_version"] for p in self.projects if p["id"] == task["project"])
        return min((p["score"] for p in task["predictions"] if p["model_version"] == shown), default=2.0)

    # Tasks and predictions

    def _import(self, number: int, parameters: Any, body: Any) -> Answer:
        if parameters.get("commit_to_project") == "false":
            names = {field: (name, data) for field, name, data in body}  # of equal fields the last one
            stored = [f"upload/{number}/{k:08x}-{name}" for k, (name, _) in enumerate(names.values(), len(self.files))]
            uploads = list(range(len(self.files), len(self.files) + len(stored)))
            self.files |= {path: data for path, (_, data) in zip(stored, names.values(), strict=True)}
            return Answer({"task_count": 0, "file_upload_ids": uploads}, 201)
        ids = []
        for task in body:
            made = {"id": 1 + max((t["id"] for t in self.tasks), default=0), "project": number, "data": task["data"]}
            self.tasks.append(made)
            ids.append(made["id"])
            self._predict(number, [{"task": made["id"], **p} for p in task.get("predictions", ())])
        return Answer({"task_count": len(ids), "annotation_count": 0, "task_ids": ids}, 201)

    def _predict(self, number: int, predictions: list[dict[str, Any]]) -> None:
        for p in predictions:
            new = 1 + max((known["id"] for known in self.predictions), default=0)
            self.predictions.append({"id": new, "project": number, "created_at": self.now(), **p})

    def _import_predictions(self, number: int, _: Any, body: Any) -> Answer:
        self._predict(number, body)
        return Answer({"created": len(body)}, 201)

    def _file(self, number: int, *_: Any) -> Answer:
        return Answer({"id": number, "file": list(self.files)[number]})

    def _set_task(self, number: int, _: Any, body: Any) -> Answer:
        task = next(t for t in self.tasks if t["id"] == number)
        task.update(body)
        return Answer(task)

    def _drop_task(self, number: int, *_: Any) -> Answer:
        self.tasks = [t for t in self.tasks if t["id"] != number]
        for table in (self.annotations, self.predictions, self.drafts):
            table[:] = [row for row in table if row["task"] != number]
        return Answer(None, 204)

    # What a physician does

    def _submit(self, number: int, _: Any, body: Any) -> Answer:
        project = next(t["project"] for t in self.tasks if t["id"] == number)
        parent = body.get("parent_prediction")
        if parent is not None and parent not in {p["id"] for p in self.predictions}:
            return refused(400, f'Invalid pk "{parent}" - object does not exist.')
        now = self.now()
        new = {
            "id": 1 + max((a["id"] for a in self.annotations), default=0),
            "task": number,
            "project": project,
            "completed_by": 1,
            "was_cancelled": False,
            "ground_truth": False,
            "lead_time": None,
            "parent_prediction": None,
            "parent_annotation": None,
            "created_at": now,
            "updated_at": now,
        }
        self.annotations.append(new | body)
        self.drafts = [d for d in self.drafts if d["task"] != number]
        return Answer(self.annotations[-1], 201)

    def _annotation(self, number: int, *_: Any) -> Answer:
        found = [a for a in self.annotations if a["id"] == number]
        return Answer(found[0]) if found else GONE

    def _correct(self, number: int, _: Any, body: Any) -> Answer:
        answer = self._annotation(number)
        answer.body.update(body, updated_at=self.now())
        return answer

    def _delete(self, number: int, *_: Any) -> Answer:
        self.annotations = [a for a in self.annotations if a["id"] != number]
        return Answer(None, 204)

    def _draft(self, number: int, _: Any, body: Any) -> Answer:
        self.drafts.append({"id": 1 + len(self.drafts), "task": number, "created_at": self.now(), **body})
        return Answer(self.drafts[-1], 201)

    # Backends; unlike the real server, it does not call them

    def _list_backends(self, parameters: Any, _: Any) -> Answer:
        return Answer([b for b in self.backends if b["project"] == int(parameters["project"])])

    def _add_backend(self, _: Any, body: Any) -> Answer:
        self.backends.append({"id": 1 + len(self.backends), "state": "CO", **body})
        return Answer(self.backends[-1], 201)

    def _set_backend(self, number: int, _: Any, body: Any) -> Answer:
        self.backends[number - 1].update(body, state="CO")
        return Answer(self.backends[number - 1])

    def _list_webhooks(self, parameters: Any, _: Any) -> Answer:
        return Answer([w for w in self.webhooks if w["project"] == int(parameters["project"])])

    def _add_webhook(self, _: Any, body: Any) -> Answer:
        self.webhooks.append({"id": 1 + max((w["id"] for w in self.webhooks), default=0), **body})
        return Answer(self.webhooks[-1], 201)

    def _set_webhook(self, number: int, _: Any, body: Any) -> Answer:
        hook = next(w for w in self.webhooks if w["id"] == number)
        hook.update(body)
        return Answer(hook)

    def _drop(self, table: list[dict[str, Any]], number: int) -> Answer:
        table[:] = [own for own in table if own["id"] != number]
        return Answer(None, 204)

    # Pictures

    def _list_storages(self, parameters: Any, _: Any) -> Answer:
        return Answer([s for s in self.storages if s["project"] == int(parameters["project"])])

    def _add_storage(self, _: Any, body: Any) -> Answer:
        if not self.root or not body["path"].startswith(self.root):
            return refused(400, "Validation error", validation_errors={"non_field_errors": ["Absolute local path"]})
        self.storages.append({"id": 1 + len(self.storages), **body})
        return Answer(self.storages[-1], 201)


ROUTES: dict[str, dict[str, Callable[..., Answer]]] = {
    r"/api/current-user/whoami": {"GET": FakeStudio._whoami},
    r"/api/invite": {"GET": FakeStudio._invite},
    r"/api/users/": {"GET": FakeStudio._users, "POST": FakeStudio._add_user},
    r"/api/projects/": {"GET": FakeStudio._list_projects, "POST": FakeStudio._add_project},
    r"/api/projects/(\d+)/": {
        "GET": FakeStudio._project,
        "PATCH": FakeStudio._set_project,
        "DELETE": FakeStudio._drop_project,
    },
    r"/api/projects/(\d+)/model-versions/": {"GET": FakeStudio._versions, "DELETE": FakeStudio._drop_version},
    r"/api/projects/(\d+)/import": {"POST": FakeStudio._import},
    r"/api/projects/(\d+)/import/predictions": {"POST": FakeStudio._import_predictions},
    r"/api/dm/columns/": {"GET": FakeStudio._columns},
    r"/api/dm/views/": {"GET": FakeStudio._list_views, "POST": FakeStudio._add_view},
    r"/api/tasks/?": {"GET": FakeStudio._list_tasks},
    r"/api/tasks/(\d+)/": {"PATCH": FakeStudio._set_task, "DELETE": FakeStudio._drop_task},
    r"/api/tasks/(\d+)/annotations/": {"POST": FakeStudio._submit},
    r"/api/tasks/(\d+)/drafts": {"POST": FakeStudio._draft},
    r"/api/annotations/(\d+)/": {
        "GET": FakeStudio._annotation,
        "PATCH": FakeStudio._correct,
        "DELETE": FakeStudio._delete,
    },
    r"/api/import/file-upload/(\d+)": {"GET": FakeStudio._file},
    r"/api/ml/": {"GET": FakeStudio._list_backends, "POST": FakeStudio._add_backend},
    r"/api/ml/(\d+)": {"PATCH": FakeStudio._set_backend, "DELETE": lambda s, n, *_: s._drop(s.backends, n)},
    r"/api/webhooks/": {"GET": FakeStudio._list_webhooks, "POST": FakeStudio._add_webhook},
    r"/api/webhooks/(\d+)/": {"PATCH": FakeStudio._set_webhook, "DELETE": lambda s, n, *_: s._drop(s.webhooks, n)},
    r"/api/storages/localfiles/": {"GET": FakeStudio._list_storages, "POST": FakeStudio._add_storage},
    r"/data/upload/.*": {"GET": lambda *_: Answer(b"\x89PNG")},
    r"/data/local-files/": {"GET": lambda fake, *_: Answer(b"\x89PNG") if fake.storages else GONE},
}
