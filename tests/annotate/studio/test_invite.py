"""A person gets a login of their own; the password is shown or written once, and stands nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_people import INVITATION
from fake_server import FakeServer
from fake_studio import OWNER, TOKEN, FakeStudio

from dmr.annotate.errors import StudioError, UsageError
from dmr.annotate.studio import commands
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login, credentials_path, save_login
from dmr.annotate.studio.server.invite import NO_ROLES, Invited, invite, mail_of
from dmr.annotate.system.platform import is_shared
from dmr.annotate.workspace import Workspace
from dmr.cli import main


@pytest.fixture
def ward(server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    """The working folder is a workspace, whose server is the local one."""
    workspace, _ = Workspace.create(tmp_path / "ws")
    save_login(Login(server.url, TOKEN))
    monkeypatch.chdir(workspace.root)
    state = {"url": server.url, "pid": 1, "files": str(tmp_path)}
    (credentials_path().parent / "server.json").write_text(json.dumps(state), encoding="utf-8")
    return server.studio


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["studio", "invite", *arguments])
    assert result.exit_code == code, result.output
    assert TOKEN not in result.output
    return result


def invited_by(client: StudioClient, mail: str, file: Path | None) -> Invited:
    return invite(client, mail, is_local=True, password_file=file, can_show=True)


@pytest.mark.parametrize(
    ("name", "mail"),
    [
        ("anna", "anna@localhost.local"),
        ("Dr. Jörg  Strauß", "dr.jorg.strauss@localhost.local"),
        (" Anna.Maier@Ward.Example ", "anna.maier@ward.example"),
    ],
)
def test_a_name_becomes_an_address_and_an_address_stays(name: str, mail: str) -> None:
    assert mail_of(name) == mail


@pytest.mark.parametrize("name", ["", " - ", "张伟", "Søren", "a b@ward.example", "x@y", "anna@", "a@b@c.example"])
def test_what_gives_no_address_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(UsageError, match="NAME: "):
        mail_of(name)


def test_an_invited_person_is_a_user_with_the_password_that_was_written_for_the_owner_alone(
    ward: FakeStudio, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    output = run("Anna", "--password-file", str(file)).output
    user = ward.users[-1]
    assert user["email"] == "anna@localhost.local"
    assert file.read_text(encoding="utf-8") == user["password"] + "\n"
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", user["password"])
    assert not is_shared(file)
    assert user["password"] not in output
    assert "Log in at http://127.0.0.1:" in output and "as anna@localhost.local." in output
    assert NO_ROLES in output
    assert INVITATION not in output
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p != file and user["password"].encode() in p.read_bytes()]
    assert kept == []


def test_the_password_is_shown_on_a_terminal_once(ward: FakeStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_is_terminal", lambda: True)
    output = run("anna@ward.example").output
    assert output.count(ward.users[-1]["password"]) == 1
    assert f"password: {ward.users[-1]['password']}\n" in output
    assert "--password-file" in run("berta", "--json", code=2).output, "a report may be kept"


def test_without_a_terminal_or_over_a_file_that_exists_no_login_is_made(ward: FakeStudio, tmp_path: Path) -> None:
    assert "no terminal to show the password on. Write it into a file" in run("anna", code=2).output
    (tmp_path / "kept").write_text("mine", encoding="utf-8")
    assert "exists already. Name a new file." in run("anna", "--password-file", str(tmp_path / "kept"), code=2).output
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "mine"
    assert [u["email"] for u in ward.users] == [OWNER]


def test_of_a_person_who_has_a_login_nothing_is_changed(ward: FakeStudio, server: FakeServer, tmp_path: Path) -> None:
    result = run(OWNER, "--password-file", str(tmp_path / "password"))
    assert f"{OWNER} has a login at {server.url} already: nothing was changed." in result.output
    assert not (tmp_path / "password").exists()
    assert server.count("POST", "") == 0
    assert len(ward.users) == 1


def test_on_a_server_of_somebody_else_the_link_is_shown_and_no_login_is_made(
    ward: FakeStudio, server: FakeServer
) -> None:
    (credentials_path().parent / "server.json").unlink()
    result = run("anna@ward.example")
    assert result.stdout == f"{server.url}/user/signup/?token={INVITATION}\n"
    assert "Send anna@ward.example the link" in result.stderr and NO_ROLES in result.stderr
    assert len(ward.users) == 1
    report = json.loads(run("anna@ward.example", "--json").stdout)
    assert (report["is_new"], report["link"]) == (False, result.stdout.strip())


def test_a_login_whose_answer_was_lost_is_found(client: StudioClient, server: FakeServer, tmp_path: Path) -> None:
    server.fail("POST", "/user/signup/", is_done=True)
    invited = invited_by(client, "anna@ward.example", tmp_path / "password")
    assert invited.password == server.studio.users[-1]["password"]
    assert (tmp_path / "password").exists()
    assert invited.password not in repr(invited)


@pytest.mark.parametrize("how", [{}, {"status": 403, "body": "<h1>Forbidden</h1>"}], ids=["broken", "forbidden"])
def test_where_the_form_fails_no_password_is_left(
    how: dict[str, object], client: StudioClient, server: FakeServer, tmp_path: Path
) -> None:
    server.fail("POST", "/user/signup/", **how)
    with pytest.raises(StudioError) as caught:
        invited_by(client, "anna@ward.example", tmp_path / "password")
    assert not (tmp_path / "password").exists()
    assert INVITATION not in str(caught.value)
    assert invited_by(client, "anna@ward.example", tmp_path / "password").password, "the next try goes on"


def test_what_the_form_says_is_wrong_is_told(client: StudioClient, server: FakeServer, tmp_path: Path) -> None:
    server.studio.refused_mail = "Enter a valid email&#x20;address."
    with pytest.raises(StudioError, match=r"refuses a login for 'anna@ward.example' \('Enter a valid email address.'"):
        invited_by(client, "anna@ward.example", tmp_path / "password")
    assert not (tmp_path / "password").exists()
