"""Push and pull of 500 and of 10,000 tasks with a real Label Studio, and one task after the other for comparison.

It starts its own server in a temporary folder, and ends it. The frames are synthetic noise. A draft has four outlines
of 17 points, like drafts on real frames. And open frames while `dmr serve` runs: see `studio_live.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from record import record
from studio_live import CLICKED, live_rows

from dmr.annotate.catalogue.records import ModelRecord, PredictionRecord
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Frame, Shape
from dmr.annotate.studio.projects.payload import region_to_json
from dmr.annotate.studio.projects.queues import MAIN, draft_regions, open_queue
from dmr.annotate.studio.pulling.pull import pull
from dmr.annotate.studio.pushing.outgoing import Outgoing, result_json
from dmr.annotate.studio.pushing.push import push
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import need_login
from dmr.annotate.system.pipeline import batched
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Session, Workspace

HEIGHT, WIDTH, POINTS = 192, 240, 17
NEW, SAME, ORDER = "push, all new", "push, nothing new", "push, another order"
PULLED, PULLED_AGAIN = "pull, all submitted", "pull, nothing new"
VENV = Path(__file__).resolve().parents[1] / "build" / f"label-studio-{server.VERSION}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--singly", type=int, default=40, help="tasks that are sent one by one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, local_studio(Path(folder)):
        rows = [row for size in (args.few, args.frames) for row in queue_rows(Path(folder) / f"{size}", size)]
        single = single_row(Path(folder) / "single", args.singly)
        live = live_rows(Path(folder) / "live")
    for row in (*rows, single):
        row["ms_a_task"] = round(1000 * row["seconds"] / row["tasks"], 3)
    for row in (*rows, single, *live):
        print(row, flush=True)
    large = {row["what"]: row for row in rows if row["tasks"] == args.frames}
    headline = {
        "bulk_ratio": round(single["ms_a_task"] / large[NEW]["ms_a_task"], 1),
        "push_10k_s": round(large[NEW]["ms_a_task"] * 10, 1),
        "rerank_10k_s": round(large[ORDER]["ms_a_task"] * 10, 1),
        "pull_10k_s": round(large[PULLED]["ms_a_task"] * 10, 1),
        "live_predict_s": live[0]["worst_s"],
        "refine_click_s": next(row["worst_s"] for row in live if row["what"] == CLICKED),
    }
    print(headline)
    print(record("studio", headline=headline, rows=[*rows, single, *live]))


@contextmanager
def local_studio(folder: Path) -> Iterator[None]:
    os.environ["DMR_HOME"] = str(folder / "home")
    server.venv_folder = lambda: VENV
    server.start(port=18180, tell=lambda *told: print(*told, flush=True))
    try:
        yield
    finally:
        server.stop()


def make_frames(s: Session, count: int) -> list[Outgoing]:
    rng = np.random.default_rng(0)
    s.catalogue.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=(1,)))
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    outgoing = []
    for numbers in batched(range(count), 500):
        items = []
        for n in numbers:
            pixels = rng.integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)
            items.append(NamedFrame(f"{n}", Frame(pixels, sha256_hex(encode_png(pixels)))))
        frames = add_frames(s, items)
        for frame in frames:
            x, y = rng.uniform(60, 180), rng.uniform(60, 130)
            ring = tuple((float(x + 30 * np.cos(a)), float(y + 20 * np.sin(a))) for a in angle)
            shapes = tuple(Shape(k, ring) for k in (1, 2, 3, 4))
            draft = PredictionRecord(
                frame=frame.frame_id, rendition=frame.pixel_sha256, model="v1", shapes=shapes, scores={}
            )
            outgoing.append(Outgoing(frame, "the border of the psoas major is uncertain", draft))
    s.catalogue.add_predictions(o.draft for o in outgoing if o.draft is not None)
    s.catalogue.mark_reviewed(o.frame.frame_id for o in outgoing)
    known = {f.frame_id: f for f in s.catalogue.frames()}
    return [Outgoing(known[o.frame.frame_id], o.reason, o.draft) for o in outgoing]


def queue_rows(root: Path, count: int) -> list[dict[str, Any]]:
    """A project of so many tasks: pushed, pushed again, put in another order, submitted, pulled."""
    workspace, _ = Workspace.create(root)
    with workspace.session(write=True) as s:
        outgoing = make_frames(s, count)
        with StudioClient(need_login(workspace.settings)) as client:
            rows = [
                timed(what, lambda o=o: push(s, client, o, queue=MAIN, model="v1"), count)
                for what, o in ((NEW, outgoing), (SAME, outgoing), (ORDER, outgoing[::-1]))
            ]
            submit_all(s, client, outgoing)
            return [*rows, *(timed(what, lambda: pull(s, client), count) for what in (PULLED, PULLED_AGAIN))]


def submit_all(s: Session, client: StudioClient, outgoing: list[Outgoing]) -> None:
    """An annotation for every frame, on tasks that Label Studio takes with their annotations: they need no browser."""
    opened = open_queue(s, client, MAIN, create=False)
    assert opened is not None
    for batch in batched(outgoing, 500):
        tasks = [
            {
                "data": {"image": "", "frame_id": o.frame.frame_id},
                "annotations": [
                    {"result": result_json(o, interface=opened.interface, classes=s.settings.classes), "lead_time": 20}
                ],
            }
            for o in batch
        ]
        client.import_tasks(opened.project.id, tasks)


def single_row(root: Path, count: int) -> dict[str, Any]:
    """So many tasks, sent one after the other."""
    workspace, _ = Workspace.create(root)
    with workspace.session(write=True) as s:
        outgoing = make_frames(s, count)
        with StudioClient(need_login(workspace.settings)) as client:
            seconds = push_singly(s, client, outgoing)
    return {"what": "one by one", "tasks": count, "seconds": round(seconds, 2)}


def push_singly(s: Session, client: StudioClient, outgoing: list[Outgoing]) -> float:
    """Seconds for these tasks with their predictions, with the SDK's calls for single ones, in another project."""
    push(s, client, [], queue=MAIN, model="v1")
    opened = open_queue(s, client, MAIN, create=False)
    assert opened is not None
    title, config = "one by one", opened.project.config
    project = client.create_project(title, description=title, config=config, instructions="")
    sdk: Any = client._sdk
    began = time.perf_counter()
    for o in outgoing:
        assert o.draft is not None
        drafts = draft_regions(o.draft, o.frame, interface=opened.interface, classes=s.settings.classes)
        regions = [region_to_json(draft.region, interface=opened.interface) for draft in drafts]
        data = {"image": f"/data/local-files/?d=x/{o.frame.frame_id}.png", "reason": o.reason}
        task = sdk.tasks.create(project=project.id, data=data)
        sdk.predictions.create(task=task.id, model_version="v1", score=0.5, result=regions)
    return time.perf_counter() - began


def timed(what: str, run: Any, tasks: int) -> dict[str, Any]:
    began = time.perf_counter()
    run()
    return {"what": what, "tasks": tasks, "seconds": round(time.perf_counter() - began, 2)}


if __name__ == "__main__":
    main()
