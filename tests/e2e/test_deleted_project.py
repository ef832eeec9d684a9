"""A real Label Studio: an invited person deletes the project; another time the server is restarted during a push."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from physician import Physician, region
from scans import FRAMES, write_scans
from studio_loop import Loop, catalogue_hash, dmr, own_copy, running_studio

from dmr.annotate.phantom.scanner import SIDE
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import find_login

pytestmark = pytest.mark.studio
PUSH = ("push", "--device", "cpu", "--pixels-reviewed")
SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with frames and no model, and a running server."""
    folder = tmp_path_factory.mktemp("studio")
    with running_studio(folder, port=18180) as patch:
        write_scans(folder / "scans", patients=range(2), labelled=False)
        dmr("init", str(folder / "ws"), "--coverage", "all")
        patch.chdir(folder / "ws")
        dmr("ingest", str(folder / "scans"), "--all")
        yield folder / "ws"


@pytest.fixture
def loop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = own_copy(template, tmp_path / "ws")
    monkeypatch.chdir(loop.workspace.root)
    return loop


class Colleague(Physician):
    """An invited person, with a browser's session."""

    def __init__(self, loop: Loop, name: str, password: str) -> None:
        with loop.physician() as owner:
            super().__init__(loop.login, owner.project)
        self.http.close()
        self.http = httpx.Client(base_url=loop.login.url, timeout=60)
        self.http.get("/user/login/").raise_for_status()
        form = {"email": name, "password": password, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        assert self.http.post("/user/login/", data=form).status_code == 302, "the password is the right one"
        self.http.headers["X-CSRFToken"] = self.http.cookies["csrftoken"]


def invited(loop: Loop, name: str, folder: Path) -> Colleague:
    file = folder / f"{name}.txt"
    said = dmr("studio", "invite", name, "--password-file", str(file)).output
    password = file.read_text(encoding="utf-8").strip()
    assert password not in said
    assert f"as {name}@localhost.local." in said
    return Colleague(loop, f"{name}@localhost.local", password)


def test_an_invited_person_is_the_author_and_a_project_that_the_person_deletes_is_made_again(
    loop: Loop, tmp_path: Path
) -> None:
    dmr(*PUSH)
    with invited(loop, "anna", tmp_path) as anna:
        assert anna.ask("GET", "/api/current-user/whoami")["email"] == "anna@localhost.local"
        kept, skipped, drafted, lost, *_ = anna.tasks()
        drawn = [region("psoas_major", SQUARE, height=SIDE, width=SIDE)]
        anna.submit(kept, drawn)
        anna.submit(skipped, [], was_cancelled=True)
        assert "1 revision added" in dmr("pull").output
        with loop.catalogue() as catalogue:
            (item,) = catalogue.labelled_frames()
            assert item.frame.frame_id == kept["data"]["frame_id"]
            assert catalogue.revision(item.revision).record.author == "anna@localhost.local"
        anna.leave_draft(drafted, drawn)
        anna.submit(lost, drawn)
        assert anna.http.delete(f"/api/projects/{anna.project}/").status_code == 204, "the open version has no roles"

    assert "its project is gone from Label Studio; what was pulled from it is kept" in dmr("pull").output
    said = dmr(*PUSH).output
    assert "was deleted in Label Studio and is made again" in said
    with loop.catalogue() as catalogue:
        assert catalogue.labelled_frames() == [item]
        every = {frame.frame_id for frame in catalogue.frames()}
    with loop.physician() as owner:
        assert owner.project != anna.project
        assert {t["data"]["frame_id"] for t in owner.tasks()} == every - {item.frame.frame_id}
        task = owner.task(lost["data"]["frame_id"])
        assert task["total_annotations"] == 0
        image = owner.http.get(task["data"]["image"])
        assert image.headers["content-type"] == "image/png"
    assert "already: nothing was changed" in dmr("studio", "invite", "anna").output
    assert "nothing was changed" in dmr(*PUSH).output


def test_a_server_that_is_restarted_during_a_push_gets_everything_once(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = StudioClient.import_tasks

    def restarts(client: StudioClient, *arguments: object) -> object:
        if len(calls) == 1:
            dmr("studio", "stop")
            dmr("studio", "start")
        calls.append(1)
        return send(client, *arguments)  # type: ignore[arg-type]

    calls: list[int] = []
    monkeypatch.setattr("dmr.annotate.studio.pushing.push.CHUNK", 5)
    monkeypatch.setattr(StudioClient, "import_tasks", restarts)
    said = dmr(*PUSH).output
    assert len(calls) == 3
    assert f"{2 * FRAMES} tasks added" in said
    assert find_login(loop.workspace.settings) == loop.login, "the token is the same"
    with loop.physician() as owner:
        tasks = owner.tasks()
    assert len({t["data"]["frame_id"] for t in tasks}) == len(tasks) == 2 * FRAMES
    before = catalogue_hash()
    assert "nothing was changed" in dmr(*PUSH).output
    assert catalogue_hash() == before
