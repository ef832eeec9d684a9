"""The same requests to a real server and to a fake one, and where the fake says what the real one does not."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
from physician import Physician, region

from dmr.annotate.scans.images import encode_png
from dmr.annotate.settings.model import default_toml, parse_settings
from dmr.annotate.studio.interface.config import label_config
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login

NONE = 999_999  # a number that nothing has
BOX = [(2.0, 2.0), (20.0, 2.0), (20.0, 20.0)]
FILTER = (
    '{"filters":{"conjunction":"or","items":[{"filter":"filter:tasks:total_annotations",'
    '"operator":"greater","type":"Number","value":0}]}}'
)


def answers(login: Login) -> dict[str, tuple[int, Any]]:
    """Status and JSON of every kind of request that dmr makes, on a project made for it."""
    drawn = region("psoas_major", BOX, height=32, width=32)
    with StudioClient(login) as client:
        config = label_config(parse_settings(default_toml()).classes)
        project = client.create_project("contract", description="contract", config=config, instructions="").id
        picture = encode_png(np.zeros((32, 32), dtype=np.uint8))
        ((_, image),) = client.upload(project, [("f1.png", picture)])
        prediction = {"model_version": "v1-a", "score": 0.5, "result": [drawn]}
        tasks = [{"data": {"image": image, "frame_id": f"f{k}", "rank": k, "reason": "?"}} for k in range(3)]
        numbers = client.import_tasks(project, [task | {"predictions": [prediction]} for task in tasks])
        client.set_model_version(project, "v1-a")
        client.ensure_view(project, title="order", ordering="tasks:predictions_score", shown=("tasks:data.image",))
    with Physician(login, project) as physician:
        one, two, three = physician.tasks()
        annotation = physician.submit(one, [drawn])
        physician.skip(two)
        physician.leave_draft(three, [drawn])
        paths: list[tuple[str, str, Any]] = [
            ("GET", "/api/version/", None),
            ("GET", "/api/current-user/whoami", None),
            ("GET", "/api/users/", None),
            ("GET", "/api/projects/", None),
            ("GET", f"/api/projects/?page={NONE}", None),
            ("GET", f"/api/projects/{project}/", None),
            ("GET", f"/api/projects/{NONE}/", None),
            ("GET", f"/api/projects/{project}/model-versions/?extended=True", None),
            ("GET", f"/api/dm/columns/?project={project}", None),
            ("GET", f"/api/dm/views/?project={project}", None),
            ("GET", f"/api/tasks?project={project}&fields=task_only&include=id,data&page_size=2&page=2", None),
            ("GET", f"/api/tasks?project={project}&fields=all&page_size=9&query={FILTER}", None),
            ("GET", f"/api/annotations/{annotation}/", None),
            ("GET", f"/api/annotations/{NONE}/", None),
            ("GET", f"/api/storages/localfiles/?project={project}", None),
            ("POST", "/api/storages/localfiles/", {"project": project, "path": "/nowhere", "use_blob_urls": True}),
            ("PATCH", f"/api/projects/{project}/", {"model_version": "none of these"}),
            ("PATCH", f"/api/tasks/{numbers[0]}/", {"data": tasks[0]["data"]}),
            ("POST", f"/api/projects/{project}/import/predictions", [{"task": numbers[0], **prediction}]),
            ("DELETE", f"/api/projects/{project}/model-versions/", {"model_version": "v1-a"}),
        ]
        told: dict[str, tuple[int, Any]] = {}
        for method, path, body in paths:
            answer = physician.http.request(method, path, json=body)
            is_json = answer.headers["content-type"].startswith("application/json")
            told[f"{len(told)}. {method} {path}"] = (answer.status_code, answer.json() if is_json else None)
        told["GET image"] = (200, physician.http.get(image).headers["content-type"])
    refused = httpx.get(f"{login.url}/api/users/", headers={"Authorization": "Token 0"})
    told["bad token"] = (refused.status_code, None)
    return told


def differences(real: dict[str, tuple[int, Any]], fake: dict[str, tuple[int, Any]]) -> list[str]:
    """What the fake says and the real server does not; the fake may leave out what dmr does not read."""
    found = []
    for (asked, (status, body)), (status_of_fake, body_of_fake) in zip(real.items(), fake.values(), strict=True):
        if status != status_of_fake:
            found.append(f"{asked}: {status} {body}, and the fake {status_of_fake}")
        if status < 400:
            found += [f"{asked}: {line}" for line in _differences(body, body_of_fake, "")]
    return found


def _differences(real: Any, fake: Any, at: str) -> list[str]:
    if isinstance(real, dict) and isinstance(fake, dict):
        missing = [f"{at}.{key} is not there" for key in fake.keys() - real.keys()]
        return missing + [
            line for k in fake.keys() & real.keys() for line in _differences(real[k], fake[k], f"{at}.{k}")
        ]
    if isinstance(real, list) and isinstance(fake, list):
        return _differences(real[0], fake[0], f"{at}[0]") if real and fake else []
    number = (int, float)
    is_same = type(real) is type(fake) or (isinstance(real, number) and isinstance(fake, number))
    return [] if is_same or fake is None or real is None else [f"{at} is {real!r}, and the fake says {fake!r}"]
