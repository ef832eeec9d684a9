"""A session of `dmr open` for the tests of its worklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_round import add_reviewed_frames

from dmr.annotate.report import Report
from dmr.annotate.workspace import Session, Workspace


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Session]:
    """It writes in a new workspace with four frames that somebody looked at."""
    workspace, _ = Workspace.create(tmp_path / "ws")
    with workspace.session(write=True, report=Report("open")) as s:
        add_reviewed_frames(s)
        yield s
