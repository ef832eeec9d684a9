"""The commands around Label Studio: what they print, and that no token is in it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from fake_server import FakeServer
from fake_studio import OWNER, TOKEN
from physician import Physician
from studio_round import Round

from dmr.annotate.settings.model import default_toml, parse_settings
from dmr.annotate.studio import commands
from dmr.annotate.studio.server import credentials
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.credentials import Login, find_login, save_login
from dmr.annotate.studio.server.local import LocalServer
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def dmr(*arguments: str, code: int = 0, typed: str | None = None) -> Result:
    result = CliRunner().invoke(main, list(arguments), input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    assert TOKEN not in result.output
    return result


def test_connect_reads_the_token_from_standard_input_keeps_it_and_never_shows_it(login: Login) -> None:
    result = dmr("studio", "connect", f"{login.url}/", typed=f"{TOKEN}\n")
    assert f"Connected to {login.url} as {OWNER}." in result.output
    assert find_login(parse_settings(default_toml())) == login


def test_connect_asks_for_the_token_in_a_terminal(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def prompt(text: str, **how: Any) -> str:
        asked.append(text)
        assert how["hide_input"]
        return TOKEN

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys, "stdin", Terminal())
    function = commands.connect.callback
    assert function is not None
    function(url=login.url, as_json=False, hide_names=False)
    assert asked == ["Access token (Account & Settings in Label Studio)"]
    assert find_login(parse_settings(default_toml())) == login


def test_connect_keeps_nothing_where_the_token_is_refused(server: FakeServer) -> None:
    assert "refuses the token" in dmr("studio", "connect", server.url, typed="wrong\n", code=1).output
    assert "the token is empty" in dmr("studio", "connect", server.url, typed="", code=1).output
    assert find_login(parse_settings(default_toml())) is None


@pytest.mark.parametrize("url", ["ward.example:8080", "ftp://ward.example", f"http://me:{TOKEN}@ward.example"])
def test_connect_refuses_an_address_that_is_none_or_holds_a_secret(url: str) -> None:
    assert "expected http:// or https:// and a host" in dmr("studio", "connect", url, code=2).output


def test_status_says_whether_there_is_a_local_server_and_how_it_is(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no local Label Studio yet. Make one: dmr studio start." in dmr("studio", "status").output
    assert "No local Label Studio was running." in dmr("studio", "stop").output
    state = {"url": server.url, "pid": 1, "files": str(tmp_path)}
    kept = tmp_path / "home" / "data" / "studio" / "server.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(state), encoding="utf-8")
    monkeypatch.setattr("dmr.annotate.studio.server.local.process_command", lambda _: "other")
    assert dmr("studio", "status").output == f"{server.url}  stopped\n"
    monkeypatch.setattr("dmr.annotate.studio.server.local.process_command", lambda _: "label-studio start")
    assert dmr("studio", "status").output == f"{server.url}  up\n"
    server.fail("GET", "/health", status=200, body={"status": "DOWN"})
    assert json.loads(dmr("studio", "status", "--json").output)["state"] == "starting"


@pytest.mark.parametrize("started", [True, False])
def test_start_says_where_it_runs_and_where_the_password_lies(started: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    running = LocalServer("http://127.0.0.1:8080", 7, "")
    save_login(Login(running.url, TOKEN), password="pass-word", user=server.USER)
    monkeypatch.setattr(server, "start", lambda **_: (running, started))
    output = dmr("studio", "start").output
    assert f"Label Studio {'runs' if started else 'was running already'}: {running.url}" in output
    assert f"Log in as {server.USER}; the password is in {credentials.credentials_path()}" in output
    assert "pass-word" not in output
    monkeypatch.setattr(credentials, "uses_keyring", lambda: True)
    monkeypatch.setattr(credentials, "browser_login", lambda _: (server.USER, "pass-word"))
    assert "the password is in the system's keyring" in dmr("studio", "start").output
    monkeypatch.setattr(credentials, "browser_login", lambda _: None)
    assert "Log in as" not in dmr("studio", "start").output
    monkeypatch.setattr(server, "stop", lambda: running)
    assert dmr("studio", "stop").output == f"Stopped {running.url}.\n"


@pytest.fixture
def outside(round_: Round, monkeypatch: pytest.MonkeyPatch) -> Round:
    """The workspace of the round is the working folder, and nobody else writes in it."""
    save_login(Login(round_.server.url, TOKEN))
    monkeypatch.chdir(round_.s.workspace.root)
    return round_


def test_pull_says_what_came_and_that_nothing_did(
    outside: Round, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another session writes in this one's workspace, so the command goes to a copy of it.
    outside.push()
    queue = outside.s.catalogue.queue("main")
    assert queue is not None
    with Physician(Login(outside.server.url, TOKEN), queue.project) as physician:
        task = physician.tasks()[0]
        physician.submit(task, physician.draft_of(task))
    outside.s.catalogue.close()
    copied = tmp_path / "copied"
    shutil.copytree(outside.s.workspace.root, copied)
    monkeypatch.chdir(copied)
    assert "1 revision added" in dmr("pull").output
    assert "f0: has no submission without outlines" in dmr("pull", "--take-empty", "f0", code=1).output
    assert "Nothing new: nothing was changed." in dmr("pull").output
    outside.server.studio.annotations[0]["result"] = [None]
    failed = dmr("pull", code=1).output
    assert "1 failed" in failed
    assert failed.endswith("Nothing else is new.\n")
    assert "1 submitted annotation could not be read; see `dmr pull`." in dmr("status").output
    outside.server.studio.projects.clear()
    assert "There is no project in Label Studio yet: dmr push makes it." in dmr("pull").output
    outside.server.fail("GET", "/projects/", times=3)
    assert "Label Studio does not answer" in dmr("pull", code=1).output


def test_a_projects_name_that_was_hidden_is_turned_back(
    outside: Round, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.push()
    project = outside.server.studio.projects[0]
    project["title"], project["label_config"] = "Müller's leg", "<View/>"
    outside.s.catalogue.close()
    shutil.copytree(outside.s.workspace.root, tmp_path / "copied")
    monkeypatch.chdir(tmp_path / "copied")
    hidden = dmr("pull", "--hide-names", code=1).output
    assert "ller" not in hidden
    (short,) = re.findall(r"project-[0-9a-f]{8}", hidden)
    assert f"{short}\n  Müller's leg\n" in dmr("where", short).output


def test_doctor_prints_each_finding_and_fails_with_what_is_wrong(outside: Round) -> None:
    result = dmr("doctor")
    assert f"ok     address: {outside.server.url}\n" in result.output
    assert "wrong" not in result.output
    outside.server.studio.version = "1.9.0"
    result = dmr("doctor", "--json", code=1)
    found = {f["what"]: f["fine"] for f in json.loads(result.stdout)["findings"]}
    assert found == {"address": True, "version": False, "token": True, "queue main": True}
    assert "wrong  version" in dmr("doctor", code=1).output


def test_pull_without_a_server_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create(tmp_path / "ws")
    monkeypatch.chdir(tmp_path / "ws")
    assert "none is set up. Start a local one with dmr studio start" in dmr("pull", code=1).output
