"""A token that expires or is revoked, also in the middle: one line, nothing lost, and a new one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_studio import TOKEN
from physician import Physician
from studio_round import FRAMES, Round, third_page_fails

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login, save_login
from dmr.annotate.workspace import Workspace
from dmr.cli import main

NEW = "fedcba9876543210fedcba9876543210fedcba98"
REVOKED = {"status": 401, "body": {"detail": "Invalid token."}, "times": 99}


@contextmanager
def renewed(round_: Round, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The old token is no longer taken, and the client has the new one."""
    round_.server.faults.clear()
    patch.setattr("fake_studio.TOKEN", NEW)
    round_.client.close()
    with StudioClient(Login(round_.server.url, NEW)) as round_.client:
        yield


def test_a_pull_whose_token_is_revoked_in_the_middle_keeps_what_it_had(
    round_: Round, physician: Physician, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in physician.tasks()[:3]:
        physician.submit(task, physician.draft_of(task))
    with (
        third_page_fails(round_, **REVOKED),
        pytest.raises(StudioError, match=r"refuses the token\. Give it a valid one: dmr studio connect") as caught,
    ):
        round_.pull()
    assert TOKEN not in str(caught.value)
    assert len(round_.s.catalogue.newest_revisions()) == 2
    assert round_.server.count("GET", "/api/tasks") > 0
    with renewed(round_, monkeypatch):
        assert round_.pull().counts["revisions added"] == 1
    assert round_.states() == ["labelled"] * 3 + ["pushed"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/import$"), ("GET", "/file-upload/"), ("PATCH", "/projects/"), ("POST", "/views/")]
)
def test_a_push_whose_token_is_revoked_in_the_middle_goes_on_with_a_new_one(
    method: str, path: str, round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_.server.fail(method, path, **REVOKED)
    with pytest.raises(StudioError, match=r"refuses the token\. Give it a valid one: dmr studio connect"):
        round_.push()
    assert round_.server.count(method, path) == 1, "a refused token is not tried again"
    with renewed(round_, monkeypatch):
        round_.push()
        again = round_.push()
    assert sorted(t["data"]["frame_id"] for t in round_.server.studio.tasks) == sorted(
        f.frame_id for f in round_.frames
    )
    assert len(round_.server.studio.projects) == 1
    assert again.counts["tasks unchanged"] == FRAMES


@pytest.mark.parametrize("command", ["pull", "push", "doctor"])
def test_a_command_with_a_refused_token_ends_with_code_1_and_says_what_to_do(
    command: str, login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "ws")
    monkeypatch.chdir(tmp_path / "ws")
    save_login(Login(login.url, NEW))
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 1
    assert "Label Studio refuses the token. Give it a valid one: dmr studio connect" in result.output
    assert NEW not in result.output and "Traceback" not in result.output
    save_login(login)
    assert CliRunner().invoke(main, ["pull"]).exit_code == 0
