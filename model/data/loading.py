"""Read labelled frames of a workspace or of an outside folder as samples, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.catalogue.records import LabelledFrame, ModelRecord
from ...annotate.errors import BrokenInput
from ...annotate.intake.importing import taken_in
from ...annotate.intake.ingest import load_frame
from ...annotate.intake.outside_frame import OutsideFrame
from ...annotate.report import Report
from ...annotate.scans.similarity import NEAR_COPY
from ...annotate.settings.model import match_patient
from ...annotate.workspace import Workspace
from .dataset import Sample


def workspace_samples(workspace: Workspace, labelled: Iterable[LabelledFrame], *, report: Report) -> Iterator[Sample]:
    """Samples of the workspace's own frames; a damaged picture is reported and left out."""
    for item in labelled:
        try:
            frame = load_frame(workspace, item.frame)
        except BrokenInput as error:
            report.fail_once(error)  # a retraining reads the same frames several times
            continue
        yield Sample(
            frame=item.frame.frame_id,
            patient=item.frame.patient,
            pixels=frame.pixels,
            annotation=item.annotation,
            sector=frame.sector,
            spacing_mm=frame.spacing_mm,
        )


def outside_samples(workspace: Workspace, items: Iterable[OutsideFrame]) -> Iterator[Sample]:
    """Samples of frames from outside, which are not kept; the workspace's patient pattern tells the patient."""
    for number, item in enumerate(items, 1):
        patient, _ = match_patient(workspace.settings, item.name)
        frame = taken_in(item).frame  # blanked like the frames that a model learnt from
        yield Sample(
            frame=f"{number} {item.name}",  # another subfolder may hold a file of the same name
            patient=patient,
            pixels=frame.pixels,
            annotation=item.annotation,
            sector=frame.sector,
            spacing_mm=frame.spacing_mm or workspace.settings.geometry.spacing_mm,
        )


def learnt_hashes(catalogue: Catalogue, models: Iterable[ModelRecord]) -> NDArray[np.uint64]:
    """Perceptual hashes of all frames that these models learnt from, also if they were redrawn or withdrawn later."""
    learnt = {sha256 for model in models if model.dataset for sha256 in catalogue.dataset(model.dataset)}
    seen = catalogue.frames(catalogue.frames_of(learnt))
    return np.array([int(f.perceptual_hash, 16) for f in seen if f.perceptual_hash], np.uint64)


def looks_learnt(perceptual_hash: str | None, learnt: NDArray[np.uint64]) -> bool:
    """Whether a frame is a near-copy of a frame in `learnt`."""
    if not perceptual_hash:
        return False
    return bool((np.bitwise_count(learnt ^ np.uint64(int(perceptual_hash, 16))) <= NEAR_COPY).any())
