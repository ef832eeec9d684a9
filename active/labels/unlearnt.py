"""Predictions by the workspace's own model versions, each of frames of patients that the version never learnt from."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.catalogue.records import LabelledFrame, ModelRecord
from ...annotate.errors import BrokenInput, ModelError
from ...annotate.intake.ingest import load_frame
from ...annotate.shapes import Frame
from ...annotate.workspace import Session
from ...model.inference.predict import Predictor
from ...model.versions.load import load_predictor
from .grids import Seen, seen


def by_versions(s: Session, labelled: Sequence[LabelledFrame]) -> Iterator[Seen]:
    """What the newest version that never learnt from a frame's patient sees in the frame; nothing where there is none.

    Args:
        s: The session; its report gets versions and pictures that cannot be read.
        labelled: Frames of known patients.
    """
    versions = s.catalogue.models()[::-1]
    learnt = {version.id: learnt_patients(s.catalogue, version, versions) for version in versions}
    waiting = list(labelled)
    for version in versions:
        own = [item for item in waiting if item.frame.patient not in learnt[version.id]]
        if not own or not version.dataset:
            continue
        try:
            _, predictor = load_predictor(s, model=version.id, frames=len(own))
        except ModelError as error:
            s.report.fail(error)
            continue
        waiting = [item for item in waiting if item.frame.patient in learnt[version.id]]
        yield from predicted(s, own, predictor, by=version.id)


def learnt_patients(catalogue: Catalogue, version: ModelRecord, versions: Collection[ModelRecord]) -> set[str | None]:
    """The patients whose outlines went into a version, or into one that it started from; validation counts too."""
    by_id = {v.id: v for v in versions}
    found: set[str] = set()
    at: ModelRecord | None = version
    while at is not None:
        found |= set(catalogue.dataset(at.dataset)) if at.dataset else set()
        at = by_id.get(at.parent) if at.parent else None
    return {f.patient for f in catalogue.frames(catalogue.frames_of(found))}


def predicted(s: Session, items: Sequence[LabelledFrame], predictor: Predictor, *, by: str) -> Iterator[Seen]:
    """Predict labelled frames; a picture that cannot be read is reported and left out."""
    loaded: deque[tuple[LabelledFrame, NDArray[np.uint8]]] = deque()

    def frames() -> Iterator[Frame]:
        for item in items:
            try:
                frame = load_frame(s.workspace, item.frame)
            except BrokenInput as error:
                s.report.fail(error)
                continue
            loaded.append((item, frame.pixels))
            yield frame

    for prediction in predictor.predict(frames()):
        yield seen(*loaded.popleft(), prediction, predictor=predictor, by=by, classes=s.settings.classes)
        s.tell(f"Looking at frames with {by}", 1, len(items))
