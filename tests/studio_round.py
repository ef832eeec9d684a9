"""Pushes and pulls of a small workspace, for tests with a small server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_server import FakeServer
from fake_studio import TOKEN
from physician import Physician

from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Frame, Shape
from dmr.annotate.studio.projects.queues import MAIN
from dmr.annotate.studio.pulling.pull import pull
from dmr.annotate.studio.pushing.outgoing import Outgoing
from dmr.annotate.studio.pushing.push import push
from dmr.annotate.studio.server import raw_calls
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.studio.server.raw_calls import RawCalls
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Session, Workspace

HEIGHT, WIDTH, FRAMES = 48, 64, 4
PSOAS, PLEXUS = 1, 6  # classes of a new workspace


def add_reviewed_frames(s: Session) -> None:
    """Four frames of two patients, which somebody looked at."""
    items = []
    for number in range(FRAMES):
        pixels = np.full((HEIGHT, WIDTH), 40 * number, dtype=np.uint8)
        items.append(NamedFrame(f"{1 + number // 2}_{number}", Frame(pixels, sha256_hex(encode_png(pixels)))))
    s.catalogue.mark_reviewed(frame.frame_id for frame in add_frames(s, items))


def make_template(folder: Path, *, add: Callable[[Session], object] = add_reviewed_frames) -> Path:
    """A home with a workspace's key, and the workspace with what `add` adds, to copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMR_HOME", str(folder / "home"))
        workspace, _ = Workspace.create(folder / "ws")
        with workspace.session(write=True) as session:
            add(session)
    return folder


def begin_anew(patch: pytest.MonkeyPatch, *, home: Path, certificate: Path) -> None:
    """No server was ever set up here, and nobody waits before a second try."""
    patch.setenv("DMR_HOME", str(home))
    for name in ("DMR_STUDIO_TOKEN", "DMR_STUDIO_URL"):
        patch.delenv(name, raising=False)
    patch.setenv("SSL_CERT_FILE", str(certificate))
    patch.setattr(raw_calls, "_PAUSE_S", 0.0)
    patch.setattr("label_studio_sdk.core.http_client.time", SimpleNamespace(sleep=lambda _: None))


@dataclass
class Round:
    """Pushes and pulls of one workspace, each with a report of its own."""

    s: Session
    client: StudioClient
    server: FakeServer

    @property
    def frames(self) -> list[FrameRecord]:
        return sorted(self.s.catalogue.frames(), key=lambda frame: frame.path)

    def draw(self, model: str = "v1", *, left: float = 8.0) -> None:
        """Let a model draw a psoas with a hole and a plexus on every frame."""
        if model not in {m.id for m in self.s.catalogue.models()}:
            self.s.catalogue.add_model(ModelRecord(id=model, sha256="0" * 64, class_ids=(PSOAS, PLEXUS)))
        shapes = (
            Shape(PSOAS, box(left, 8.0, 20.0), group=1),
            Shape(PSOAS, box(left + 6, 14.0, 4.0), group=1, hole=True),
            Shape(PLEXUS, box(40.0, 30.0, 1 / 3 + 9)),
        )
        self.s.catalogue.add_predictions(
            PredictionRecord(
                frame=f.frame_id, rendition=f.pixel_sha256, model=model, shapes=shapes, scores={"mean": 0.5}
            )
            for f in self.frames
        )

    def outgoing(self, model: str | None = "v1") -> list[Outgoing]:
        """Every frame, in order, with the model's draft."""
        drafts = self.s.catalogue.latest_predictions(model) if model else {}
        return [Outgoing(f, "border uncertain", drafts.get(f.frame_id)) for f in self.frames]

    def push(self, outgoing: list[Outgoing] | None = None, *, model: str | None = "v1") -> Report:
        outgoing = self.outgoing(model) if outgoing is None else outgoing
        self.s.report = Report("push")
        push(self.s, self.client, outgoing, queue=MAIN, model=model)
        return self.s.report

    def pull(self) -> Report:
        self.s.report = Report("pull")
        pull(self.s, self.client)
        return self.s.report

    def states(self) -> list[str]:
        """What the catalogue knows of each frame's task."""
        queue = self.s.catalogue.queue("main")
        assert queue is not None
        tasks = self.s.catalogue.queue_tasks(queue.id)
        return [tasks[f.frame_id].state if f.frame_id in tasks else "-" for f in self.frames]

    def physician(self) -> Physician:
        queue = self.s.catalogue.queue("main")
        assert queue is not None
        return Physician(Login(self.server.url, TOKEN), queue.project)


@contextmanager
def third_page_fails(round_: Round, **fault: Any) -> Iterator[None]:
    """Pages of one task each, taken one by one; the third is answered by a fault."""
    pages = RawCalls.json

    def answered(calls: RawCalls, method: str, path: str, **options: Any) -> Any:
        parameters = options.get("params") or {}
        if parameters.get("fields") == "all" and parameters["page"] == 3:
            round_.server.fail("GET", "/api/tasks", **fault)
        return pages(calls, method, path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dmr.annotate.studio.server.client._ANNOTATED_PAGE", 1)
        patch.setattr("dmr.annotate.studio.pulling.pull.BATCH", 1)
        patch.setattr(RawCalls, "json", answered)
        yield


def box(x: float, y: float, side: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
