"""Seconds until a real Label Studio has what `dmr serve` draws: a frame's draft when it is opened, an outline in a box.

The frames are synthetic. The network is DMRNet-S on a grid of 256 x 256, that for boxes the usual one. Both are trained
for a few steps only, because their time does not depend on what they have learnt.
"""

from __future__ import annotations

import re
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.studio.server.credentials import need_login
from dmr.annotate.workspace import Workspace

TRAIN = ("train", "--size", "s", "--input", "256", "--steps", "60", "--device", "cpu")
REFINE = ("train", "--refine", "--steps", "60", "--device", "cpu")
CLICKS = 30
PORT = 18190
PATIENCE_S = 300.0
CLICKED = "a box or a click in a frame, until its outline is there"


def live_rows(folder: Path) -> list[dict[str, Any]]:
    """Open each of 24 frames twice, when its draft is to be drawn and when it is known, and draw boxes in some of them.

    The local server runs.
    """
    for name, wanted in (("in", PhantomSet(4, 4)), ("scans", PhantomSet(4, 6, first=20, labels=False))):
        for _ in write_phantom(folder / name, wanted):
            pass
    root = folder / "ws"
    _dmr("init", str(root), "--coverage", "all", folder=folder)
    for command in (("import", str(folder / "in")), TRAIN, REFINE, ("prelabel", str(folder / "scans"), "--no-push")):
        _dmr(*command, folder=root)
    _dmr("push", "--pixels-reviewed", folder=root)
    login = need_login(Workspace.at(root).settings)
    with httpx.Client(base_url=login.url, headers={"Authorization": f"Token {login.token}"}, timeout=60) as http:
        with Workspace.at(root).catalogue() as catalogue:
            (queue,) = catalogue.queues()
        tasks = http.get("/api/tasks", params={"project": queue.project, "page_size": 100}).json()["tasks"]
        version = http.get(f"/api/projects/{queue.project}/").json()["model_version"]
        rows: list[dict[str, Any]] = []
        for what in ("a frame opened, drawn at that moment", "a frame opened, drawn before"):
            if not rows:
                with closing(sqlite3.connect(root / "catalogue.sqlite")) as database, database:
                    database.execute("DELETE FROM prediction")
            # Without predictions the server drops the project's version: the live ones come under one of their own.
            for gone in (version, "v1-live"):
                path = f"/api/projects/{queue.project}/model-versions/"
                http.request("DELETE", path, json={"model_version": gone}).raise_for_status()
            with _serving(root):
                rows.append({"what": what, "tasks": len(tasks), **_opened(http, tasks)})
                if len(rows) == 2:
                    rows.append({"what": CLICKED, "tasks": CLICKS, **clicked(http, queue.project, tasks)})
    return rows


def clicked(http: httpx.Client, project: int, tasks: list[dict[str, Any]]) -> dict[str, float]:
    """Draw boxes and clicks by turns, as the page sends them; each class and task comes up."""
    (backend,) = http.get("/api/ml/", params={"project": project}).raise_for_status().json()
    labels = re.findall(r'<Label value="(\w+)"', http.get(f"/api/projects/{project}/").json()["label_config"])
    path, seconds = f"/api/ml/{backend['id']}/interactive-annotating", []
    for k in range(CLICKS):
        place = {"x": 20 + k // 2, "y": 30 + k // 2}
        if k % 2 == 0:
            value = {**place, "width": 25, "height": 20, "rectanglelabels": [labels[k % len(labels)]]}
            result: dict[str, Any] = {"type": "rectanglelabels", "value": value}
        else:
            value = {"x": place["x"] + 3, "y": place["y"] + 3, "keypointlabels": value["rectanglelabels"]}
            result = {"type": "keypointlabels", "is_positive": False, "value": value}
        began = time.perf_counter()
        body = {"task": tasks[k // 2 % len(tasks)]["id"], "context": {"result": [result]}}
        shown = http.post(path, json=body).raise_for_status().json()
        seconds.append(time.perf_counter() - began)
        assert len(shown["data"]["result"]) == 1, "nothing was drawn"
    return _summary(seconds)


def _opened(http: httpx.Client, tasks: list[dict[str, Any]]) -> dict[str, float]:
    seconds, outlines = [], 0
    for task in tasks:
        began = time.perf_counter()
        shown = http.get(f"/api/tasks/{task['id']}/").raise_for_status().json()
        seconds.append(time.perf_counter() - began)
        (prediction,) = shown["predictions"]
        outlines += len(prediction["result"])
    assert outlines, "nothing was drawn"
    return _summary(seconds)


def _summary(seconds: list[float]) -> dict[str, float]:
    return {
        "seconds": round(sum(seconds), 2),
        "median_s": round(statistics.median(seconds), 3),
        "worst_s": round(max(seconds), 3),
    }


@contextmanager
def _serving(root: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "dmr", "serve", "--connect", "--port", str(PORT)]
    log = root / "reports" / "serve.log"
    before = len(log.read_text(encoding="utf-8")) if log.exists() else 0
    with subprocess.Popen(command, cwd=root) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not log.exists() or "asks this server" not in log.read_text(encoding="utf-8")[before:]:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        try:
            yield
        finally:
            process.terminate()


def _dmr(*arguments: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "dmr", *arguments], cwd=folder, check=True)
