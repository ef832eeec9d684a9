"""A department with a model, new scans, and a real Label Studio; every test has a project of its own in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from physician import Physician
from scans import write_scans

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.phantom.scanner import SIDE
from dmr.annotate.settings.template import SHAMROCK_CLASSES
from dmr.annotate.shapes import Shape
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.credentials import Login, find_login
from dmr.annotate.workspace import Workspace
from dmr.cli import main

VENV = Path(__file__).resolve().parents[1] / "build" / f"label-studio-{server.VERSION}"
TRAIN = ("--size", "s", "--input", "96", "--steps", "80", "--device", "cpu")
FRAMES = 18  # new ones
IDS = tuple(c.id for c in SHAMROCK_CLASSES)
PUSH = ("push", "--device", "cpu")


def dmr(*arguments: str, code: int = 0) -> Result:
    """Run a command as from a shell; a traceback fails the test, and a token in the output too."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    assert not re.search(r"\b[0-9a-f]{40}\b", result.output), "a token was printed"
    return result


def catalogue_hash() -> str:
    with Workspace.find().catalogue() as catalogue:
        return catalogue.catalogue_hash()


@dataclass(frozen=True)
class Loop:
    """A workspace whose frames are on a server."""

    workspace: Workspace
    login: Login

    def physician(self) -> Physician:
        with self.workspace.catalogue() as catalogue:
            queue = catalogue.queue("main")
        assert queue is not None
        return Physician(self.login, queue.project)

    def catalogue(self) -> Catalogue:
        return self.workspace.catalogue()

    def pixels(self, frame: str, author: str) -> NDArray[np.bool_]:
        """What an author drew on a frame, a layer a class."""
        with self.catalogue() as catalogue:
            head = catalogue.head(frame, author)
        assert head is not None
        return painted(head.record.annotation.shapes)


def painted(shapes: tuple[Shape, ...]) -> NDArray[np.bool_]:
    return shapes_to_layers(shapes, class_ids=IDS, height=SIDE, width=SIDE)


def said(shapes: tuple[Shape, ...]) -> set[tuple[object, ...]]:
    return {(s.class_id, s.points, s.hole) for s in shapes}


def waiting(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that nobody labelled or skipped."""
    return [t for t in tasks if not t["total_annotations"] and not t["cancelled_annotations"]]


@contextmanager
def running_studio(folder: Path, *, port: int) -> Iterator[pytest.MonkeyPatch]:
    """A server with a home of its own, on this port or the next free one; it ends with this, as do the patches.

    Tests run side by side, and a server takes a minute until it has its port: each worker has ports of its own.
    """
    port += 20 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMR_HOME", str(folder / "home"))
        # A gigabyte: kept between runs, and made by the same code as a user's.
        patch.setattr(server, "venv_folder", lambda: VENV)
        for name in ("DMR_STUDIO_TOKEN", "DMR_STUDIO_URL"):
            patch.delenv(name, raising=False)
        try:
            dmr("studio", "start", "--port", str(server._free_port(port)))
            yield patch
        finally:
            dmr("studio", "stop")


@contextmanager
def department(folder: Path) -> Iterator[Path]:
    """A workspace to copy, with a model and drafts that were not sent yet, and a running server; it ends with this."""
    with running_studio(folder, port=18080) as patch:
        write_scans(folder / "labelled", patients=range(9), labelled=True)
        write_scans(folder / "scans", patients=range(9, 12), labelled=False)
        dmr("init", str(folder / "ws"), "--coverage", "all")
        patch.chdir(folder / "ws")
        dmr("import", str(folder / "labelled"))
        dmr("train", *TRAIN)
        dmr("prelabel", str(folder / "scans"), "--device", "cpu", "--no-push")
        yield folder / "ws"


def own_copy(template: Path, folder: Path) -> Loop:
    """A workspace like another one, which the server does not know."""
    shutil.copytree(template, folder)
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as database, database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'workspace_id'", (uuid.uuid4().hex,))
    workspace = Workspace.at(folder)
    login = find_login(workspace.settings)
    assert login is not None
    return Loop(workspace, login)


def kill_server() -> None:
    local = server.local_server()
    assert local is not None
    os.kill(local.pid, signal.SIGKILL)
    while local.is_running:
        time.sleep(0.05)
