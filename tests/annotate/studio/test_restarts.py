"""A server that ends at any request of a push or a pull, and is started again: one line, and the next run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_server import serve
from fake_studio import TOKEN, FakeStudio
from physician import region
from studio_round import FRAMES, HEIGHT, WIDTH, Round, box

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.workspace import Workspace

Run = Callable[[Round], object]


@contextmanager
def running(template: Path, folder: Path) -> Iterator[tuple[Round, FakeStudio]]:
    """A workspace with drafts, and a server that knows nothing of it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template / "ws", folder)
    with (
        serve(FakeStudio()) as server,
        StudioClient(Login(server.url, TOKEN)) as client,
        Workspace.at(folder).session(write=True) as s,
    ):
        round_ = Round(s, client, server)
        round_.draw()
        yield round_, server.studio


def breaks_at(number: int, round_: Round, run: Run) -> bool:
    """Run with a server that ends at its request of this number, and again with one that was started anew.

    Returns:
        Whether there was such a request.
    """
    server = round_.server
    server.asked.clear()
    server.ends_at = number
    try:
        run(round_)
    except StudioError as error:
        assert "\n" not in str(error)
        assert error.exit_code == 1
        assert "Label Studio does not answer. Start it with `dmr studio start`" in str(error)
    if not server.is_down:
        server.ends_at = 0
        return False
    port = int(server.url.rpartition(":")[2])
    with serve(server.studio, port=port) as again:
        round_.server = again
        run(round_)
        asked = len(again.asked)
        run(round_)
        assert not [a for a in again.asked[asked:] if not a.startswith("GET ")], "nothing is left to do"
    return True


def each_request(template: Path, tmp_path: Path, *, prepare: Run, run: Run, check: Run) -> int:
    """Try each request of a run; the number of requests."""
    number = 0
    is_there = True
    while is_there:
        number += 1
        with running(template, tmp_path / "ws") as (round_, _):
            prepare(round_)
            is_there = breaks_at(number, round_, run)
            check(round_)
    return number - 1


@pytest.fixture(autouse=True)
def own_workspaces(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the workspaces, and small requests, so that there are several of each kind."""
    shutil.copytree(template / "home", tmp_path / "home", dirs_exist_ok=True)
    monkeypatch.setattr("dmr.annotate.studio.pushing.push.CHUNK", 2)
    monkeypatch.setattr("dmr.annotate.studio.server.client.UPLOADS", 2)
    monkeypatch.setattr("dmr.annotate.studio.server.client._ANNOTATED_PAGE", 1)
    monkeypatch.setattr("dmr.annotate.studio.pulling.pull.BATCH", 1)


def everything_once(round_: Round) -> None:
    studio = round_.server.studio
    assert [t["data"]["frame_id"] for t in studio.tasks] == [f.frame_id for f in round_.frames]
    (project,) = studio.projects
    shown = [p["task"] for p in studio.predictions if p["model_version"] == project["model_version"]]
    assert sorted(shown) == sorted(t["id"] for t in studio.tasks)
    assert len(studio.views) == 1
    for task, frame in zip(studio.tasks, round_.frames, strict=True):
        sent = studio.files[task["data"]["image"].removeprefix("/data/")]
        assert sent == round_.s.workspace.absolute(frame.path).read_bytes()
    assert round_.states() == ["pushed"] * FRAMES


def test_a_first_push_with_its_uploads(template: Path, tmp_path: Path) -> None:
    tried = each_request(
        template, tmp_path, prepare=lambda _: None, run=lambda round_: round_.push(), check=everything_once
    )
    assert tried >= 12, "project, versions, tasks, two uploads with their files, two imports, version, view"


def test_a_push_that_replaces_drafts(template: Path, tmp_path: Path) -> None:
    def prepare(round_: Round) -> None:
        round_.push()
        round_.draw("v2", left=9.0)

    tried = each_request(
        template, tmp_path, prepare=prepare, run=lambda round_: round_.push(model="v2"), check=everything_once
    )
    assert tried >= 7


def test_a_pull(template: Path, tmp_path: Path) -> None:
    whole: list[object] = []

    def prepare(round_: Round) -> None:
        round_.push()
        with round_.physician() as physician:
            first, second, third, _ = physician.tasks()
            gone = physician.submit(third, physician.draft_of(third))
            round_.pull()
            physician.delete(gone)
            physician.submit(first, physician.draft_of(first))
            physician.submit(second, [region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)])

    def check(round_: Round) -> None:
        assert round_.states() == ["labelled", "labelled", "pushed", "pushed"]
        heads = [round_.s.catalogue.heads(f.frame_id) for f in round_.frames]
        now = [[(h.record.author, h.record.annotation.shapes, h.withdrawn) for h in found] for found in heads]
        whole.append(now)
        assert now == whole[0]
        assert [len(found) for found in heads] == [1, 1, 1, 0]
        assert heads[2][0].withdrawn

    tried = each_request(template, tmp_path, prepare=prepare, run=lambda round_: round_.pull(), check=check)
    assert tried >= 7
