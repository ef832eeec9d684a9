"""The page with the outlines of readers who disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..classes import PALETTE, ClassDef, Classes
from ..errors import BrokenInput
from ..intake.ingest import load_frame
from ..render.html import page, today
from ..render.overlay import Picture, draw_overlay
from ..shapes import Annotation
from ..system.store import write_atomic
from ..wording import PICTURE_HELD, counted
from ..workspace import Session
from .disputes import Dispute
from .listing import disputed_classes

PAGE: Final = "conflicts.html"
_MOST: Final = 100  # conflicts on the page
_COLORS: Final = (("orange", PALETTE[1]), ("blue", PALETTE[5]), ("yellow", PALETTE[6]), ("green", PALETTE[2]))


def write_page(s: Session, disputes: Sequence[Dispute]) -> Path | None:
    """Write `reports/conflicts.html`.

    Returns:
        Its path; None if there is nothing to show: then an older page is deleted.
    """
    path = s.workspace.reports_folder / PAGE
    if not disputes:
        path.unlink(missing_ok=True)
        return None
    classes = s.settings.classes
    rows: list[tuple[str, list[tuple[str, Picture]]]] = []
    for done, dispute in enumerate(disputes[:_MOST]):
        s.tell("Drawing the page", int(done > 0), min(len(disputes), _MOST))
        title = f"{dispute.frame.frame_id}: {disputed_classes(dispute, classes)}"
        if not dispute.frame.may_leave:
            s.report.note(PICTURE_HELD, dispute.frame.frame_id)
            continue
        try:
            rows.append((title, _pictures(load_frame(s.workspace, dispute.frame).pixels, dispute, classes)))
        except BrokenInput as error:
            s.report.fail(error)
    content = page(
        "conflicts.html",
        package=__package__,
        title="Conflicts",
        date=today(),
        frames=counted(len(disputes), "frames"),
        classes=classes,
        rows=rows,
        more=max(0, len(disputes) - _MOST),
    )
    write_atomic(path, content)
    return path


def _pictures(pixels: NDArray[np.uint8], dispute: Dispute, classes: Classes) -> list[tuple[str, Picture]]:
    """Each reader's outlines, then the disputed classes of all readers in one picture, a colour for each."""
    row = [
        (f"{head.record.author}, {head.record.reading} reading", draw_overlay(pixels, drawn, classes=classes))
        for head, drawn in zip(dispute.heads, dispute.drawn, strict=True)
    ]
    readers = Classes(
        [ClassDef(k, f"reader_{k}", color=_COLORS[k % len(_COLORS)][1]) for k in range(1, len(dispute.heads) + 1)]
    )
    shapes = tuple(
        replace(shape, class_id=k)
        for k, drawn in enumerate(dispute.drawn, 1)
        for shape in drawn.shapes
        if shape.class_id in dispute.conflict.disputed
    )
    both = Annotation(dispute.frame.height, dispute.frame.width, shapes, frozenset())
    named = ", ".join(f"{reader} {_COLORS[k % len(_COLORS)][0]}" for k, reader in enumerate(dispute.readers, 1))
    return [*row, (f"what they disagree on; {named}", draw_overlay(pixels, both, classes=readers, fill=0.0))]
