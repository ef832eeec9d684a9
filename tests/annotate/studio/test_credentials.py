"""Tokens lie where only their owner reads them, and nowhere else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dmr.annotate.errors import StudioError
from dmr.annotate.settings.model import Settings, default_toml, parse_settings
from dmr.annotate.studio.server import credentials
from dmr.annotate.studio.server.credentials import (
    Login,
    browser_login,
    credentials_path,
    find_login,
    need_login,
    save_login,
)

HERE, THERE = "http://127.0.0.1:8080", "https://studio.ward.example/ls"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_HOME", str(tmp_path))
    for name in ("DMR_STUDIO_TOKEN", "DMR_STUDIO_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A system with a keyring, as Windows and macOS are."""
    kept: dict[tuple[str, str], str] = {}
    module = SimpleNamespace(
        set_password=lambda service, name, secret: kept.__setitem__((service, name), secret),
        get_password=lambda service, name: kept.get((service, name)),
    )
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setattr(credentials, "uses_keyring", lambda: True)
    return kept


def settings(url: str | None = None) -> Settings:
    return parse_settings(default_toml() + (f'[studio]\nurl = "{url}"\n' if url else ""))


def test_without_a_server_there_is_no_login_and_a_command_says_what_to_do() -> None:
    assert find_login(settings()) is None
    with pytest.raises(StudioError, match=r"none is set up\. Start a local one with dmr studio start, or use yours"):
        need_login(settings())


def test_the_server_set_up_last_is_used_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    save_login(Login(THERE, "token-there"))
    save_login(Login(HERE, "token-here"), password="pass", user="dmr@localhost.local")
    assert find_login(settings()) == Login(HERE, "token-here")
    assert find_login(settings(f"{THERE}/")) == Login(THERE, "token-there")
    monkeypatch.setenv("DMR_STUDIO_URL", THERE)
    assert find_login(settings(HERE)) == Login(THERE, "token-there")
    monkeypatch.setenv("DMR_STUDIO_TOKEN", "token-of-the-night")
    assert need_login(settings()) == Login(THERE, "token-of-the-night")
    assert browser_login(HERE) == ("dmr@localhost.local", "pass")
    assert browser_login(THERE) is None


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_file_is_its_owners_alone_and_a_login_does_not_show_its_token() -> None:
    login = Login(HERE, "token-here")
    save_login(login)
    assert credentials_path().stat().st_mode & 0o777 == 0o600
    assert "token-here" in credentials_path().read_text(encoding="utf-8")
    assert "token-here" not in repr(login)


def test_where_there_is_a_keyring_no_secret_is_in_the_file(keyring: dict[tuple[str, str], str]) -> None:
    save_login(Login(HERE, "token-here"), password="secret-word", user="dmr@localhost.local")
    text = credentials_path().read_text(encoding="utf-8")
    assert "token-here" not in text
    assert "secret-word" not in text
    assert set(keyring.values()) == {"token-here", "secret-word"}
    assert find_login(settings()) == Login(HERE, "token-here")
    assert browser_login(HERE) == ("dmr@localhost.local", "secret-word")


def test_an_address_without_a_token_is_told() -> None:
    with pytest.raises(StudioError, match=f"{HERE}: there is no token .* dmr studio connect {HERE}"):
        find_login(settings(HERE))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"default": "x", "servers": 3}', "\xff"])
def test_a_damaged_file_is_told_in_one_line(content: str) -> None:
    credentials_path().parent.mkdir(parents=True)
    credentials_path().write_text(content, encoding="latin-1")
    with pytest.raises(StudioError, match="cannot be read"):
        find_login(settings())
