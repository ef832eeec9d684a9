"""The synthetic scans of a demo: some with outlines; for the others, the answers are kept apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from ...annotate.formats.labelme import labelme_to_annotation
from ...annotate.formats.labelme_reading import read_labelme
from ...annotate.intake.importing import import_labelled
from ...annotate.intake.outside import labelme_frames
from ...annotate.phantom.writing import PhantomSet, write_phantom
from ...annotate.progress.tell import Tell
from ...annotate.scans.identity import frame_id
from ...annotate.shapes import Annotation
from ...annotate.system.store import sha256_hex
from ...annotate.workspace import Session, Workspace

# Few patients to learn from and many to test on: so the effect of twenty more frames can be measured.
LABELLED: Final = (20, 4)  # scans with outlines: patients, and frames of each
NEW: Final = (12, 5)  # scans without: the same


def draw_scans(scans: Path, seed: int, tell: Tell) -> None:
    """Draw clips with outlines in `labelled/`, and others in `new_scans/` with their outlines in `answers/`."""
    sets = {
        "labelled": PhantomSet(*LABELLED, seed=2 * seed),
        "answers": PhantomSet(*NEW, seed=2 * seed + 1),
    }
    for name in (*sets, "new_scans"):
        shutil.rmtree(scans / name, ignore_errors=True)  # left by a demo that was interrupted while drawing
    total = sum(s.patients * s.frames for s in sets.values())
    for name, wanted in sets.items():
        for n in write_phantom(scans / name, wanted):
            tell("Drawing scans", n, total)
    (scans / "new_scans").mkdir()
    for path in (scans / "answers").glob("*.png"):
        shutil.move(path, scans / "new_scans" / path.name)


def import_scans(s: Session, folder: Path) -> None:
    """Bring the labelled scans in `folder` into the workspace."""
    classes = s.settings.classes
    items = labelme_frames(
        [folder], resolve=classes.class_id, all_classes=frozenset(classes.predicted), coverage="all", report=s.report
    )
    import_labelled(s, items, total=LABELLED[0] * LABELLED[1])


def scan_answers(workspace: Workspace, scans: Path) -> dict[str, Annotation]:
    """The exact outlines of the new scans, by frame id."""
    classes, key = workspace.settings.classes, workspace.key
    answers = {}
    for path in sorted((scans / "answers").glob("*.json")):
        image = (scans / "new_scans" / path.name).with_suffix(".png")
        file = read_labelme(path)
        height, width = int(file.height or 0), int(file.width or 0)
        answer, _ = labelme_to_annotation(
            file, resolve=classes.class_id, height=height, width=width, covered=frozenset(classes.predicted)
        )
        answers[frame_id(key, source_sha256=sha256_hex(image.read_bytes()), index=0)] = answer
    return answers
