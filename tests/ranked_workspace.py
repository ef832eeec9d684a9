"""A small workspace whose model has said something of every frame, for tests that need no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord, RevisionRecord
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Frame, Shape
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Session, Workspace

CLASSES = ("psoas_major", "lumbar_plexus")
IDS = (1, 6)
HEIGHT, WIDTH = 60, 80


def make_workspace(folder: Path) -> Workspace:
    """An empty one, whose patients are all training patients."""
    return Workspace.create(folder, coverage="all", split={"train": 1.0, "validation": 0.0, "test": 0.0})[0]


def add_noise_frames(s: Session, *, patients: int, frames: int, first: int = 1, seed: int = 0) -> list[FrameRecord]:
    """Frames that all look different, so many of each patient."""
    rng = np.random.default_rng(seed)
    items = []
    for patient in range(first, first + patients):
        for k in range(frames):
            coarse = rng.integers(40, 255, (HEIGHT // 4, WIDTH // 4), dtype=np.uint8)
            pixels = np.kron(coarse, np.ones((4, 4), np.uint8))
            items.append(NamedFrame(f"{patient}_{k}", Frame(pixels, sha256_hex(encode_png(pixels)))))
    added = add_frames(s, items)
    s.catalogue.mark_reviewed(f.frame_id for f in added)
    return s.catalogue.frames(f.frame_id for f in added)


def square(class_id: int, left: float = 10.0, size: float = 20.0) -> Shape:
    return Shape(class_id, ((left, 10.0), (left + size, 10.0), (left + size, 10.0 + size), (left, 10.0 + size)))


def says(rng: np.random.Generator, **changes: Any) -> dict[str, Any]:
    """Statistics as `drafts.py` keeps them."""
    classes = {
        name: {
            "entropy": float(rng.uniform(0.1, 0.9)),
            "peak": float(rng.uniform(0.6, 1.0)),
            "area": 0.1,
            "guessed_dice": float(rng.uniform(0.4, 0.9)),
            "bald": float(rng.uniform(0, 0.1)),
            "length": float(rng.uniform(40, 120)),
        }
        | changes
        for name in CLASSES
    }
    whole = {name: float(rng.uniform(0, 1)) for name in ("entropy", "margin", "bald")}
    return {"classes": classes, "whole": whole}


def predict(s: Session, frames: Sequence[FrameRecord], *, model: str = "v1", seed: int = 1, **changes: Any) -> None:
    """Let a model that is active say something of these frames, and draft a square of both classes."""
    if model not in {m.id for m in s.catalogue.models()}:
        s.catalogue.add_model(ModelRecord(id=model, sha256="0" * 64, class_ids=IDS))
    s.catalogue.activate(model, reason="a test")
    rng = np.random.default_rng(seed)
    s.catalogue.add_predictions(
        PredictionRecord(
            frame=f.frame_id,
            rendition=f.pixel_sha256,
            model=model,
            shapes=tuple(square(i) for i in IDS),
            scores=says(rng, **changes),
            embedding=rng.normal(size=8).astype("<f2").tobytes(),
        )
        for f in frames
    )


def outline(s: Session, frame: FrameRecord, *, left: float = 10.0, **changes: Any) -> None:
    """A physician submits squares; `left` says how far from the draft."""
    values: dict[str, Any] = {
        "frame": frame.frame_id,
        "rendition": frame.pixel_sha256,
        "author": "ann",
        "origin": "studio",
        "annotation": Annotation(HEIGHT, WIDTH, tuple(square(i, left) for i in IDS), frozenset(IDS)),
    }
    s.catalogue.append_revision(RevisionRecord(**values | changes))
