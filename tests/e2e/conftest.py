"""Workspaces beside a real Label Studio, for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_loop import FRAMES, PUSH, Loop, department, dmr, own_copy


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a model and drafts, and a running server."""
    with department(tmp_path_factory.mktemp("studio")) as workspace:
        yield workspace


@pytest.fixture
def fresh(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Nothing was sent yet, and nobody looked at the frames."""
    dmr("studio", "start")  # a test before may have ended it
    loop = own_copy(template, tmp_path / "ws")
    monkeypatch.chdir(loop.workspace.root)
    return loop


@pytest.fixture
def loop(fresh: Loop) -> Loop:
    """The frames and their drafts are in Label Studio, in a project of this test's own."""
    assert f"{FRAMES} tasks added" in dmr(*PUSH, "--pixels-reviewed").output
    return fresh
