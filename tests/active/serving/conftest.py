"""A workspace whose frames and drafts are in a small Label Studio, and `dmr serve` beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio
from physician import Physician
from served import Served, add_model, served
from studio_round import Round, add_reviewed_frames, begin_anew, make_template

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login, save_login
from dmr.annotate.workspace import Session, Workspace


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and a workspace with four reviewed frames of two patients and an active model, to copy."""

    def add(session: Session) -> None:
        add_reviewed_frames(session)
        add_model(session.workspace, session.catalogue, "v1", seed=1)

    return make_template(tmp_path_factory.mktemp("template"), add=add)


@pytest.fixture
def studio(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A small Label Studio."""
    begin_anew(monkeypatch, home=tmp_path / "home", certificate=certificate)
    with serve(FakeStudio()) as running:
        yield running


@pytest.fixture
def workspace(template: Path, tmp_path: Path, studio: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of the test's own, whose Label Studio is the small one; nothing was pushed yet."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    save_login(Login(studio.url, TOKEN))
    monkeypatch.chdir(tmp_path / "ws")
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def frames(workspace: Workspace) -> list[FrameRecord]:
    with workspace.catalogue() as catalogue:
        return sorted(catalogue.frames(), key=lambda frame: frame.path)


@pytest.fixture
def pushed(workspace: Workspace, studio: FakeServer) -> Workspace:
    """The frames are in Label Studio, with the drafts of v1."""
    with workspace.session(write=True) as s, StudioClient(Login(studio.url, TOKEN)) as client:
        round_ = Round(s, client, studio)
        round_.draw()
        round_.push()
    return workspace


@pytest.fixture
def physician(pushed: Workspace, studio: FakeServer) -> Iterator[Physician]:
    """Somebody who labels in the only project."""
    with Physician(Login(studio.url, TOKEN), 1) as made:
        yield made


@pytest.fixture
def server(workspace: Workspace) -> Iterator[Served]:
    """The server, before anything was pushed."""
    with served(workspace.root) as running:
        yield running
