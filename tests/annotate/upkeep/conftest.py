"""A small workspace with something of every kind in it, made once, and copies of it to spoil."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.catalogue.records import (
    CycleRecord,
    FrameRecord,
    ModelRecord,
    PredictionRecord,
    RemoteAnnotation,
    RevisionRecord,
    TaskRecord,
)
from dmr.annotate.editing.checkout import labelled_sheets, write_checkout
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Session, Workspace

FRAMES = 6
WORDS = '{"image":["seen twice",{"poor":true}]}'


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace as it should be; nobody spoils this one."""
    root = tmp_path_factory.mktemp("upkeep")
    (root / "scans").mkdir()
    random = np.random.default_rng(7)
    for number in range(FRAMES):
        pixels = random.integers(0, 255, (48, 64), dtype=np.uint8)
        (root / "scans" / f"{number % 4}_{number:02}.png").write_bytes(encode_png(pixels))
    made, _ = Workspace.create(root / "ward", patient=r"^(?P<patient>\d+)_(?P<frame>\w+)$")
    with made.session(write=True) as s:
        fill(s, root / "scans")
    assert verify(made, report=Report("db verify")) == []
    return made


def fill(s: Session, scans: Path) -> None:
    frames = s.catalogue.frames(ingest_scans(s, [scans]))
    raw = s.catalogue.store.put_many([f'{{"drawn":{n}}}'.encode() for n in range(FRAMES + 2)])
    first = s.catalogue.append_revisions(drawn(frame, n, raw[n]) for n, frame in enumerate(frames))
    s.catalogue.append_revision(drawn(frames[0], 9, raw[FRAMES], author="bo", words=WORDS))  # a conflict
    s.catalogue.append_revision(drawn(frames[1], 8, raw[FRAMES + 1]))  # a second one of the same author
    s.catalogue.append_revisions(replace(drawn(frames[5], x, None), reading="repeat") for x in (6, 7))
    s.catalogue.append_revision(replace(drawn(frames[5], 2, None, author="bo"), reading="second"))
    s.catalogue.withdraw(frames[2].frame_id, "ann", reason="deleted")
    s.catalogue.assign_splits({str(frames[3].patient): ("train", "chosen"), str(frames[4].patient): ("test", "chosen")})
    dataset = s.catalogue.add_dataset(r.sha256 for r in first[:3])
    for name in ("v1", "v2"):
        s.catalogue.add_model(make_model(s.workspace.models_folder / name, dataset))
    s.catalogue.activate("v1", reason="the first model")
    shapes = drawn(frames[5], 3, None).annotation.shapes
    s.catalogue.add_predictions(
        PredictionRecord(
            frame=frame.frame_id,
            rendition=frame.pixel_sha256,
            model="v1",
            shapes=shapes,
            scores={"mean": 0.25},
            embedding=bytes(range(16)),
        )
        for frame in frames
    )
    queue = s.catalogue.put_queue("main", server="http://127.0.0.1:8080", project=3)
    s.catalogue.put_tasks(
        TaskRecord(queue=queue.id, frame=f.frame_id, remote_id=n, model="v1", rank=n) for n, f in enumerate(frames)
    )
    seen = RemoteAnnotation(
        queue=queue.id, remote_id=5, frame=frames[0].frame_id, author="bo", raw_sha256=raw[0], revision=first[0].sha256
    )
    s.catalogue.put_remote_annotation(seen)
    s.catalogue.add_cycle(
        CycleRecord(incumbent="v1", candidate="v2", test_version=dataset, verdict="undecided", bounds={"mean": -0.01})
    )
    write_checkout(s.workspace, labelled_sheets(s.catalogue))


def drawn(
    frame: FrameRecord, x: int, raw: str | None, *, author: str = "ann", words: str | None = None
) -> RevisionRecord:
    square = Shape(1, ((x, 1.5), (x + 9.0, 1.5), (x + 9.0, 9.25)))
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="labelme",
        annotation=Annotation(frame.height, frame.width, (square,), frozenset({1, 2})),
        raw_sha256=raw,
        words=words,
    )


def make_model(folder: Path, dataset: str) -> ModelRecord:
    """A folder as a training leaves it, with weights of 64 bytes."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}).encode()
    data = len(header).to_bytes(8, "little") + header + folder.name.encode().ljust(64, b"\1")
    sha256 = hashlib.sha256(data).hexdigest()
    card = {
        "format": 1,
        "id": folder.name,
        "size": "s",
        "input": 256,
        "channels": {"psoas_major": 1, "lumbar_plexus": 2},
        "class_ids": {"psoas_major": 1, "lumbar_plexus": 2},
        "weights_sha256": sha256,
        "minutes": 12.5,
    }
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "card.json").write_text(json.dumps(card, indent=2), encoding="utf-8")
    return ModelRecord(id=folder.name, sha256=sha256, class_ids=(1, 2), dataset=dataset)


@pytest.fixture
def copied(sound: Workspace, tmp_path: Path) -> Iterator[Callable[[], Workspace]]:
    """Makes copies of the sound workspace."""
    number = 0

    def copy() -> Workspace:
        nonlocal number
        number += 1
        return Workspace.at(shutil.copytree(sound.root, tmp_path / f"ward{number}"))

    yield copy


@pytest.fixture
def ward(copied: Callable[[], Workspace]) -> Workspace:
    """A copy to spoil."""
    return copied()
