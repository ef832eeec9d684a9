"""`dmr serve` beside a real Label Studio: a frame that is opened gets a live draft, a submission is pulled."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from physician import Physician
from studio_loop import Loop, dmr

from dmr.active.serving.log import LOG_NAME
from dmr.annotate.studio.projects.backend import TITLE
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.credentials import serve_secret

pytestmark = [
    pytest.mark.studio,
    pytest.mark.skipif(sys.platform == "win32", reason="the server is ended as POSIX does"),
]
PATIENCE_S = 120.0


@contextmanager
def serving(loop: Loop, *arguments: str) -> Iterator[Path]:
    """The server in a process of its own; yields its log."""
    port = str(server._free_port(19090))
    log = loop.workspace.reports_folder / LOG_NAME
    command = [sys.executable, "-m", "dmr", "serve", "--port", port, "--device", "cpu", *arguments]
    process = subprocess.Popen(command, cwd=loop.workspace.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: log.exists() and "started: v1 answers" in log.read_text(encoding="utf-8"))
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    assert "Traceback" not in said.decode()


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def opened(physician: Physician, task: dict[str, Any]) -> dict[str, Any]:
    """A task as the page gets it when somebody clicks on it in the table."""
    shown: dict[str, Any] = physician.ask("GET", f"/api/tasks/{task['id']}/", params={"project": physician.project})
    return shown


def test_a_frame_that_is_opened_gets_a_live_draft_and_a_submission_is_pulled(loop: Loop) -> None:
    with loop.catalogue() as catalogue:
        secret = serve_secret(catalogue.meta("workspace_id"))
    with loop.physician() as physician:
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
        before = {t["id"]: t for t in physician.tasks()}
        drafted, other, *_ = [t for t in before.values() if len(physician.draft_of(t)) > 1]
        version = drafted["predictions"][0]["model_version"]
        with serving(loop, "--connect") as log:
            wait_for(lambda: "asks this server for drafts now" in log.read_text(encoding="utf-8"))
            (backend,) = physician.ask("GET", "/api/ml/", params={"project": physician.project})
            assert (backend["title"], backend["state"], backend["model_version"]) == (TITLE, "CO", version)
            (hook,) = physician.ask("GET", "/api/webhooks/", params={"project": physician.project})
            assert not hook["send_payload"], "the server has made none of its own"

            # With all drafts there, nobody is asked, and the order is that of the push.
            assert physician.next_task(in_view=False)["data"]["rank"] == 1
            assert opened(physician, drafted)["predictions"][0]["id"] == drafted["predictions"][0]["id"]
            assert "predict" not in log.read_text(encoding="utf-8")

            versions = f"/api/projects/{physician.project}/model-versions/"
            physician.ask("DELETE", versions, json={"model_version": version})
            live = opened(physician, drafted)
            (prediction,) = live["predictions"]
            sent = drafted["predictions"][0]
            assert {k: prediction[k] for k in ("model_version", "score", "result")} == {
                k: sent[k] for k in ("model_version", "score", "result")
            }
            assert opened(physician, drafted)["predictions"] == live["predictions"], "it is asked once"
            stranger = physician.ask(
                "POST",
                f"/api/projects/{physician.project}/import",
                json=[{"image": "/static/x.png", "reason": "x", "clip": "x"}],
            )
            assert stranger["task_count"] == 1

            physician.submit(live, prediction["result"])

            def is_pulled() -> bool:
                with loop.catalogue() as catalogue:
                    return catalogue.head(drafted["data"]["frame_id"], me) is not None

            wait_for(is_pulled)
            wait_for(lambda: "pull: 1 revision added" in log.read_text(encoding="utf-8"))
            text = log.read_text(encoding="utf-8")
        with loop.catalogue() as catalogue:
            head = catalogue.head(drafted["data"]["frame_id"], me)
        assert head is not None and (head.record.draft_model, head.record.blind) == ("v1", False)
        assert (loop.pixels(drafted["data"]["frame_id"], me)).any()
        assert "predict: 1 task, 1 draft, 0 drawn now" in text
        for word in (loop.login.token, secret, me):
            assert word not in text

        # While it is stopped, Label Studio works as before.
        assert opened(physician, other)["predictions"] == []
        assert physician.next_task(in_view=True)["id"]
        dmr("push", "--device", "cpu")
        assert len(opened(physician, other)["predictions"]) == 1
        with serving(loop, "--connect") as log:
            wait_for(lambda: "asks this server for drafts" in log.read_text(encoding="utf-8")[len(text) :])
            assert len(physician.ask("GET", "/api/ml/", params={"project": physician.project})) == 1
            assert len(physician.ask("GET", "/api/webhooks/", params={"project": physician.project})) == 1
