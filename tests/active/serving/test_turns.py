"""Pulls of `dmr serve`: after a submission and from time to time, one at a time, and again after what went wrong."""

from __future__ import annotations

import threading
import time

import pytest
from fake_server import FakeServer
from fake_studio import OWNER, TOKEN
from physician import Physician
from served import Served, served
from studio_round import Round

from dmr.active.serving import turns
from dmr.annotate.studio.projects.backend import Backend
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.workspace import Session, Workspace

HINT = {"action": "ANNOTATION_CREATED"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    for name, seconds in (("SETTLE_S", 0.05), ("AGAIN_S", 0.1), ("WAIT_S", 0.05), ("_TICK_S", 0.05)):
        monkeypatch.setattr(turns, name, seconds)


def has(workspace: Workspace, frame: str) -> bool:
    with workspace.catalogue() as catalogue:
        return catalogue.head(frame, OWNER) is not None


def submit(physician: Physician, number: int = 0) -> str:
    task = physician.tasks()[number]
    physician.submit(task, physician.draft_of(task))
    return str(task["data"]["frame_id"])


@pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"])
def test_a_submission_that_is_told_is_pulled(action: str, pushed: Workspace, physician: Physician) -> None:
    with served(pushed.root) as running:
        running.wait_for(lambda: running.turns.done)
        frame = submit(physician)
        assert not has(pushed, frame)
        assert running.http.post("/webhook", json={"action": action}).status_code == 200
        running.wait_for(lambda: has(pushed, frame))
        running.wait_for_line("pull: 1 revision added")


def test_a_deleted_annotation_is_withdrawn(pushed: Workspace, physician: Physician) -> None:
    task = physician.tasks()[0]
    annotation = physician.submit(task, physician.draft_of(task))
    with served(pushed.root) as running:
        running.wait_for_line("pull: 1 revision added")
        physician.delete(annotation)
        running.http.post("/webhook", json={"action": "ANNOTATIONS_DELETED", "annotations": [{"id": annotation}]})
        running.wait_for_line("pull: 1 withdrawn")


def test_what_nobody_told_of_is_pulled_at_the_next_turn(pushed: Workspace, physician: Physician) -> None:
    with served(pushed.root, every_s=0.1) as running:
        running.wait_for(lambda: running.turns.done)
        frame = submit(physician)
        running.wait_for(lambda: has(pushed, frame))


def test_a_pull_comes_every_five_minutes_and_not_before(pushed: Workspace, physician: Physician) -> None:
    now = [1000.0]
    with served(pushed.root, clock=lambda: now[0]) as running:
        running.wait_for(lambda: running.turns.done == 1)
        frame = submit(physician)
        now[0] += 299
        time.sleep(0.5)  # ten looks at the clock
        assert (running.turns.done, has(pushed, frame)) == (1, False)
        now[0] += 2
        running.wait_for(lambda: has(pushed, frame))


def test_another_action_starts_no_pull(pushed: Workspace) -> None:
    with served(pushed.root) as running:
        running.wait_for(lambda: running.turns.done == 1)
        for action in ("PROJECT_UPDATED", None, ["ANNOTATION_CREATED"]):
            assert running.http.post("/webhook", json={"action": action}).status_code == 200
        time.sleep(0.5)
        assert running.turns.done == 1


def test_many_submissions_are_never_pulled_two_at_a_time(pushed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most, pulls = 0, 0, 0
    lock = threading.Lock()

    def slow(s: Session, *, studio: bool) -> None:
        nonlocal under_way, most, pulls
        with lock:
            under_way, pulls = under_way + 1, pulls + 1
            most = max(most, under_way)
        time.sleep(0.2)
        with lock:
            under_way -= 1

    monkeypatch.setattr(turns, "take_in", slow)
    with served(pushed.root) as running:
        for _ in range(30):
            running.http.post("/webhook", json=HINT)
        running.wait_for(lambda: running.turns.done >= 2)
    assert most == 1
    assert pulls < 10, "what comes together is pulled together"


def test_predictions_go_on_during_a_pull(pushed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(s: Session, *, studio: bool) -> None:
        inside.set()
        assert go_on.wait(60)

    monkeypatch.setattr(turns, "take_in", slow)
    with pushed.catalogue() as catalogue:
        ids = [frame.frame_id for frame in catalogue.frames()]
    with served(pushed.root) as running:
        assert inside.wait(60)
        assert running.turns.is_pulling
        assert all(answer["result"] for answer in running.ask(ids))
        go_on.set()


def test_a_busy_workspace_is_tried_again_later(pushed: Workspace, physician: Physician) -> None:
    frame = submit(physician)
    with served(pushed.root) as running:
        with pushed.lock():
            running.turns.hint()
            running.wait_for_line("pull: put off")
            time.sleep(0.5)
            busy = [line for line in running.lines if "put off" in line]
            assert len(busy) == 1 and "another dmr command has been writing here" in busy[0]
        running.wait_for(lambda: has(pushed, frame))


def test_projects_are_set_up_as_soon_as_a_push_has_made_them(workspace: Workspace, studio: FakeServer) -> None:
    with served(workspace.root, every_s=0.1, backend=Backend("http://127.0.0.1:9090", "s")) as running:
        running.wait_for_line("connect: there is no project in Label Studio yet; dmr push makes it")
        running.wait_for(lambda: running.turns.done >= 3)
        with workspace.session(write=True) as s, StudioClient(Login(studio.url, TOKEN)) as client:
            Round(s, client, studio).push([], model=None)
        running.wait_for_line("connect: project 1 asks this server for drafts now")
        done = running.turns.done
        running.wait_for(lambda: running.turns.done >= done + 2)
    assert sum(line.startswith("connect") for line in running.lines) == 3, "set up, with the tool for boxes"
    assert [backend["url"] for backend in studio.studio.backends] == ["http://127.0.0.1:9090"]


def test_a_server_that_is_down_is_told_once_and_asked_again(
    pushed: Workspace, studio: FakeServer, physician: Physician
) -> None:
    frame = submit(physician)
    studio.fail("GET", "/api/projects/", status=503, body="<html>down</html>", times=40)
    with served(pushed.root) as running:
        running.wait_for(lambda: has(pushed, frame))
        assert sum("put off" in line for line in running.lines) == 1
        assert not [line for line in running.lines if "html" in line]


def test_an_annotation_that_cannot_be_read_is_told_once(pushed: Workspace, physician: Physician) -> None:
    task = physician.tasks()[0]
    regions = physician.draft_of(task)
    regions[0] = regions[0] | {"type": "vectorlabels", "value": {"vertices": [], "vectorlabels": ["psoas_major"]}}
    physician.submit(task, regions)
    with served(pushed.root, every_s=0.1) as running:
        running.wait_for(lambda: running.turns.done >= 4)
        assert sum("pull: Error: annotation" in line for line in running.lines) == 1


def test_a_bug_in_a_turn_is_told_by_its_place_alone(pushed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(s: Session, *, studio: bool) -> None:
        raise KeyError("Mustermann, Erika")

    with monkeypatch.context() as patch:
        patch.setattr(turns, "take_in", breaks)
        running: Served
        with served(pushed.root) as running:
            running.wait_for_line("pull: bug: KeyError at test_turns.py:")
            assert running.http.get("/health").status_code == 200
    assert not [line for line in running.lines if "Mustermann" in line]
