"""The page that the demo ends with: its figures, drafts before and after correction, both models on test patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...annotate.catalogue.records import FrameRecord, LabelledFrame
from ...annotate.classes import Classes
from ...annotate.intake.ingest import load_frame
from ...annotate.render.html import Table, page
from ...annotate.render.overlay import Picture, draw_overlay
from ...annotate.shapes import Annotation, Shape
from ...annotate.system.store import write_atomic
from ...annotate.workspace import Session
from ...model.versions.load import load_predictor
from ..drafts import draft_shapes
from .figures import NEXT, DemoFigures

PAGE: Final = "demo.html"
SHOWN: Final = 8  # corrected frames, and test frames
OUTCOMES: Final = {  # by the gate's decision; the first model's id is filled in
    "promoted": "It is no worse than {0} and is the active model now.",
    "rejected": "It is worse than {0}, which stays the active model.",
    "undecided": "The test patients do not settle it; {0} stays the active model.",
}

Row = Sequence[tuple[str, Picture]]
"""Pictures side by side, each with a name."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A frame that was worth correcting.

    Attributes:
        frame: The frame.
        reason: Why it came first.
        draft: What the first model drew.
        truth: What the simulated physician made of it.
    """

    frame: FrameRecord
    reason: str
    draft: tuple[Shape, ...]
    truth: Annotation


def write_page(s: Session, corrections: Sequence[Correction], *, figures: DemoFigures) -> Path:
    """Write `reports/demo.html`, one file with its pictures inside.

    Args:
        s: The demo's session.
        corrections: The frames that were corrected, most informative first.
        figures: The demo's figures.
    """
    classes = s.settings.classes
    corrected = []
    for c in [c for c in corrections if c.frame.may_leave][:SHOWN]:
        pixels = load_frame(s.workspace, c.frame).pixels
        plain = Annotation(c.frame.height, c.frame.width, (), frozenset())
        draft = Annotation(c.frame.height, c.frame.width, c.draft, frozenset())
        row = [
            ("the frame", draw_overlay(pixels, plain, classes=classes)),
            (f"before: draft of {figures.first.id}", draw_overlay(pixels, draft, classes=classes)),
            ("after: corrected", draw_overlay(pixels, c.truth, classes=classes)),
        ]
        corrected.append((f"{c.frame.frame_id}: {c.reason}", row))
    tested = [
        [(name, draw_overlay(frame, a, classes=classes)) for name, a in drawn]
        for frame, drawn in _test_frames(s, figures.models)
    ]
    path = s.workspace.reports_folder / PAGE
    write_atomic(path, demo_page(figures, classes=classes, corrected=corrected, tested=tested))
    return path


def demo_page(
    figures: DemoFigures,
    *,
    classes: Classes,
    corrected: Sequence[tuple[str, Row]],
    tested: Sequence[Row],
) -> bytes:
    """The whole page.

    Args:
        figures: The demo's figures.
        classes: The workspace's classes.
        corrected: Frames before and after their correction, each with its id and why it came first.
        tested: Frames of test patients, as both models draw them.
    """
    first, second, decision = figures.first, figures.second, str(figures.verdict["decision"])
    minutes = [*figures.minutes.items(), ("in all", figures.total_minutes)]
    return page(
        "demo.html",
        package=__package__,
        title="dmr demo",
        figures=figures,
        decision="undecided" if decision == "undecided" else f"{second.id} is {decision}",
        outcome=OUTCOMES[decision].format(first.id, second.id),
        scores=None if figures.verdict["dice"] is None else _scores(figures),
        minutes=Table(("part", "minutes"), [(part, "under 0.1" if m < 0.05 else f"{m:.1f}") for part, m in minutes]),
        classes=classes,
        corrected=corrected,
        tested=tested,
        next=NEXT,
    )


def _test_frames(s: Session, models: tuple[str, str]) -> list[tuple[Any, list[tuple[str, Annotation]]]]:
    """A frame of each test patient, with the outlines of both models and the exact ones."""
    clips: dict[str, list[LabelledFrame]] = {}
    for item in (one for one in s.catalogue.labelled_frames(["test"]) if one.frame.may_leave):
        clips.setdefault(item.frame.clip_id, []).append(item)
    chosen = [sorted(c, key=lambda i: i.frame.frame_id)[len(c) // 2] for c in clips.values()][:SHOWN]
    frames = [load_frame(s.workspace, item.frame) for item in chosen]
    drawn: list[list[tuple[str, Annotation]]] = [[] for _ in chosen]
    for model in models:
        _, predictor = load_predictor(s, model=model)
        for k, prediction in enumerate(predictor.predict(frames)):
            shapes = draft_shapes(prediction, spacing_mm=frames[k].spacing_mm, classes=s.settings.classes)
            drawn[k].append((model, Annotation(frames[k].height, frames[k].width, shapes, frozenset())))
    for k, item in enumerate(chosen):
        drawn[k].append(("exact", item.annotation))
    return [(frame.pixels, rows) for frame, rows in zip(frames, drawn, strict=True)]


def _scores(figures: DemoFigures) -> Table:
    first, second, verdict = figures.first, figures.second, figures.verdict
    rows = [("mean", first.dice, second.dice, verdict["dice"])]
    rows += [(name, first.classes[name], second.classes[name], change) for name, change in verdict["classes"].items()]
    rate = verdict.get("false_positive_rate")
    told = [(n, _share(a), _share(b), _change(c)) for n, a, b, c in rows]
    if rate is not None:
        told.append(("false-positive rate: drawn in frames without the class", "", "", _change(rate)))
    head = ("class", f"Dice of {first.id}", f"Dice of {second.id}", "change\n95 % interval")
    return Table(head, told)


def _change(change: Mapping[str, float]) -> str:
    return f"{change['value']:+.3f}\n{change['low']:+.3f} to {change['high']:+.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
