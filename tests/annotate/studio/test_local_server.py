"""A Label Studio of one's own: installed, started, stopped; a small program stands in for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from dmr.annotate.errors import StudioError
from dmr.annotate.progress.tell import silent
from dmr.annotate.settings.model import default_toml, parse_settings
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.credentials import browser_login, find_login
from dmr.annotate.studio.server.local import LocalServer, install, local_server, serve_frame, start, stop
from dmr.annotate.system.platform import end_process

# What is told on the command line after `start`, and then answers as Label Studio does once it is up.
UP = """
import http.server, os, sys
class Up(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"status": "UP"}')
    def log_message(self, *_): pass
print("started for", os.environ["LABEL_STUDIO_USERNAME"], flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Up).serve_forever()
"""
ENDS = "print('no such table')"
HANGS = "import time; time.sleep(60)"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What runs instead of Label Studio, as a list of one program that a test may replace; it is ended afterwards."""
    program = [UP]
    folder = tmp_path / "label-studio"  # its command line holds this name
    folder.mkdir()
    true_command = server._command

    def command(url: str, data: Path) -> list[str]:
        script = folder / "program.py"
        script.write_text(program[0], encoding="utf-8")
        return [sys.executable, str(script), *true_command(url, data)[1:]]

    monkeypatch.setattr(server, "_command", command)
    monkeypatch.setattr(server, "install", lambda **_: False)
    yield program
    stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_before_the_first_start_there_is_none_and_nothing_to_stop() -> None:
    assert local_server() is None
    assert stop() is None


@pytest.mark.parametrize("text", ["", "[]", '{"url": "x"}', '{"url": "x", "pid": 1, "files": "", "more": 1}'])
def test_a_state_that_cannot_be_read_is_none(text: str) -> None:
    server.data_folder().mkdir(parents=True)
    (server.data_folder() / "server.json").write_text(text, encoding="utf-8")
    assert local_server() is None


def test_it_starts_once_keeps_its_login_and_stops(stand_in: list[str]) -> None:
    port = free_port()
    running, is_new = start(port=port, tell=silent)
    assert is_new
    assert running.url == f"http://127.0.0.1:{port}"
    assert running.is_running and running.answers
    assert local_server() == running
    login = find_login(parse_settings(default_toml()))
    assert login is not None and login.url == running.url
    user = browser_login(running.url)
    assert user is not None and user[0] == server.USER
    log = (server.data_folder() / "server.log").read_text(encoding="utf-8")
    assert log.strip() == f"started for {server.USER}"
    assert start(tell=silent) == (running, False)

    assert stop() == running
    assert not running.is_running
    assert stop() is None
    while server._free_port(port) != port:  # the system lets go of it a moment after the process
        time.sleep(0.01)
    again, is_new = start(tell=silent)
    assert is_new and again.url == running.url, "the port that it had"
    assert find_login(parse_settings(default_toml())) == login, "its database keeps the first token"
    assert browser_login(running.url) == user


def test_another_port_keeps_the_secrets_of_the_first_start(stand_in: list[str]) -> None:
    first, _ = start(port=free_port(), tell=silent)
    login, user = find_login(parse_settings(default_toml())), browser_login(first.url)
    stop()
    second, _ = start(port=free_port(), tell=silent)
    assert second.url != first.url
    now = find_login(parse_settings(default_toml()))
    assert login is not None and now is not None
    assert now.token == login.token
    assert browser_login(second.url) == user


def test_a_server_that_ends_while_it_starts_is_told_with_its_log(stand_in: list[str]) -> None:
    stand_in[0] = ENDS
    with pytest.raises(StudioError, match=r"Label Studio ended while it started. The reason is in .*server.log"):
        start(port=free_port(), tell=silent)
    assert "no such table" in (server.data_folder() / "server.log").read_text(encoding="utf-8")
    assert find_login(parse_settings(default_toml())) is None, "no login is kept for what never ran"


