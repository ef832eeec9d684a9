"""`dmr serve` is set up in a project: once, with the secret, and corrected where something has changed."""

from __future__ import annotations

from typing import Any

import pytest
from fake_server import FakeServer

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.projects.backend import ACTIONS, TITLE, Backend, authorization, connect_backend
from dmr.annotate.studio.server.client import StudioClient

HERE = Backend("http://127.0.0.1:9090", "a-secret")


@pytest.fixture
def project(client: StudioClient) -> int:
    return client.create_project("p", description="", config="<View/>", instructions="").id


def posted(server: FakeServer) -> list[str]:
    return [asked for asked in server.asked if not asked.startswith("GET")]


def test_it_is_set_up_once_the_webhook_first(client: StudioClient, server: FakeServer, project: int) -> None:
    server.asked.clear()
    assert connect_backend(client, project, HERE)
    # Label Studio makes a webhook of its own, without the secret, for a backend that has none.
    assert posted(server) == ["POST /api/webhooks/", "POST /api/ml/"]
    (hook,), (backend,) = server.studio.webhooks, server.studio.backends
    assert hook["url"] == "http://127.0.0.1:9090/webhook"
    assert (hook["send_payload"], hook["send_for_all_actions"], set(hook["actions"])) == (False, False, set(ACTIONS))
    assert hook["headers"] == {"Authorization": authorization("a-secret")}
    assert (backend["title"], backend["auth_method"], backend["basic_auth_pass"]) == (TITLE, "BASIC_AUTH", "a-secret")
    server.asked.clear()
    assert not connect_backend(client, project, HERE)
    assert posted(server) == []


def test_another_address_replaces_the_one_before(client: StudioClient, server: FakeServer, project: int) -> None:
    connect_backend(client, project, HERE)
    server.studio.webhooks.append({"id": 9, "project": project, "url": "http://elsewhere/webhook", "headers": {}})
    assert connect_backend(client, project, Backend("http://127.0.0.1:9191", "a-secret"))
    assert [w["url"] for w in server.studio.webhooks] == ["http://elsewhere/webhook", "http://127.0.0.1:9191/webhook"]
    assert [b["url"] for b in server.studio.backends] == ["http://127.0.0.1:9191"]


@pytest.mark.parametrize(
    "change", [{"send_payload": True}, {"headers": {}}, {"actions": []}, {"is_active": False}], ids=str
)
def test_what_somebody_changed_in_the_webhook_is_put_right(
    change: dict[str, Any], client: StudioClient, server: FakeServer, project: int
) -> None:
    connect_backend(client, project, HERE)
    before = dict(server.studio.webhooks[0])
    server.studio.webhooks[0].update(change)
    assert connect_backend(client, project, HERE)
    assert server.studio.webhooks == [before]


def test_a_backend_that_lost_its_password_gets_it_again(client: StudioClient, server: FakeServer, project: int) -> None:
    connect_backend(client, project, HERE)
    server.studio.backends[0].update(state="DI", basic_auth_pass="")
    assert connect_backend(client, project, HERE)
    assert server.studio.backends[0]["basic_auth_pass"] == "a-secret"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/api/webhooks/", 403, "may not call http://127.0.0.1:9090, an address of this computer"),
        ("/api/ml/", 400, "does not accept http://127.0.0.1:9090 as the address of dmr serve"),
        ("/api/ml/", 500, "refuses api/ml/"),
    ],
)
def test_a_refusal_says_what_to_do(
    path: str, status: int, told: str, client: StudioClient, server: FakeServer, project: int
) -> None:
    server.fail("POST", path, status=status, body={"detail": "no"})
    with pytest.raises(StudioError, match=told) as raised:
        connect_backend(client, project, HERE)
    assert "a-secret" not in str(raised.value)


def test_a_backend_that_label_studio_does_not_reach_is_told(
    client: StudioClient, server: FakeServer, project: int
) -> None:
    server.fail("POST", "/api/ml/", status=201, body={"id": 1, "state": "DI"})
    with pytest.raises(StudioError, match="Label Studio does not reach it"):
        connect_backend(client, project, HERE)


def test_a_secret_is_not_shown_when_a_backend_is_printed() -> None:
    assert "a-secret" not in repr(HERE)
