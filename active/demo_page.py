"""The page that the demo ends with: drafts before and after correction, and both models on test patients."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from ..annotate.catalogue import Catalogue
from ..annotate.ingest import load_frame
from ..annotate.overlay import Picture, draw_overlay
from ..annotate.records import FrameRecord, LabelledFrame
from ..annotate.shapes import Annotation, Shape
from ..annotate.store import write_atomic
from ..annotate.trace import index_to_shapes
from ..annotate.workspace import Workspace
from ..model.training import contained, load_predictor
from .prelabel import SPECK, tolerance_px

PAGE: Final = "demo.html"
SHOWN: Final = 8  # frames of each kind
_JPEG_QUALITY: Final = 82

_STYLE: Final = """
body { margin: 0 auto; max-width: 1180px; padding: 1rem 1.5rem 4rem; background: #14171a; color: #e6e8ea;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem } h2 { margin-top: 2.5rem; font-size: 1.2rem } p { max-width: 46rem }
.notice { padding: .5rem .8rem; border-left: 4px solid #e69f00; background: #23272b; }
.legend span { display: inline-block; margin-right: 1.2rem } .legend i { display: inline-block; width: .9em;
       height: .9em; margin-right: .4em; vertical-align: -.1em; border-radius: 2px }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: .6rem; margin: 1.4rem 0 .2rem }
figure { margin: 0 } img { width: 100%; display: block; border-radius: 4px }
figcaption, .why { color: #aab2b9; font-size: .9rem }
table { border-collapse: collapse } td, th { padding: .25rem .9rem; text-align: right; border-bottom: 1px solid #333 }
td:first-child, th:first-child { text-align: left } code { background: #23272b; padding: .1rem .3rem }
"""


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
    legend = "".join(f'<span><i style="background:{c.color}"></i>{escape(c.name)}</span>' for c in classes.active)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>dmr demo</title>",
        f"<style>{_STYLE}</style><h1>dmr demo: what twenty corrected frames brought</h1>",
        "<p class=notice><b>Synthetic frames.</b> Every picture shows a virtual subject, drawn by a program; outlines"
        " are a network's drafts or known by construction. dmr is an annotation assistant: its drafts are for a"
        " physician's review. It is not a medical device.</p>",
        f"<p class=legend>{legend}</p>",
        f"<h2>The frames most worth correcting</h2><p>{escape(first)} drew these drafts; the selector put the frames"
        " first. A simulated physician kept what was drawn well and redrew the rest.</p>",
    ]
    for rank, c in enumerate(corrections[:SHOWN], 1):
        pixels = load_frame(workspace, c.frame).pixels
        draft = Annotation(c.frame.height, c.frame.width, c.draft, frozenset())
        parts.append(
            _row(
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
        pictures = [(name, draw_overlay(frame, a, classes=classes)) for name, a in drawn]
        parts.append(_row("", pictures))
    path = workspace.reports_folder / PAGE
    write_atomic(path, "\n".join(parts).encode("utf-8"))
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
    rows = [
        f"<tr><td>{escape(name)}<td>{c['value']:+.3f}<td>{c['low']:+.3f} to {c['high']:+.3f}"
        for name, c in [("mean", verdict["dice"]), *verdict["classes"].items()]
    ]
    return f"<table><tr><th>Dice<th>change<th>95 % interval{''.join(rows)}</table>"


def _row(title: str, pictures: Sequence[tuple[str, Picture]]) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{_jpeg(picture)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, picture in pictures
    )
    return f"<div class=row>{figures}</div><div class=why>{escape(title)}</div>"


def _jpeg(picture: Picture) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=_JPEG_QUALITY)
    return base64.b64encode(out.getvalue()).decode("ascii")
