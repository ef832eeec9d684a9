"""What a user is told when Label Studio fails, and what is asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from fake_server import PAGE, FakeServer
from fake_studio import OWNER, TOKEN

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.answers.records import TaskData
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login

Ask = Callable[[StudioClient], object]

# One call by the SDK and one without it for each way to fail.
GETS: dict[str, tuple[str, Ask]] = {
    "SDK": ("/version/", lambda c: c.version()),
    "raw": ("/api/tasks", lambda c: list(c.tasks(1))),
}
CHANGES: dict[str, tuple[str, str, Ask]] = {
    "make a project": (
        "POST",
        "/projects/",
        lambda c: c.create_project("t", description="", config="", instructions=""),
    ),
    "import tasks": ("POST", "/import$", lambda c: c.import_tasks(1, [{"data": {}}])),
    "import predictions": ("POST", "/import/predictions", lambda c: c.import_predictions(1, [{"task": 1}])),
    "upload": ("POST", "/import$", lambda c: list(c.upload(1, [("f.png", b"x")]))),
    "delete a version": ("DELETE", "/model-versions/", lambda c: c.delete_model_version(1, "v")),
    "make a view": ("POST", "/views/", lambda c: c.ensure_view(1, title="t", ordering="o", shown=("a",))),
    "make a storage": ("POST", "/localfiles/", lambda c: c.add_local_storage(1, "/x")),
}


@pytest.mark.parametrize("call", GETS)
@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        pytest.param(
            401, {"detail": "Invalid token."}, "Label Studio refuses the token. Give it a valid one", id="401"
        ),
        pytest.param(403, {"detail": "No."}, "the token's owner may not see or change .*administrator", id="403"),
        pytest.param(404, PAGE, "Label Studio has no ", id="404 as a page"),
        pytest.param(400, {"validation_errors": {"x": ["odd"]}}, r"refuses .* \(400: x: odd\)", id="400"),
        pytest.param(500, {"detail": "disk full"}, r"refuses .* \(500: disk full\)", id="500"),
        pytest.param(502, PAGE, r"refuses .* \(502\)\.", id="502 as a page"),
        pytest.param(200, PAGE, "does not answer as Label Studio does.* Check the address", id="a page"),
    ],
)
def test_a_refusal_is_told_in_one_line(
    call: str, status: int, body: Any, told: str, client: StudioClient, server: FakeServer
) -> None:
    path, ask = GETS[call]
    server.fail("GET", path, status=status, body=body, times=3)
    with pytest.raises(StudioError, match=told) as caught:
        ask(client)
    line = str(caught.value)
    assert line.startswith(f"{server.url}: ")
    assert "\n" not in line and "<html" not in line
    assert len(line) < 400


@pytest.mark.parametrize("call", GETS)
def test_a_server_that_fails_for_a_moment_is_asked_again(call: str, client: StudioClient, server: FakeServer) -> None:
    path, ask = GETS[call]
    server.fail("GET", path, status=503, body={"detail": "starting"})
    server.fail("GET", path, status=429, body={"detail": "slowly"})
    ask(client)
    assert server.count("GET", path) == 3


def test_a_broken_connection_is_asked_again_where_nothing_is_changed(client: StudioClient, server: FakeServer) -> None:
    server.fail("GET", "/api/tasks", times=2)
    assert list(client.tasks(1)) == []
    assert server.count("GET", "/api/tasks") == 3
    server.fail("GET", "/api/tasks", times=3)
    with pytest.raises(StudioError, match="Label Studio does not answer"):
        list(client.tasks(1))


@pytest.mark.parametrize(
    "how", [{}, {"is_done": True}, {"status": 503, "body": {"detail": "busy"}}], ids=["broken", "lost", "busy"]
)
@pytest.mark.parametrize("call", CHANGES)
def test_what_changes_something_is_sent_once_whatever_became_of_it(
    call: str, how: dict[str, Any], client: StudioClient, server: FakeServer
) -> None:
    client.create_project("there", description="", config="", instructions="")
    before = server.count("POST", "/projects/")
    method, path, ask = CHANGES[call]
    server.fail(method, path, **how)
    with pytest.raises(StudioError):
        ask(client)
    assert server.count(method, path) - (before if path == "/projects/" else 0) == 1


def test_a_value_may_be_set_twice_so_it_is_tried_again(client: StudioClient, server: FakeServer) -> None:
    made = client.create_project("t", description="", config="<View/>", instructions="")
    server.fail("PATCH", "/projects/", is_done=True)
    client.set_config(made.id, "<View></View>")
    assert server.count("PATCH", "/projects/") == 2
    assert server.studio.projects[0]["label_config"] == "<View></View>"
    server.studio.tasks.append({"id": 3, "project": 1, "data": {}})
    client.update_task(3, TaskData("f", "/data/x.png", 1, "1. unsure"))
    data = {"image": "/data/x.png", "frame_id": "f", "rank": 1, "reason": "1. unsure", "clip": ""}
    assert server.studio.tasks[0]["data"] == data


def test_a_slow_server_is_told(login: Login, server: FakeServer) -> None:
    server.fail("GET", "/version/", status=200, body={}, wait_s=0.5)
    with (
        StudioClient(login, timeout=0.1) as client,
        pytest.raises(StudioError, match="did not answer in time about its"),
    ):
        client.version()


def test_a_server_that_is_not_there_is_told() -> None:
    with StudioClient(Login("http://127.0.0.1:9", TOKEN)) as client:
        for ask in (client.version, lambda: list(client.tasks(1))):
            with pytest.raises(StudioError, match=r"Label Studio does not answer. Start it with `dmr studio start`"):
                ask()


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://ward.example", "http://[::1"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with (
        pytest.raises(StudioError, match=r"is not the address of a server. Begin it with http"),
        StudioClient(Login(url, TOKEN)) as client,
    ):
        client.version()


@pytest.mark.parametrize("token", ["", "two\nlines", "“quoted”", "tab\there"])
def test_a_token_that_can_be_none_is_refused_before_it_is_sent_and_not_shown(token: str, server: FakeServer) -> None:
    with pytest.raises(StudioError, match="the token is empty, or has characters that no token has") as caught:
        StudioClient(Login(server.url, token))
    assert not token or token not in str(caught.value)
    assert server.asked == []


@pytest.mark.parametrize("call", ["whoami", "tasks"])
def test_no_token_stands_in_an_error_nor_in_what_it_came_from(call: str, server: FakeServer) -> None:
    secret = "feedfacefeedfacefeedfacefeedfacefeedface"
    with (
        StudioClient(Login(server.url, secret)) as client,
        pytest.raises(StudioError, match="refuses the token") as caught,
    ):
        list(client.tasks(1)) if call == "tasks" else client.whoami()
    error: BaseException | None = caught.value
    while error is not None:
        assert secret not in str(error)
        error = error.__cause__ or error.__context__


def personal_token(lasts: timedelta) -> str:
    claims = {"token_type": "refresh", "exp": datetime.now(UTC) + lasts}
    return jwt.encode(claims, "a key that is long enough for its algorithm", algorithm="HS256")


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's
def test_a_personal_token_is_exchanged_once_and_serves_both_kinds_of_request(server: FakeServer) -> None:
    access = personal_token(timedelta(minutes=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fake_studio.TOKEN", access)
        with StudioClient(Login(server.url, personal_token(timedelta(days=1)))) as client:
            assert client.whoami() == (1, OWNER)
            assert list(client.tasks(1)) == []
    assert server.count("POST", "/token/refresh/") == 1


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's
@pytest.mark.parametrize("body", [PAGE, {"odd": 1}], ids=["page", "another object"])
def test_a_personal_token_that_cannot_be_exchanged_is_told(body: Any, server: FakeServer) -> None:
    server.fail("POST", "/token/refresh/", status=200, body=body)
    with StudioClient(Login(server.url, personal_token(timedelta(days=1)))) as client, pytest.raises(StudioError):
        client.whoami()


def test_a_personal_token_that_is_out_of_date_is_told(server: FakeServer) -> None:
    with pytest.raises(StudioError, match="refuses the token"):
        StudioClient(Login(server.url, personal_token(timedelta(days=-1))))


def test_what_is_not_there_is_none_and_other_refusals_are_told(client: StudioClient, server: FakeServer) -> None:
    assert client.project(5) is None
    assert client.task_of(5) is None
    assert client.find_project("mark") is None
    server.fail("GET", "/projects/5/", status=403, body={"detail": "no"})
    with pytest.raises(StudioError, match="may not see or change project 5"):
        client.project(5)


def test_a_project_is_found_on_any_page_and_the_first_one_counts(client: StudioClient) -> None:
    for number in range(5):
        description = "dmr:x" if number in (3, 4) else ""
        client.create_project(f"t{number}", description=description, config="<View/>", instructions="")
    found = client.find_project("dmr:x")
    assert found is not None
    assert (found.id, found.title, found.config) == (4, "t3", "<View/>")
    assert client.project(4) == found


def test_more_files_than_a_request_takes_are_sent_in_several_each_under_its_own_name(
    client: StudioClient, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmr.annotate.studio.server.client.UPLOADS", 2)
    files = {f"f{k}.png": bytes([k]) for k in range(5)}
    stored = dict(client.upload(1, files.items()))
    assert server.count("POST", "/import") == 3
    assert {name: server.studio.files[at.removeprefix("/data/")] for name, at in stored.items()} == files


def test_a_server_that_queues_tasks_instead_of_making_them_is_told(client: StudioClient, server: FakeServer) -> None:
    server.fail("POST", "/import$", status=201, body={"import": 7})
    with pytest.raises(
        StudioError, match=r"does not answer as Label Studio does, asked for 1 task: its task_ids is null"
    ):
        client.import_tasks(1, [{"data": {}}])
    server.fail("POST", "/import$", status=201, body={"task_ids": [1]})
    with pytest.raises(StudioError, match=r"asked for 2 tasks: it gave 1 numbers"):
        client.import_tasks(1, [{"data": {}}, {"data": {}}])


def test_a_picture_is_looked_for_where_the_server_keeps_it(client: StudioClient, server: FakeServer) -> None:
    assert client.image_type("/data/upload/1/x.png") == "image/png"
    assert client.image_type("/data/local-files/?d=x/y.png") is None
    assert client.image_type("https://elsewhere.example/x.png") is None
    server.fail("GET", "/data/upload/", times=3)
    with pytest.raises(StudioError, match="does not answer"):
        client.image_type("/data/upload/1/x.png")


def test_a_mistake_of_our_own_keeps_its_traceback(client: StudioClient) -> None:
    with pytest.raises(TypeError):
        client.import_tasks(1, None)  # type: ignore[arg-type]


def test_a_pause_lies_between_the_tries(
    client: StudioClient, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr("dmr.annotate.studio.server.raw_calls._PAUSE_S", 0.5)
    monkeypatch.setattr(time, "sleep", paused.append)
    server.fail("GET", "/api/tasks", times=2)
    list(client.tasks(1))
    assert [pause for pause in paused if pause] == [0.5, 1.0]


def test_a_connection_is_let_go_of(login: Login) -> None:
    with StudioClient(login) as client:
        http: httpx.Client = client._http
    assert http.is_closed
