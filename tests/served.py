"""`dmr serve` beside a small Label Studio, in this process: a workspace with a model, and requests as the server's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import torch

from dmr.active.serving.app import Serving
from dmr.active.serving.drafting import Drafter
from dmr.active.serving.log import Write
from dmr.active.serving.outlining import Outliner
from dmr.active.serving.retraining import Retraining
from dmr.active.serving.run import listening, make_server
from dmr.active.serving.turns import EVERY_S, Turns
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import ModelRecord
from dmr.annotate.studio.interface.config import label_config
from dmr.annotate.studio.projects.backend import Backend, authorization
from dmr.annotate.workspace import Workspace
from dmr.model.network.card import Card
from dmr.model.network.checkpoint import save_model, weights_bytes
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.refine.learning import RefineSettings
from dmr.model.refine.network import RefineNet
from dmr.model.refine.saved import save_refiner

SECRET: Final = "a-secret-of-a-test"
PATIENCE_S: Final = 60.0


def add_model(
    workspace: Workspace, catalogue: Catalogue, version: str, *, seed: int, dataset: Sequence[str] = ()
) -> None:
    """An untrained model, whose drafts are different for each seed; it becomes the active one."""
    torch.manual_seed(seed)
    weights = weights_bytes(DMRNet(2, size=SIZES["s"]).state_dict())
    details: dict[str, Any] = {"trained_at": "2026-01-31T08:00:00Z", "steps": 5, "minutes": 0.1}
    card = Card(version, "s", 64, ("psoas_major", "lumbar_plexus"), (1, 6), sha256(weights).hexdigest(), details)
    save_model(workspace.models_folder / version, weights, card)
    of = catalogue.add_dataset(dataset)
    catalogue.add_model(ModelRecord(id=version, sha256=card.weights_sha256, class_ids=(1, 6), dataset=of))
    catalogue.activate(version, reason="a test")


def add_refiner(workspace: Workspace, *, seed: int = 1) -> None:
    """An untrained network that answers boxes and clicks, where a trained one would be."""
    torch.manual_seed(seed)
    network = RefineNet(2, width=4)
    torch.nn.init.normal_(network.head.weight)
    classes, settings = {"psoas_major": 1, "lumbar_plexus": 6}, RefineSettings(size=32, width=4, steps=1)
    save_refiner(workspace.models_folder, network, classes=classes, settings=settings, dataset=None, told={})


@dataclass
class Served:
    """A running server, and what it said."""

    http: httpx.Client
    workspace: Workspace
    turns: Turns
    retraining: Retraining
    drafter: Drafter
    lines: list[str] = field(default_factory=list)

    def ask(self, frames: Sequence[str], *, project: int = 1) -> list[Any]:
        """The answers to tasks of these frames, asked for as Label Studio does."""
        answer = self.http.post("/predict", json=self.request(frames, project=project))
        assert answer.status_code == 200, answer.text
        results: list[Any] = answer.json()["results"]
        assert len(results) == len(frames)
        return results

    def request(self, frames: Sequence[str], *, project: int = 1) -> dict[str, Any]:
        """The body of such a request."""
        tasks = [
            {"id": k, "project": project, "data": {"frame_id": frame, "image": "/data/x.png", "rank": k}}
            for k, frame in enumerate(frames, 1)
        ]
        config = label_config(self.workspace.settings.classes)
        params = {"login": None, "password": None, "context": None}
        return {"tasks": tasks, "project": f"{project}.1769846400", "label_config": config, "params": params}

    def wait_for(self, what: Callable[[], object]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)

    def wait_for_line(self, words: str, *, times: int = 1) -> None:
        """Wait until the log says something."""
        self.wait_for(lambda: sum(words in line for line in self.lines) >= times)


@contextmanager
def served(
    root: Path,
    *,
    command: Sequence[str] | None = None,
    backend: Backend | None = None,
    connect: bool = False,
    every_s: float = EVERY_S,
    clock: Callable[[], float] = time.monotonic,
    on_lines: list[str] | None = None,
) -> Iterator[Served]:
    """Run the server for a workspace; it ends with this.

    Args:
        root: The workspace's folder.
        command: What runs instead of `dmr retrain`.
        backend: The address at which projects are set up.
        connect: Set projects up at the server's own address.
        every_s: Seconds between the turns.
        clock: Says when a turn is due.
        on_lines: Gets what the log says.
    """
    lines: list[str] = [] if on_lines is None else on_lines
    log: Write = lines.append
    retraining = Retraining(root, device="cpu", log=log, command=command)
    drafter = Drafter(root, device="cpu", is_own_work=lambda: retraining.is_running)
    outliner = Outliner(root, device="cpu", log=log)
    with listening("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{port_of(listener)}"
        backend = Backend(address, SECRET) if connect else backend
        turns = Turns(
            root, drafter=drafter, retraining=retraining, log=log, backend=backend, every_s=every_s, clock=clock
        )
        server = make_server(Serving(drafter, outliner, turns, log, authorization(SECRET)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=address, auth=("dmr", SECRET), timeout=60) as http:
                yield Served(http, Workspace.at(root), turns, retraining, drafter, lines)
        finally:
            server.should_exit = True
            thread.join()


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
