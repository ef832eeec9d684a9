"""A simulated physician, for demos and measurements: it corrects drafts by an answer that is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...annotate.editing.checkout import REVIEWED
from ...annotate.editing.edits import sync_checkout
from ...annotate.formats.labelme import labelme_to_annotation
from ...annotate.formats.labelme_reading import read_labelme
from ...annotate.geometry.raster import shapes_to_layers
from ...annotate.shapes import Annotation, Shape
from ...annotate.system.store import write_atomic
from ...annotate.workspace import Session

GOOD_ENOUGH: Final = 0.93  # a drafted structure with this Dice or more is kept; our own choice
AUTHOR: Final = "simulated-physician"


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a simulated physician did: structures left as drafted, redrawn, added, and taken away."""

    kept: int
    redrawn: int
    added: int
    deleted: int


def correct_drafts(s: Session, answers: Mapping[str, Annotation]) -> Corrected:
    """Correct the drafts of some frames in `annotations/`, as a physician would in Labelme, and take the edits in.

    A structure that is drafted well is kept. The others get the exact outline.

    Args:
        s: The session; its report gets counts and failures.
        answers: The exact outlines of each of these frames, by frame id.
    """
    classes = s.settings.classes
    ids = list(classes.predicted)
    done = np.zeros(4, np.int64)
    for record in s.catalogue.frames(answers):
        path = s.workspace.annotations_folder / Path(record.path).with_suffix(".json").name
        drafted, _ = labelme_to_annotation(
            read_labelme(path), resolve=classes.class_id, height=record.height, width=record.width
        )
        shapes, what = corrected(drafted, answers[record.frame_id], class_ids=ids)
        done += what
        _save(path, shapes, names=classes.predicted)
    sync_checkout(s, author=AUTHOR)
    return Corrected(*(int(n) for n in done))


def corrected(
    drafted: Annotation, answer: Annotation, *, class_ids: list[int]
) -> tuple[list[Shape], tuple[int, int, int, int]]:
    """A draft after correction, and how many structures were kept, redrawn, added and deleted."""
    size = {"height": answer.height, "width": answer.width}
    before, truth = (shapes_to_layers(a.shapes, class_ids=class_ids, **size) for a in (drafted, answer))
    shapes: list[Shape] = []
    kept = redrawn = added = deleted = 0
    for k, class_id in enumerate(class_ids):
        there, drawn = int(truth[k].sum()), int(before[k].sum())
        dice = 2 * int((truth[k] & before[k]).sum()) / (there + drawn) if there + drawn else 1.0
        keep = dice >= GOOD_ENOUGH
        shapes += [s for s in (drafted if keep else answer).shapes if s.class_id == class_id]
        kept += bool(there) and keep
        redrawn += bool(there and drawn) and not keep
        added += bool(there) and not drawn
        deleted += bool(drawn) and not there
    return shapes, (kept, redrawn, added, deleted)


def _save(path: Path, shapes: list[Shape], *, names: Mapping[int, str]) -> None:
    """Save as Labelme does: replace the shapes and tick the box `reviewed`; the rest of the file stays."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["shapes"] = [
        {
            "label": names[s.class_id],
            "points": [list(point) for point in s.points],
            "group_id": s.group,
            "description": "",
            "shape_type": "polygon",
            "flags": {"hole": True} if s.hole else {},
            "mask": None,
        }
        for s in shapes
    ]
    content["flags"][REVIEWED] = True
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode("utf-8"))
