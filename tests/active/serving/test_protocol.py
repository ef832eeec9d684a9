"""The protocol of Label Studio's machine learning backends: secret, size, odd bodies, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_json import JSON, places, replaced
from served import SECRET, Served, served

from dmr.active.serving import app
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.studio.server.credentials import credentials_path, serve_secret

ROUTES = (("GET", "/health"), ("POST", "/setup"), ("POST", "/predict"), ("POST", "/webhook"), ("GET", "/else"))


def test_it_is_up_and_names_the_version_of_its_drafts(server: Served) -> None:
    assert server.http.get("/health").json() == {"status": "UP"}
    body = {"project": "1.1769846400", "schema": "<View/>", "hostname": "http://x", "access_token": "t0ken" * 8}
    assert server.http.post("/setup", json=body).json() == {"model_version": "v1-live"}
    assert not [line for line in server.lines if "t0ken" in line]
    kept = [p.read_bytes() for p in server.workspace.root.rglob("*") if p.is_file()]
    assert not [data for data in kept if b"t0ken" in data]


@pytest.mark.parametrize("shown", [None, ("dmr", ""), ("dmr", "wrong"), ("admin", SECRET)])
def test_without_the_secret_nothing_is_answered(shown: tuple[str, str] | None, server: Served) -> None:
    with httpx.Client(base_url=server.http.base_url, auth=shown) as stranger:
        for method, path in ROUTES:
            answer = stranger.request(method, path, json=None if method == "GET" else {"tasks": []})
            assert (answer.status_code, answer.json()) == (401, {"error": "wrong secret"})
    assert sum("without the right secret" in line for line in server.lines) == 1, "told once a minute"
    assert SECRET not in "".join(server.lines)


def test_a_secret_that_is_no_ascii_is_a_wrong_one(server: Served) -> None:
    answer = httpx.get(f"{server.http.base_url}/health", headers={b"Authorization": "Basic ü".encode("latin-1")})
    assert answer.status_code == 401


def test_a_large_body_is_refused_whether_it_says_its_size_or_not(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_BYTES", 1000)

    def in_parts() -> Iterator[bytes]:
        yield from (b" " * 600 for _ in range(2))

    for body in (b" " * 1001, in_parts()):
        assert server.http.post("/predict", content=body).status_code == 413
    assert server.http.post("/predict", content=b'{"tasks": []}').json() == {"results": []}


def test_too_many_tasks_are_refused(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "MOST_TASKS", 2)
    assert server.http.post("/predict", json=server.request(["x"] * 3)).status_code == 413
    assert len(server.ask(["x"] * 2)) == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "no list"),
    ],
    ids=["cut", "no text", "deep", "a list", "without tasks"],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(body: bytes, told: str, server: Served) -> None:
    answer = server.http.post("/predict", content=body)
    assert answer.status_code == 400 and told in answer.json()["error"]


def test_what_is_not_there_is_told_as_json(server: Served) -> None:
    assert server.http.get("/else").status_code == 404
    assert server.http.get("/predict").status_code in (404, 405)
    assert server.http.get("/else").json() == {"error": "there is no such page"}


def test_frames_that_nobody_knows_get_an_empty_result(server: Served) -> None:
    (first, second) = server.ask(["f" + "0" * 20, ""])
    assert first == second == {"model_version": "v1-live", "score": 1.0, "result": []}


def test_random_json_never_raises(server: Served, frames: list[FrameRecord]) -> None:
    whole = server.request([frames[0].frame_id, "f" + "0" * 20])

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(path=st.sampled_from(list(places(whole))), odd=JSON, route=st.sampled_from(["predict", "setup", "webhook"]))
    def holds(path: tuple[Any, ...], odd: Any, route: str) -> None:
        body = json.dumps(replaced(whole, path, odd))
        answer = server.http.post(f"/{route}", content=body.encode())
        assert answer.status_code in (200, 400), answer.text
        if route == "predict" and answer.status_code == 200:
            assert len(answer.json()["results"]) == len(json.loads(body)["tasks"])

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(JSON)
    def holds_for_anything(odd: Any) -> None:
        for route in ("predict", "setup", "webhook"):
            assert server.http.post(f"/{route}", content=json.dumps(odd).encode()).status_code in (200, 400)

    holds()
    holds_for_anything()
    assert not [line for line in server.lines if "bug" in line]


def test_the_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_HOME", str(tmp_path))
    monkeypatch.setattr("dmr.annotate.studio.server.credentials.uses_keyring", lambda: False)
    first = serve_secret("a")
    assert len(first) > 30 and serve_secret("a") == first != serve_secret("b")
    if not credentials_path().drive:
        assert credentials_path().stat().st_mode & 0o777 == 0o600


def test_a_workspace_that_is_gone_is_told_and_answers_nothing_now(server: Served) -> None:
    settings_file = server.workspace.root / "dmr.toml"
    text = settings_file.read_text(encoding="utf-8")
    settings_file.write_text("format = 99", encoding="utf-8")
    assert server.ask(["x"]) == [[]]
    assert server.http.post("/setup", json={}).status_code == 503
    settings_file.write_text(text, encoding="utf-8")
    assert server.ask(["x"])[0]["result"] == []
    assert [line for line in server.lines if "Error: dmr.toml: format is 99" in line]


def test_it_stops_when_it_is_told_to(server: Served, tmp_path: Path) -> None:
    with served(server.workspace.root) as other:
        assert other.http.get("/health").status_code == 200
        address = other.http.base_url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health", auth=("dmr", SECRET))
