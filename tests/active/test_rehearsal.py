"""`dmr push --dry-run` says what `dmr push` does, and changes nothing, neither in the workspace nor on the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio
from physician import Physician, tick
from ranked_workspace import add_noise_frames, make_workspace, predict

from dmr.active.rehearsal import DONE
from dmr.annotate.catalogue import tables as t
from dmr.annotate.studio.server import raw_calls
from dmr.annotate.studio.server.credentials import Login, save_login
from dmr.annotate.workspace import Workspace
from dmr.cli import main

CHANGES = ("POST", "PATCH", "PUT", "DELETE")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A small Label Studio, and a home that knows it."""
    every = Path(certifi.where()).read_text(encoding="utf-8")
    first = every[every.index("-----BEGIN") :].partition("-----END CERTIFICATE-----")
    (tmp_path / "one.pem").write_text(first[0] + first[1] + "\n", encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "one.pem"))
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    for name in ("DMR_STUDIO_TOKEN", "DMR_STUDIO_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(raw_calls, "_PAUSE_S", 0.0)
    monkeypatch.setattr("label_studio_sdk.core.http_client.time", SimpleNamespace(sleep=lambda _: None))
    with serve(FakeStudio()) as running:
        save_login(Login(running.url, TOKEN))
        yield running


@pytest.fixture
def workspace(tmp_path: Path, studio: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Four patients with six frames each, drafted by a model."""
    made = make_workspace(tmp_path / "w")
    monkeypatch.chdir(made.root)
    with made.session(write=True, device="cpu") as s:
        predict(s, add_noise_frames(s, patients=4, frames=6))
    return made


def pushed(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["push", "--device", "cpu", "--json", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def everything(workspace: Workspace) -> dict[str, bytes]:
    """Every file of the workspace with its content."""
    files = {p.relative_to(workspace.root).as_posix(): p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()}
    return {name: data for name, data in files.items() if not name.endswith(("-shm", ".lock"))}


def rehearsed(workspace: Workspace, studio: FakeServer, *options: str) -> dict[str, Any]:
    """What a dry run says; it has changed nothing."""
    before, held = everything(workspace), json.dumps([vars(studio.studio)], default=str)
    studio.asked.clear()
    told = pushed("--dry-run", *options)
    assert [asked for asked in studio.asked if asked.startswith(CHANGES)] == []
    assert any(asked.startswith("GET") for asked in studio.asked)
    assert json.dumps([vars(studio.studio)], default=str) == held
    assert everything(workspace) == before
    assert told["words"][-1] == DONE
    return told


def physician(studio: FakeServer) -> Physician:
    return Physician(Login(studio.url, TOKEN), 1)


def test_before_the_first_push_it_names_the_project_and_counts_as_the_push_does(
    workspace: Workspace, studio: FakeServer
) -> None:
    told = rehearsed(workspace, studio)
    assert "New project: 'w: main'." in told["words"]
    assert told["counts"]["tasks added"] == 24
    done = pushed()
    assert told["counts"] == done["counts"]
    assert told["ranking"] == done["ranking"]


def test_what_was_submitted_since_is_counted_and_leaves_the_ranking(workspace: Workspace, studio: FakeServer) -> None:
    pushed()
    with physician(studio) as somebody:
        one, two, three, *_ = somebody.tasks()
        somebody.submit(one, somebody.draft_of(one))
        somebody.submit(two, [tick()])
        somebody.submit(three, [])
    told = rehearsed(workspace, studio)
    assert told["counts"]["revisions added"] == 2
    assert sum(map(len, told["oddities"].values())) == 1, "what is held"
    done = pushed()
    assert (told["counts"], told["ranking"]) == (done["counts"], done["ranking"])


def test_new_drafts_a_new_order_and_new_frames_are_told_apart(workspace: Workspace, studio: FakeServer) -> None:
    pushed()
    assert rehearsed(workspace, studio)["dry_run_changes"] == {"new drafts": 0, "other places": 0}
    with workspace.session(write=True, device="cpu") as s:
        frames, blind = s.catalogue.frames(), s.catalogue.blind_audits()
        predict(s, [*frames, *add_noise_frames(s, patients=1, frames=3, first=9, seed=4)], model="v2", seed=5)
    told = rehearsed(workspace, studio)
    assert told["counts"]["tasks added"] == 3
    drawn = told["counts"]["drafts replaced"]
    assert drawn == told["dry_run_changes"]["new drafts"] == 24 - len(blind), "the blind part of the audit has none"
    assert told["dry_run_changes"]["other places"] > 0
    done = pushed()
    assert (told["counts"], told["ranking"]) == (done["counts"], done["ranking"])


def test_edits_are_taken_into_account_and_stay_as_they_are(workspace: Workspace, studio: FakeServer) -> None:
    pushed()
    sheet = sorted(workspace.annotations_folder.glob("*.json"))[0]
    file = json.loads(sheet.read_text(encoding="utf-8"))
    file["flags"]["reviewed"] = True
    sheet.write_text(json.dumps(file), encoding="utf-8")
    told = rehearsed(workspace, studio)
    assert told["counts"]["edits taken up"] == 1
    assert pushed()["counts"] == told["counts"]


def test_frames_that_nobody_has_looked_at_stay_so(workspace: Workspace, studio: FakeServer) -> None:
    with workspace.session(write=True) as s, s.catalogue.transaction() as connection:
        connection.execute(sa.update(t.rendition).values(reviewed_at=None, state="quarantined"))
    refused = CliRunner().invoke(main, ["push", "--device", "cpu", "--dry-run"])
    assert refused.exit_code == 2 and "nobody has looked at them yet" in refused.output
    assert rehearsed(workspace, studio, "--pixels-reviewed", "--top", "5")["counts"]["tasks added"] == 5
    with workspace.catalogue() as catalogue:
        assert not any(frame.reviewed_at for frame in catalogue.frames())
    assert studio.studio.projects == []
