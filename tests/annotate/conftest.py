"""A catalogue in a folder of its own, and rows to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.system.store import BlobStore

CLASSES = Classes([ClassDef(1, "nerve"), ClassDef(2, "muscle"), ClassDef(3, "artery")])


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """An empty catalogue with three classes."""
    store = BlobStore(tmp_path / "store")
    with Catalogue.create(tmp_path / "catalogue.sqlite", store=store, key_id="0123456789abcdef") as made:
        made.sync_classes(CLASSES)
        yield made


@pytest.fixture(scope="session")
def make_frame() -> Callable[..., FrameRecord]:
    """A 60 x 80 frame by its number, one clip a patient."""

    def make(number: int, patient: str | None = "p1", **changes: Any) -> FrameRecord:
        values: dict[str, Any] = {
            "frame_id": f"f{number:020x}",
            "clip_id": f"c-{patient}",
            "patient": patient,
            "source_sha256": hashlib.sha256(f"source {number}".encode()).hexdigest(),
            "index": 0,
            "height": 60,
            "width": 80,
            "pixel_sha256": hashlib.sha256(f"pixels {number}".encode()).hexdigest(),
            "path": f"frames/{number}.png",
            "deid_version": "1",
        }
        return FrameRecord(**values | changes)

    return make


@pytest.fixture(scope="session")
def make_revision() -> Callable[..., RevisionRecord]:
    """A square of one class on a frame, its place told by a number."""

    def make(frame: FrameRecord, author: str = "ann", at: int = 0, class_id: int = 1, **changes: Any) -> RevisionRecord:
        x = float(at)
        square = Shape(class_id, ((x, 0.0), (x + 9.0, 0.0), (x + 9.0, 9.0), (x, 9.0)))
        values: dict[str, Any] = {
            "frame": frame.frame_id,
            "rendition": frame.pixel_sha256,
            "author": author,
            "origin": "import",
            "annotation": Annotation(frame.height, frame.width, (square,), frozenset({class_id})),
        }
        return RevisionRecord(**values | changes)

    return make
