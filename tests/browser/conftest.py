"""A real Label Studio, a real browser, and a workspace whose frames are in the one and shown by the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_page import running_browser
from browser_ward import FRAMES, Ward, make_ward
from playwright.sync_api import Browser
from studio_loop import PUSH, dmr, own_copy, running_studio


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; it comes before the server, which takes minutes to start."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def template(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace to copy, beside a running server."""
    folder = tmp_path_factory.mktemp("browser")
    with running_studio(folder, port=18080):
        make_ward(folder)
        yield folder


@pytest.fixture
def ward(template: Path, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    """Frames and drafts in a project of this test's own."""
    loop = own_copy(template / "ws", tmp_path / "ws")
    monkeypatch.chdir(loop.workspace.root)
    assert f"{FRAMES} tasks added" in dmr(*PUSH, "--pixels-reviewed").output
    return Ward(loop.workspace, loop.login, chromium, template / "scans")
