"""Certificates are always checked, and nothing is sent on to another host."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fake_server import FakeServer, serve
from fake_studio import OWNER, TOKEN, FakeStudio

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.connection import connection
from dmr.annotate.studio.server.credentials import Login
from dmr.cli import main

TLS = Path(__file__).resolve().parents[2] / "data" / "tls"
Ask = Callable[[StudioClient], object]
ASKS: dict[str, tuple[str, Ask]] = {
    "SDK": ("/whoami", lambda c: c.whoami()),
    "raw": ("/api/tasks", lambda c: list(c.tasks(1))),
}


def asked(url: str, ask: Ask = ASKS["SDK"][1]) -> object:
    with StudioClient(Login(url, TOKEN)) as client:
        return ask(client)


@pytest.mark.parametrize("call", ASKS)
def test_a_certificate_that_signed_itself_is_told_with_what_to_do(call: str) -> None:
    with serve(FakeStudio(), certificate=TLS / "trusted.pem") as server:
        with pytest.raises(StudioError) as caught:
            asked(server.url, ASKS[call][1])
        assert server.asked == [], "no token was sent"
    line = str(caught.value)
    assert re.search(r"its certificate is not trusted \(self[- ]signed certificate\)\. Put the certificate", line), line
    assert line.endswith("into a PEM file and name it in SSL_CERT_FILE.")


def test_with_its_certificate_in_ssl_cert_file_it_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "trusted.pem"))
    with serve(FakeStudio(), certificate=TLS / "trusted.pem") as server:
        assert asked(server.url) == (1, OWNER)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("expired", "certificate has expired.*Check the date of this computer and of the server"),
        ("future", "certificate is not yet valid.*Check the date of this computer and of the server"),
        ("elsewhere", "mismatch.*Use the name that the certificate is for: dmr studio connect URL"),
    ],
)
def test_a_certificate_of_another_time_or_name_is_told(name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / f"{name}.pem"))
    with (
        serve(FakeStudio(), certificate=TLS / f"{name}.pem") as server,
        pytest.raises(StudioError, match=rf"its certificate is not trusted \(.*{told}"),
    ):
        asked(server.url)


def test_https_where_there_is_none_is_told(server: FakeServer) -> None:
    with pytest.raises(StudioError, match=r"does not speak TLS .*whether the address begins with http:// or https://"):
        asked(server.url.replace("http://", "https://"))


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "odd"])
def test_a_file_of_certificates_that_cannot_be_read_is_told(
    content: str | None, server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ward.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(StudioError, match=r"ward.pem' cannot be read. Name a PEM file in SSL_CERT_FILE, or unset it"):
        asked(server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", ASKS)
def test_nothing_is_sent_on_to_another_host(call: str, status: int, server: FakeServer) -> None:
    path, ask = ASKS[call]
    with serve(FakeStudio()) as other:
        server.fail("GET", path, status=status, body="", headers={"location": f"{other.url}/api/elsewhere"})
        with pytest.raises(StudioError) as caught:
            asked(server.url, ask)
        assert other.asked == []
    assert f"sends requests on to another server, {other.url}; nothing was sent there" in str(caught.value)
    assert "elsewhere" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_pictures_and_drafts_are_not_sent_on_either(status: int, server: FakeServer) -> None:
    with serve(FakeStudio()) as other:
        for path, ask in (
            ("/import$", lambda c: list(c.upload(1, [("f.png", b"x")]))),
            ("/import$", lambda c: c.import_tasks(1, [{"data": {}}])),
        ):
            server.fail("POST", path, status=status, body="", headers={"location": other.url + "/"})
            with pytest.raises(StudioError, match="sends requests on to another server"):
                asked(server.url, ask)
        assert other.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://me:secret@ward.example/",
        "//ward.example/",
        "ftp://ward.example/",
        "file:///etc/passwd",
        "https://ward.example:8443/",
    ],
)
def test_an_address_that_hides_its_host_or_its_scheme_is_refused_and_no_secret_of_it_is_shown(
    location: str, server: FakeServer
) -> None:
    server.fail("GET", "/whoami", status=302, body="", headers={"location": location})
    with pytest.raises(StudioError, match="sends requests on to another server") as caught:
        asked(server.url)
    assert "secret" not in str(caught.value) and "passwd" not in str(caught.value)


def test_a_redirect_on_the_same_server_is_followed_where_nothing_is_lost(server: FakeServer) -> None:
    server.fail("GET", "/whoami", status=301, body="", headers={"location": "/api/current-user/whoami"})
    assert asked(server.url) == (1, OWNER)
    server.fail("POST", "/import$", status=302, body="", headers={"location": "/api/projects/1/import"})
    with pytest.raises(StudioError, match=r"and what they hold would be lost on the way. Use that address"):
        asked(server.url, lambda c: c.import_tasks(1, [{"data": {}}]))
    server.fail("POST", "/import$", status=308, body="", headers={"location": "/api/projects/1/import"})
    assert asked(server.url, lambda c: c.import_tasks(1, [{"data": {}}])) == [1]


def test_redirects_without_end_are_told(server: FakeServer) -> None:
    server.fail("GET", "/whoami", status=302, body="", times=30, headers={"location": "/api/current-user/whoami"})
    with pytest.raises(StudioError, match="does not answer as Label Studio does"):
        asked(server.url)


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("https://ward.example/api/x", True),
        ("https://other.example/api/x", False),
        ("https://ward.example:8443/api/x", False),
        ("http://ward.example:81/api/x", False),
    ],
)
def test_of_one_host_only_the_step_up_to_https_is_followed(location: str, is_followed: bool) -> None:
    with connection("http://ward.example", timeout=1) as http:
        (check,) = http.event_hooks["response"]
        answer = httpx.Response(301, headers={"location": location}, request=http.build_request("GET", "/api/x"))
        if is_followed:
            check(answer)
        else:
            with pytest.raises(StudioError, match="another server"):
                check(answer)


def test_from_https_nothing_is_sent_down_to_http() -> None:
    with connection("https://ward.example", timeout=1) as http:
        (check,) = http.event_hooks["response"]
        answer = httpx.Response(
            301, headers={"location": "http://ward.example/"}, request=http.build_request("GET", "/")
        )
        with pytest.raises(StudioError, match=re.escape("another server, http://ward.example;")):
            check(answer)


def test_a_refused_redirect_is_one_line_of_a_command(server: FakeServer) -> None:
    server.fail("GET", "/whoami", status=302, body="", headers={"location": "https://login.example/?next=x"})
    result = CliRunner().invoke(main, ["studio", "connect", server.url], input=f"{TOKEN}\n")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1 and "dmr studio connect https://login.example." in result.output
    assert TOKEN not in result.output