def test_a_server_that_never_comes_up_is_told_and_waited_for_the_next_time(
    stand_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in[0] = HANGS
    monkeypatch.setattr(server, "_BOOT_S", 0.2)
    with pytest.raises(StudioError, match=r"Label Studio is not up after 0.2 s. Read"):
        start(port=free_port(), tell=silent)
    running = local_server()
    assert running is not None and running.is_running and not running.answers
    with pytest.raises(StudioError, match="is not up"):  # it is not started a second time beside itself
        start(tell=silent)
    assert local_server() == running


def test_a_server_that_does_not_end_is_told(stand_in: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    running, _ = start(port=free_port(), tell=silent)
    with monkeypatch.context() as patch:
        patch.setattr(server, "end_process", lambda _: None)
        patch.setattr(server, "_STOP_S", 0.0)
        with pytest.raises(StudioError, match=f"process {running.pid} does not end"):
            stop()
    assert running.is_running


def test_a_number_that_another_process_got_is_not_taken_for_the_server() -> None:
    assert not LocalServer("http://127.0.0.1:9", os.getpid(), "").is_running
    assert not LocalServer("http://127.0.0.1:9", os.getpid(), "").answers


def test_a_port_that_is_taken_is_passed_over_and_when_all_are_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert server._free_port(port) > port
        monkeypatch.setattr(server, "range", lambda first, _: [first], raising=False)
        with pytest.raises(
            StudioError, match=r"no port from \d+ to \d+ is free. Choose another: dmr studio start --port N"
        ):
            server._free_port(port)


def test_a_server_that_lets_go_of_its_port_late_is_started_again_on_it(stand_in: list[str]) -> None:
    running, _ = start(port=free_port(), tell=silent)
    port = int(running.url.rpartition(":")[2])
    with socket.socket() as late, pytest.MonkeyPatch.context() as patch:

        def ends(pid: int) -> None:  # a large process frees its memory before its port
            end_process(pid)
            while not server._is_free(port):
                time.sleep(0.01)
            late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            late.bind(("127.0.0.1", port))
            late.listen()
            Timer(0.5, late.close).start()

        patch.setattr(server, "end_process", ends)
        stop()
    assert start(tell=silent)[0].url == running.url


def test_it_calls_nobody_and_no_secret_is_in_its_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_HOST", "http://elsewhere.example")
    monkeypatch.setenv("DMR_STUDIO_TOKEN", "secret")
    given = server._environment(tmp_path, tmp_path / "frames", "pass-word", "to-ken")
    assert given["COLLECT_ANALYTICS"] == given["LATEST_VERSION_CHECK"] == "false"
    assert given["SENTRY_DSN"] == given["FRONTEND_SENTRY_DSN"] == ""
    assert given["LABEL_STUDIO_USER_TOKEN"] == "to-ken"
    assert not {"LABEL_STUDIO_HOST", "DMR_STUDIO_TOKEN"} & set(given)
    line = " ".join(server._command("http://127.0.0.1:8081", tmp_path))
    assert "--internal-host 127.0.0.1 --port 8081" in line
    assert "pass-word" not in line and "to-ken" not in line


class Pip:
    """Stands in for `python -m venv` and `pip install`."""

    def __init__(self, *, breaks: str = "") -> None:
        self.steps: list[list[str]] = []
        self.breaks = breaks

    def __call__(self, step: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.steps.append(step)
        error = self.breaks if "pip" in step else ""
        return subprocess.CompletedProcess(step, int(bool(error)), "", error)


def test_it_is_installed_once_into_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip, told = Pip(), list[str]()
    monkeypatch.setattr(subprocess, "run", pip)
    leftover = server.venv_folder() / "half"
    leftover.mkdir(parents=True)
    assert install(tell=lambda what, *_: told.append(what))
    assert told == [f"Installing Label Studio {server.VERSION}"]
    assert not leftover.exists(), "what an interrupted run left is gone"
    made, installed = pip.steps
    assert made[1:] == ["-P", "-m", "venv", str(server.venv_folder())]
    assert installed[1:] == ["-P", "-m", "pip", "install", "-q", f"label-studio=={server.VERSION}"]
    assert not install(tell=silent)
    assert len(pip.steps) == 2
    shutil.rmtree(server.venv_folder())
    install(wheels=tmp_path, tell=silent)
    assert pip.steps[-1][6:9] == ["--no-index", "--find-links", str(tmp_path)]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: x\nERROR: no matching distribution\n\n", r"\(ERROR: no matching distribution\)"),
        (" ", r"\(no reason\)"),
    ],
)
def test_an_installation_that_fails_says_why_and_what_to_do_without_internet(
    said: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(breaks=said))
    with pytest.raises(StudioError, match=f"cannot install Label Studio {told}.*dmr studio start --wheels DIR here"):
        install(tell=silent)
    assert not (server.venv_folder() / "installed").exists()


def test_a_frame_is_served_by_a_second_name_or_a_copy_and_renewed_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "f1.png"
    picture.write_bytes(b"one")
    local = LocalServer("http://127.0.0.1:9", 1, str(tmp_path / "served"))
    shown = tmp_path / "served" / "w" / "f1.png"
    assert serve_frame(local, "w", picture) == "/data/local-files/?d=w/f1.png"
    assert shown.samefile(picture)
    before = shown.stat().st_mtime_ns
    time.sleep(0.01)
    serve_frame(local, "w", picture)
    assert shown.stat().st_mtime_ns == before

    def other_disk(*_: object) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    picture.unlink()
    picture.write_bytes(b"two")
    serve_frame(local, "w", picture)
    assert shown.read_bytes() == b"two"
    assert not shown.samefile(picture)
    serve_frame(local, "w", picture)
    assert list(shown.parent.iterdir()) == [shown], "nothing is left aside"
