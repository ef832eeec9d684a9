"""A workspace with reviewed frames and drafts, and a small server that answers as Label Studio does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio
from physician import Physician
from reading_queues import project_of
from studio_round import Round, begin_anew, make_template

from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.workspace import Session, Workspace


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_anew(monkeypatch, home=tmp_path / "home", certificate=certificate)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serve(FakeStudio()) as running:
        yield running


@pytest.fixture
def login(server: FakeServer) -> Login:
    return Login(server.url, TOKEN)


@pytest.fixture
def client(login: Login) -> Iterator[StudioClient]:
    with StudioClient(login) as made:
        yield made


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a workspace's key, and the workspace with its frames, to copy."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def s(template: Path, tmp_path: Path) -> Iterator[Session]:
    """A session that writes, with four frames of two patients, reviewed, and no model."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    with Workspace.at(tmp_path / "ws").session(write=True) as session:
        yield session


@pytest.fixture
def round_(s: Session, client: StudioClient, server: FakeServer) -> Round:
    """Four frames with drafts of a model v1, not pushed yet."""
    made = Round(s, client, server)
    made.draw()
    return made


@pytest.fixture
def physician(round_: Round) -> Iterator[Physician]:
    """The frames are pushed, and somebody labels them."""
    round_.push()
    with round_.physician() as made:
        yield made


@pytest.fixture
def reader(round_: Round) -> Iterator[Callable[..., Physician]]:
    """Makes somebody at a queue's project; without an address, the server's owner."""
    made: list[Physician] = []

    def at(queue: str, mail: str | None = None) -> Physician:
        made.append(Physician(Login(round_.server.url, TOKEN), project_of(round_, queue)["id"]))
        return made[-1] if mail is None else made[-1].colleague(mail)

    yield at
    for one in made:
        one.http.close()
