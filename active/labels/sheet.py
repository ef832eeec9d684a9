"""Pictures of the most doubtful labels: what is drawn, and beside it what a model sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.errors import BrokenInput
from ...annotate.geometry.trace import mask_to_shapes
from ...annotate.intake.ingest import load_frame
from ...annotate.render.overlay import Picture, contact_sheet, draw_overlay
from ...annotate.shapes import Annotation
from ...annotate.workspace import Session
from ...model.data.letterbox import Letterbox
from .compare import FULL, SURE
from .grids import Seen
from .table import LabelDoubt


def doubts_sheet(
    s: Session,
    doubts: Sequence[LabelDoubt],
    *,
    labelled: Mapping[str, LabelledFrame],
    seen: Mapping[str, Seen],
) -> Picture:
    """A contact sheet with two pictures for each doubt.

    Args:
        s: The session.
        doubts: What to show, in this order.
        labelled: The labelled frames, by frame id.
        seen: What models see, by frame id; doubts of other frames are left out.
    """
    classes = s.settings.classes
    cells: list[tuple[Picture, str]] = []
    for rank, doubt in enumerate(doubts, 1):
        if doubt.frame not in seen:
            continue
        item, one = labelled[doubt.frame], seen[doubt.frame]
        try:
            pixels = load_frame(s.workspace, item.frame).pixels
        except BrokenInput:
            continue  # it was reported when it was to be predicted
        drawn = draw_overlay(pixels, item.annotation, classes=classes)
        model = draw_overlay(pixels, seen_outlines(one, item.frame.height, item.frame.width), classes=classes)
        cells.append((drawn, f"{rank}. {doubt.frame}, {doubt.class_name} ({doubt.score:.2f})\n{doubt.what}"))
        cells.append((model, f"what {one.by} sees"))
    return contact_sheet(cells, legend={c.name: c.color for c in classes.active})


def seen_outlines(one: Seen, height: int, width: int) -> Annotation:
    """What a model sees as outlines at the frame's own size."""
    box = Letterbox(height, width, one.probabilities.shape[-1])
    restored = box.restore(torch.from_numpy(one.probabilities).float()).numpy()
    shapes = [
        shape
        for class_id, layer in zip(one.class_ids, restored, strict=True)
        for shape in mask_to_shapes(np.asarray(layer >= SURE * FULL), class_id=class_id)
    ]
    return Annotation(height, width, tuple(shapes), frozenset())
