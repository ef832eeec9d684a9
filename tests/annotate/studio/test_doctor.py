"""Each finding of the doctor: what is wrong, and what to do."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_server import PAGE, FakeServer, serve
from fake_studio import OWNER, TOKEN, FakeStudio
from studio_round import Round

from dmr.annotate.studio.doctor import Finding, examine
from dmr.annotate.studio.projects.queues import MAIN, open_queue
from dmr.annotate.studio.server.credentials import Login, save_login
from dmr.annotate.workspace import Session
from dmr.cli import main


def wrong(s: Session) -> dict[str, str]:
    return {finding.what: finding.told for finding in examine(s) if not finding.is_fine}


def fine(s: Session) -> dict[str, str]:
    return {finding.what: finding.told for finding in examine(s) if finding.is_fine}


@pytest.fixture
def used(s: Session, login: Login) -> Session:
    """The workspace uses the small server."""
    save_login(login)
    return s


def test_without_a_server_it_says_how_to_get_one(s: Session) -> None:
    assert list(examine(s)) == [
        Finding(
            "login",
            "none is set up. Start a local one with dmr studio start, or use yours with dmr studio connect URL.",
            is_fine=False,
        )
    ]


def test_an_address_without_a_token_is_found(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_STUDIO_URL", "http://127.0.0.1:9")
    assert list(wrong(s)) == ["login"]
    assert "there is no token" in wrong(s)["login"]


def test_a_server_that_is_down_is_found(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DMR_STUDIO_TOKEN", TOKEN)
    found = wrong(s)
    assert set(found) == {"version", "token"}, "and nothing that depends on it is looked at"
    assert "does not answer" in found["token"]


def test_an_address_that_is_none_is_found(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_STUDIO_URL", "http://[::1")
    monkeypatch.setenv("DMR_STUDIO_TOKEN", TOKEN)
    assert "is not the address of a server" in wrong(s)["server"]


@pytest.mark.parametrize(
    ("version", "is_fine"),
    [("1.23.2", True), ("1.24.0+5.gabc", True), ("2.0.0", True), ("1.23.1", False), ("1.9.0", False), ("", False)],
)
def test_a_version_with_security_holes_is_found(version: str, is_fine: bool, used: Session, server: FakeServer) -> None:
    server.studio.version = version
    assert ("version" not in wrong(used)) is is_fine
    if not is_fine:
        assert "has known security holes. Update it to 1.23.2 or newer." in wrong(used)["version"]


def test_a_version_that_cannot_be_asked_for_does_not_stop_the_rest(used: Session, server: FakeServer) -> None:
    server.fail("GET", "/version/", status=200, body=PAGE, times=2)
    assert "does not answer as Label Studio does" in wrong(used)["version"]
    assert fine(used)["queue main"] == "has no project yet; dmr push makes it"


def test_a_bad_token_is_found_and_ends_the_visit(s: Session, server: FakeServer) -> None:
    save_login(Login(server.url, "0" * 40))
    found = wrong(s)
    assert "Label Studio refuses the token" in found["token"]
    assert server.count("GET", "/projects/") == 0


def test_of_a_good_server_everything_is_fine(used: Session, server: FakeServer, round_: Round) -> None:
    round_.push()
    assert wrong(used) == {}
    assert fine(used) == {
        "address": server.url,
        "version": "1.23.2",
        "token": f"is accepted, as {OWNER}",
        "queue main": f"project 1 'ws: main', {server.url}/projects/1/data",
        "queue main, images": "the first task's image is shown",
    }


def test_a_project_without_tasks_has_no_image_yet(used: Session, round_: Round) -> None:
    round_.push([])
    assert fine(used)["queue main, images"] == "there is no task yet"


def test_labels_and_classes_that_do_not_match_are_found(used: Session, server: FakeServer, round_: Round) -> None:
    round_.push()
    project = server.studio.projects[0]
    whole = project["label_config"]
    project["label_config"] = whole.replace("</PolygonLabels>", '<Label value="Nadel"/></PolygonLabels>')
    assert "labels that are no class: Nadel" in fine(used)["queue main, labels"], "one too many does no harm"
    project["label_config"] = whole.replace('"psoas_major"', '"Muskel"')
    told = wrong(used)["queue main, labels"]
    assert told == (
        "classes without a label: psoas_major; labels that are no class: Muskel. "
        "Rename the labels, or add aliases to dmr.toml."
    )
    project["label_config"] = whole.replace("<PolygonLabels", "<BrushLabels").replace(
        "</PolygonLabels", "</BrushLabels"
    )
    assert "has no PolygonLabels" in wrong(used)["queue main"]


def test_settings_that_spoil_the_order_are_found(used: Session, server: FakeServer, round_: Round) -> None:
    round_.push()
    server.studio.projects[0] |= {"sampling": "Sequential sampling", "show_collab_predictions": False}
    found = wrong(used)
    assert "'Sequential sampling'. In the project's Settings" in found["queue main, order"]
    assert "drafts are not shown to annotators" in found["queue main, drafts"]


@pytest.mark.parametrize("image", ["/data/local-files/?d=x/y.png", "https://elsewhere.example/x.png", ""])
def test_a_picture_that_is_not_shown_is_found(image: str, used: Session, server: FakeServer, round_: Round) -> None:
    round_.push()
    server.studio.tasks[0]["data"]["image"] = image
    assert "for the first task's image the server sent nothing. Push again" in wrong(used)["queue main, images"]


def test_pictures_on_another_server_are_not_fetched_and_not_wrong(
    used: Session, server: FakeServer, round_: Round
) -> None:
    round_.push()
    with serve(FakeStudio()) as storage:
        server.fail("GET", "/data/", status=302, body="", headers={"location": f"{storage.url}/x.png"})
        assert fine(used)["queue main, images"].startswith("lie on another server. Open a task")
        assert storage.asked == []


def test_a_page_for_a_picture_is_found(used: Session, server: FakeServer, round_: Round) -> None:
    round_.push()
    server.fail("GET", "/data/", status=200, body=PAGE)
    assert "the server sent text/html" in wrong(used)["queue main, images"]


def test_a_local_server_is_found_running_or_stopped(used: Session, server: FakeServer, tmp_path: Path) -> None:
    state = {"url": server.url, "pid": os.getpid(), "files": str(tmp_path)}
    kept = tmp_path / "home" / "data" / "studio" / "server.json"
    kept.write_text(json.dumps(state), encoding="utf-8")
    assert wrong(used) == {"local server": "is stopped. Start it: dmr studio start."}, "this process is no Label Studio"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dmr.annotate.studio.server.local.process_command", lambda _: "label-studio start")
        assert fine(used)["local server"] == f"runs as process {os.getpid()}"


def test_only_looking_makes_no_project(used: Session, round_: Round) -> None:
    assert wrong(used) == {}
    assert open_queue(used, round_.client, MAIN, create=False) is None
    assert round_.server.studio.projects == []


def test_the_command_tells_which_journal_the_database_keeps(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(s.workspace.root)
    lines = CliRunner().invoke(main, ["doctor"]).output.splitlines()
    assert lines[0] == f"ok     database: {s.catalogue.written_mode()}"
    assert lines[0].startswith(f"ok     database: SQLite {sqlite3.sqlite_version}, with a ")
