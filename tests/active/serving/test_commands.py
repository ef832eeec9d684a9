"""`dmr serve` as it is typed: what it refuses in one line, what it says, how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from fake_server import FakeServer
from fake_studio import TOKEN
from served import served

from dmr.active.serving import run
from dmr.active.serving.log import LOG_NAME, ServeLog, failure
from dmr.active.serving.run import listening
from dmr.annotate import hiding
from dmr.annotate.studio.projects.backend import Backend, authorization
from dmr.annotate.studio.server.credentials import serve_secret
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def dmr(*arguments: str, code: int) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_is_taken_is_told(workspace: Workspace) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        told = dmr("serve", "--port", port, code=2).output
    assert re.search(rf"Error: 127.0.0.1, port {port}: dmr serve cannot listen there \(.*\). Choose a free port", told)


def test_outside_a_workspace_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no workspace here or above" in dmr("serve", code=2).output


def test_without_a_model_it_is_refused(tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = Workspace.create(tmp_path / "other")
    monkeypatch.chdir(other.root)
    told = dmr("serve", "--port", str(free_port()), code=2).output
    assert "there is no model yet. Make one: dmr train" in told
    assert hiding.hider() is None


def test_without_a_label_studio_it_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["DMR_HOME"]) / "data" / "studio"
    (home / "credentials.json").unlink()
    assert "none is set up. Start a local one with dmr studio start" in dmr("serve", code=1).output


@pytest.mark.parametrize("missing", ["uvicorn", "starlette"])
def test_without_its_extra_the_line_to_type_is_told(
    missing: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    for name in ("run", "app"):
        monkeypatch.delitem(sys.modules, f"dmr.active.serving.{name}", raising=False)
    told = dmr("serve", code=2).output
    assert f"needs {missing}, which is not installed. Run: pip install 'dmrnet[serve]'." in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--connect", "--host", "0.0.0.0"), "0.0.0.0 is no address that Label Studio can call"),
        (("--address", "ward.example:9090"), "expected http:// or https:// and a host"),
        (("--address", "http://me:secret@ward.example"), "expected http:// or https:// and a host"),
        (("--host", "256.1.1.1"), "cannot listen there"),
    ],
)
def test_an_address_that_nobody_can_use_is_refused(arguments: tuple[str, ...], told: str, workspace: Workspace) -> None:
    assert told in dmr("serve", *arguments, code=2).output


def test_an_address_is_made_of_host_and_port_or_is_the_one_that_was_named() -> None:
    reached = partial(run._reached, connect=True)
    assert reached("127.0.0.1", 9090, None) == "http://127.0.0.1:9090"
    assert reached("::1", 9090, None) == "http://[::1]:9090"
    assert reached("0.0.0.0", 9090, "https://ward.example/") == "https://ward.example"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        *((name, True) for name in ("127.0.0.1", "127.8.9.1", "::1", "localhost")),
        *((name, False) for name in ("0.0.0.0", "::", "192.168.1.4", "fe80::1%eth0", "ward.example")),
    ],
)
def test_other_computers_reach_every_address_but_loopback(host: str, is_loopback: bool) -> None:
    assert run._is_loopback(host) == is_loopback


@pytest.mark.skipif(sys.platform == "win32", reason="it is ended as POSIX does")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_connects_and_stops_in_order(number: signal.Signals, pushed: Workspace, studio: FakeServer) -> None:
    port = free_port()
    command = [sys.executable, "-m", "dmr", "serve", "--connect", "--port", str(port), "--device", "cpu"]
    with pushed.catalogue() as catalogue:
        secret = serve_secret(catalogue.meta("workspace_id"))
    process = subprocess.Popen(command, cwd=pushed.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 300
        while not studio.studio.backends:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 401
        assert httpx.get(f"http://127.0.0.1:{port}/health", auth=("dmr", secret)).json() == {"status": "UP"}
        assert studio.studio.webhooks[0]["headers"] == {"Authorization": authorization(secret)}
        assert "a dmr serve works here already" in dmr("serve", "--port", str(free_port()), code=2).output
    finally:
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"started: v1 answers at 127.0.0.1, port {port}" in said
    assert "stopped" in said and "serve: 0 tasks answered" in said
    log = (pushed.reports_folder / LOG_NAME).read_text(encoding="utf-8")
    assert "connect: project 1 asks this server for drafts now" in log
    for word in (secret, TOKEN, "Traceback", str(pushed.root)):
        assert word not in said + log


def test_what_connect_has_set_up_is_taken_out_again(pushed: Workspace, studio: FakeServer) -> None:
    before = dict(studio.studio.projects[0])
    with served(pushed.root, backend=Backend("http://127.0.0.1:9090", _secret(pushed))) as running:
        running.wait_for_line("connect: project 1 has the tool for boxes now")
        running.wait_for_line("connect: project 1 asks this server for drafts now")
    assert 'name="box"' in studio.studio.projects[0]["label_config"]
    told = dmr("serve", "--disconnect", code=0).output
    assert "Project 'main': backend, webhook, tool for boxes taken out." in told
    assert (studio.studio.backends, studio.studio.webhooks) == ([], [])
    assert 'name="box"' not in studio.studio.projects[0]["label_config"]
    assert studio.studio.projects[0]["expert_instruction"] == before["expert_instruction"]
    assert "nothing of dmr serve was there" in dmr("serve", "--disconnect", code=0).output
    assert "it cannot go with --connect" in dmr("serve", "--disconnect", "--connect", code=2).output


def _secret(workspace: Workspace) -> str:
    with workspace.catalogue() as catalogue:
        return serve_secret(catalogue.meta("workspace_id"))


def test_the_log_hides_names_and_stays_on_one_line(tmp_path: Path) -> None:
    said: list[str] = []
    log = ServeLog(tmp_path, echo=said.append)
    hiding.start(wanted=True)
    try:
        log("pull: Error: 'Mustermann\nErika' in /scans/mustermann.png")
    finally:
        hiding.start(wanted=False)
        log.close()
    (line,) = (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()
    assert line.endswith(said[0])
    assert "usterman" not in line.lower()


def test_a_bug_without_a_place_is_told_too() -> None:
    assert failure(ValueError("x")) == "bug: ValueError at an unknown place; please report it"
