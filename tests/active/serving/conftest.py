"""A workspace whose frames and drafts are in a small Label Studio, and `dmr serve` beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio
from physician import Physician
from served import Served, add_model, served
from studio_round import Round, add_reviewed_frames

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.studio import raw_calls
from dmr.annotate.studio.client import StudioClient
from dmr.annotate.studio.credentials import Login, save_login
from dmr.annotate.workspace import Workspace


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One certificate: httpx reads all of them for every client, which takes longer than most tests."""
    every = Path(certifi.where()).read_text(encoding="utf-8")
    first = every[every.index("-----BEGIN") :].partition("-----END CERTIFICATE-----")
    path = tmp_path_factory.mktemp("certificate") / "one.pem"
    path.write_text(first[0] + first[1] + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and a workspace with four reviewed frames of two patients and an active model, to copy."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMR_HOME", str(folder / "home"))
        workspace, _ = Workspace.create(folder / "ws")
        with workspace.session(write=True) as session:
            add_reviewed_frames(session)
            add_model(workspace, session.catalogue, "v1", seed=1)
    return folder


@pytest.fixture
def studio(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A small Label Studio."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(raw_calls, "_PAUSE_S", 0.0)
    monkeypatch.setattr("label_studio_sdk.core.http_client.time", SimpleNamespace(sleep=lambda _: None))
    with serve(FakeStudio()) as running:
        yield running


@pytest.fixture
def workspace(template: Path, tmp_path: Path, studio: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of the test's own, whose Label Studio is the small one; nothing was pushed yet."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    for name in ("DMR_STUDIO_TOKEN", "DMR_STUDIO_URL"):
        monkeypatch.delenv(name, raising=False)
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
