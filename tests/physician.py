"""A physician in Label Studio, as its web page would speak to the server."""

from __future__ import annotations

from typing import Any, Self

import httpx

from dmr.annotate.studio.server.credentials import Login


class Physician:
    """Opens tasks in the order that Label Studio gives them, and submits, skips, deletes."""

    def __init__(self, login: Login, project: int, *, user: int | None = None) -> None:
        self.http = httpx.Client(base_url=login.url, headers={"Authorization": f"Token {login.token}"}, timeout=60)
        self.project = project
        self.user = user

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self.http.request(method, path, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def colleague(self, mail: str) -> Physician:
        """Somebody else, who has an account from now on."""
        users = {u["email"]: u["id"] for u in self.ask("GET", "/api/users/")}
        if mail not in users:
            made = self.ask("POST", "/api/users/", json={"email": mail, "username": mail, "password": "long-enough-1"})
            users[mail] = made["id"]
        other = Physician(Login("http://unused", "unused"), self.project, user=users[mail])
        other.http = self.http
        return other

    def tasks(self) -> list[dict[str, Any]]:
        """Every task with all there is about it, as the Data Manager lists them in dmr's view."""
        view = next(v for v in self.ask("GET", "/api/dm/views/", params={"project": self.project}))
        params = {"view": view["id"], "fields": "all", "page_size": 1000}
        tasks: list[dict[str, Any]] = self.ask("GET", "/api/tasks", params=params)["tasks"]
        return tasks

    def task(self, frame: str) -> dict[str, Any]:
        """One frame's task."""
        return next(t for t in self.tasks() if t["data"]["frame_id"] == frame)

    def next_task(self, *, in_view: bool) -> dict[str, Any]:
        """What comes next: in "Label Tasks As Displayed", or in "Label All Tasks"."""
        view = next(v for v in self.ask("GET", "/api/dm/views/", params={"project": self.project}))
        params = {"view": view["id"]} if in_view else {}
        task: dict[str, Any] = self.ask("GET", f"/api/projects/{self.project}/next", params=params)
        return task

    def draft_of(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The outlines that the page shows in advance: those of the newest prediction."""
        regions: list[dict[str, Any]] = task["predictions"][-1]["result"]
        return regions

    def accepted(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The draft as it is; where none is shown, the tick that nothing is to be seen."""
        return self.draft_of(task) or [tick()]

    def submit(self, task: dict[str, Any], regions: list[dict[str, Any]], **more: Any) -> int:
        """Submit outlines; the number of the annotation."""
        shown = task["predictions"]
        body = {"result": regions, "lead_time": 12.5, "parent_prediction": shown[-1]["id"] if shown else None, **more}
        if self.user is not None:
            body["completed_by"] = self.user
        made = self.ask("POST", f"/api/tasks/{task['id']}/annotations/", json=body)
        return int(made["id"])

    def update(self, annotation: int, regions: list[dict[str, Any]]) -> None:
        """Correct what was submitted before."""
        self.ask("PATCH", f"/api/annotations/{annotation}/", json={"result": regions})

    def skip(self, task: dict[str, Any]) -> None:
        """Skip a task; the page sends the draft along."""
        self.submit(task, self.draft_of(task), was_cancelled=True)

    def leave_draft(self, task: dict[str, Any], regions: list[dict[str, Any]]) -> None:
        """Draw and not submit."""
        self.ask("POST", f"/api/tasks/{task['id']}/drafts", json={"result": regions, "lead_time": 3.0})

    def delete(self, annotation: int) -> None:
        """Delete what was submitted."""
        self.ask("DELETE", f"/api/annotations/{annotation}/")

    def delete_task(self, task: dict[str, Any]) -> None:
        """Delete a task with all that was drawn on it."""
        self.ask("DELETE", f"/api/tasks/{task['id']}/")


def tick() -> dict[str, Any]:
    """The tick that nothing is to be seen, as the page sends it."""
    return {
        "id": "ticked0000",
        "type": "choices",
        "from_name": "nothing",
        "to_name": "image",
        "origin": "manual",
        "value": {"choices": ["Nothing to see here"]},
    }


def region(label: str, points: list[tuple[float, float]], *, height: int, width: int) -> dict[str, Any]:
    """A polygon that the physician drew, in percent of the image."""
    return {
        "id": "drawn" + label,
        "type": "polygonlabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "points": [[100 * x / width, 100 * y / height] for x, y in points],
            "closed": True,
            "polygonlabels": [label],
        },
    }
