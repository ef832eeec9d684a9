"""The page that the demo ends with: its figures, drafts before and after correction, both models on test patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...annotate.catalogue.records import FrameRecord, LabelledFrame
from ...annotate.intake.ingest import load_frame
from ...annotate.render.html import (
    NOTICE,
    commands,
    facts,
    heading,
    headline,
    legend,
    notice,
    page,
    paragraph,
    pictures,
    table,
)
from ...annotate.render.overlay import draw_overlay
from ...annotate.shapes import Annotation, Shape
from ...annotate.system.store import write_atomic
from ...annotate.wording import counted
from ...annotate.workspace import Session
from ...model.versions.load import load_predictor
from ..drafts import draft_shapes
from .figures import NEXT, DemoFigures, ModelFigures

PAGE: Final = "demo.html"
SHOWN: Final = 8  # frames of each kind
OUTCOMES: Final = {  # of a decision of the gate; the models' ids come in
    "promoted": "It is no worse than {0} and is the active model now.",
    "rejected": "It is worse than {0}, which stays the active model.",
    "undecided": "The test patients do not settle it; {0} stays the active model.",
}


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
    """Write `reports/demo.html`, one file with its pictures inside: figures first, then frames, then what to do next.

    Args:
        s: The demo's session.
        corrections: The frames that were corrected, most informative first.
        figures: What the demo came to.
    """
    classes = s.settings.classes
    first, second = figures.models
    parts = [
        *figures_first(figures),
        heading(f"The {min(SHOWN, len(corrections))} frames most worth correcting"),
        paragraph(
            f"{first} drew these drafts. dmr ranked the frames by how unsure the model was; these came first. The"
            " simulated physician, a program that knows the exact outlines, kept what was drawn well and redrew the"
            " rest."
        ),
        legend(classes),
    ]
    for rank, c in enumerate(corrections[:SHOWN], 1):
        pixels = load_frame(s.workspace, c.frame).pixels
        plain = Annotation(c.frame.height, c.frame.width, (), frozenset())
        draft = Annotation(c.frame.height, c.frame.width, c.draft, frozenset())
        row = [
            ("the frame", draw_overlay(pixels, plain, classes=classes)),
            (f"before: draft of {first}", draw_overlay(pixels, draft, classes=classes)),
            ("after: corrected", draw_overlay(pixels, c.truth, classes=classes)),
        ]
        parts.append(pictures(f"{rank}. {c.frame.frame_id}: {c.reason}", row))
    parts += [
        heading("Both models on test patients"),
        paragraph(
            "One frame of each patient, chosen without looking at it. Neither model has learnt from these patients."
        ),
        legend(classes),
    ]
    for frame, drawn in _test_frames(s, (first, second)):
        parts.append(pictures("", [(name, draw_overlay(frame, a, classes=classes)) for name, a in drawn]))
    parts += [
        heading("What to do next"),
        paragraph(
            "The demo left an ordinary workspace. Open a terminal in its folder, the one that holds dmr.toml, and type:"
        ),
        commands(NEXT),
    ]
    path = s.workspace.reports_folder / PAGE
    write_atomic(path, page("dmr demo", parts))
    return path


def figures_first(figures: DemoFigures) -> list[str]:
    """The top of the page: verdict, both models' figures and the minutes; then the tables behind them."""
    first, second, verdict = figures.first, figures.second, figures.verdict
    decision = str(verdict["decision"])
    told = "undecided" if decision == "undecided" else f"{second.id} is {decision}"
    parts = [
        heading(f"dmr demo: two models, before and after {figures.corrected} corrected frames", level=1),
        notice(
            "Every picture shows a virtual subject, drawn by a program. The figures say how the work goes, not how well"
            f" DMRNet draws on your frames. {NOTICE}",
            first="Synthetic frames.",
        ),
        headline(
            [
                ("The gate's verdict", told, OUTCOMES[decision].format(first.id, second.id)),
                (f"First model, {first.id}", f"Dice {_share(first.dice)}", _learnt(first)),
                (f"Second model, {second.id}", f"Dice {_share(second.dice)}", _learnt(second)),
                ("Time on this computer", _minutes(figures.total_minutes), "from the first scan to the verdict"),
            ]
        ),
    ]
    if figures.smaller:
        parts.append(notice(figures.smaller, first="A smaller demo."))
    parts += [
        heading("The score of the two models"),
        paragraph(
            f"Both models outlined the same {counted(verdict['frames'], 'frames')} of"
            f" {counted(verdict['patients'], 'test patients')}. Neither"
            " model has learnt from these patients. Dice tells how well an outline agrees with the exact one: 1 is the"
            " same, 0 is no overlap. The interval tells how much of the change may be chance: it holds the middle 95 %"
            " of the changes found when the patients are drawn again at random."
        ),
        paragraph(f"The gate's reason: {verdict['reason']}."),
    ]
    if verdict["dice"] is not None:
        parts.append(_table(figures))
    if verdict["unjudged"]:
        parts.append(
            paragraph(f"Not judged, because too few test patients have them: {', '.join(verdict['unjudged'])}.")
        )
    return [*parts, *_what_was_done(figures)]


def _what_was_done(figures: DemoFigures) -> list[str]:
    first, second, done = figures.first, figures.second, figures.structures
    return [
        heading("What was done, and how long it took"),
        table(
            ("part", "minutes"),
            [
                (part, "under 0.1" if m < 0.05 else f"{m:.1f}")
                for part, m in (*figures.minutes.items(), ("in all", figures.total_minutes))
            ],
        ),
        facts(
            [
                ("Corrected frames", str(figures.corrected)),
                (
                    "Structures in them",
                    f"{done.kept} kept as drafted, {done.redrawn} redrawn, {done.added} added, {done.deleted} taken"
                    " away",
                ),
                ("Steps of training", f"{first.id} {first.steps:,}, {second.id} {second.steps:,}"),
                ("Seed", str(figures.seed)),
                ("dmr", figures.version),
                ("Date", figures.date),
            ]
        ),
    ]


def _test_frames(s: Session, models: tuple[str, str]) -> list[tuple[Any, list[tuple[str, Annotation]]]]:
    """A frame of each test patient as both models draw it, and as it is."""
    clips: dict[str, list[LabelledFrame]] = {}
    for item in s.catalogue.labelled_frames(["test"]):
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


def _table(figures: DemoFigures) -> str:
    first, second, verdict = figures.first, figures.second, figures.verdict
    rows = [("mean", first.dice, second.dice, verdict["dice"])]
    rows += [(name, first.classes[name], second.classes[name], change) for name, change in verdict["classes"].items()]
    rate = verdict.get("false_positive_rate")
    told = [(n, _share(a), _share(b), _change(c)) for n, a, b, c in rows]
    if rate is not None:
        told.append(("false-positive rate: drawn in frames without the class", "", "", _change(rate)))
    head = ("class", f"Dice of {first.id}", f"Dice of {second.id}", "change\n95 % interval")
    return table(head, told)


def _change(change: Mapping[str, float]) -> str:
    return f"{change['value']:+.3f}\n{change['low']:+.3f} to {change['high']:+.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _learnt(model: ModelFigures) -> str:
    return f"learnt from {_of(model.frames, model.patients)}, in {counted(model.steps, 'steps')}"


def _minutes(minutes: float) -> str:
    return f"{minutes:.1f} minutes" if minutes < 10 else f"{minutes:.0f} minutes"


def _of(frames: int, patients: int) -> str:
    return f"{counted(frames, 'frames')} of {counted(patients, 'patients')}"
