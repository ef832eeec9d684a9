"""The page that the demo ends with: drafts before and after correction, and both models on test patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import torch

from ..annotate.catalogue import Catalogue
from ..annotate.ingest import load_frame
from ..annotate.overlay import draw_overlay
from ..annotate.page import NOTICE, legend, page, pictures, table
from ..annotate.records import FrameRecord, LabelledFrame
from ..annotate.shapes import Annotation, Shape
from ..annotate.store import write_atomic
from ..annotate.trace import index_to_shapes
from ..annotate.workspace import Workspace
from ..model.training import contained
from ..model.versions import load_predictor
from .prelabel import SPECK, tolerance_px

PAGE: Final = "demo.html"
SHOWN: Final = 8  # frames of each kind


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


def write_page(
    workspace: Workspace,
    catalogue: Catalogue,
    corrections: Sequence[Correction],
    *,
    models: tuple[str, str],
    verdict: Mapping[str, Any],
    device: torch.device,
) -> Path:
    """Write `reports/demo.html`, one file with its pictures inside.

    Args:
        workspace: The demo's.
        catalogue: Its catalogue, open.
        corrections: The frames that were corrected, most informative first.
        models: Ids of the first and the second model.
        verdict: Of the gate, as `retrain` reports it.
        device: To predict test frames on.
    """
    classes = workspace.settings.classes
    first, second = models
    parts = [
        "<h1>dmr demo: what twenty corrected frames brought</h1>",
        "<p class=notice><b>Synthetic frames.</b> Every picture shows a virtual subject, drawn by a program; outlines"
        f" are a network's drafts or known by construction. {NOTICE}</p>",
        legend(classes),
        f"<h2>The frames most worth correcting</h2><p>{escape(first)} drew these drafts; the selector put the frames"
        " first. A simulated physician kept what was drawn well and redrew the rest.</p>",
    ]
    for rank, c in enumerate(corrections[:SHOWN], 1):
        pixels = load_frame(workspace, c.frame).pixels
        draft = Annotation(c.frame.height, c.frame.width, c.draft, frozenset())
        parts.append(
            pictures(
                f"{rank}. {c.frame.frame_id}: {c.reason}",
                [
                    (
                        "the frame",
                        draw_overlay(
                            pixels, Annotation(c.frame.height, c.frame.width, (), frozenset()), classes=classes
                        ),
                    ),
                    (f"before: draft of {first}", draw_overlay(pixels, draft, classes=classes)),
                    ("after: corrected", draw_overlay(pixels, c.truth, classes=classes)),
                ],
            )
        )
    parts += [
        f"<h2>Test patients, whom neither model has seen: {escape(second)} is {escape(str(verdict['verdict']))}</h2>",
        f"<p>The gate: {escape(str(verdict['reason']))}.</p>",
        _table(verdict),
        "<p>One frame of each test patient, whatever it shows:</p>",
    ]
    for frame, drawn in _test_frames(workspace, catalogue, models, device):
        parts.append(pictures("", [(name, draw_overlay(frame, a, classes=classes)) for name, a in drawn]))
    path = workspace.reports_folder / PAGE
    write_atomic(path, page("dmr demo", parts))
    return path


def _test_frames(
    workspace: Workspace, catalogue: Catalogue, models: tuple[str, str], device: torch.device
) -> list[tuple[Any, list[tuple[str, Annotation]]]]:
    """A frame of each test patient as both models draw it, and as it is."""
    clips: dict[str, list[LabelledFrame]] = {}
    for item in catalogue.labelled_frames():
        if item.split == "test":
            clips.setdefault(item.frame.clip_id, []).append(item)
    chosen = [sorted(c, key=lambda i: i.frame.frame_id)[len(c) // 2] for c in clips.values()][:SHOWN]
    frames = [load_frame(workspace, item.frame) for item in chosen]
    drawn: list[list[tuple[str, Annotation]]] = [[] for _ in chosen]
    for model in models:
        _, predictor = load_predictor(workspace, catalogue, model=model, device=device)
        for k, prediction in enumerate(predictor.predict(frames)):
            shapes = index_to_shapes(
                prediction.index,
                tolerance=tolerance_px(frames[k].spacing_mm),
                contains=contained(workspace.settings.classes),
                drop_below=SPECK,
            )
            drawn[k].append((model, Annotation(frames[k].height, frames[k].width, shapes, frozenset())))
    for k, item in enumerate(chosen):
        drawn[k].append(("exact", item.annotation))
    return [(frame.pixels, rows) for frame, rows in zip(frames, drawn, strict=True)]


def _table(verdict: Mapping[str, Any]) -> str:
    changes = [("mean", verdict["dice"]), *verdict["classes"].items()]
    rows = [(name, f"{c['value']:+.3f}", f"{c['low']:+.3f} to {c['high']:+.3f}") for name, c in changes]
    return table(("Dice", "change", "95 % interval"), rows)
