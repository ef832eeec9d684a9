"""Drawings of lines, as PNG; matplotlib is loaded when the first one is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_PAPER: Final = "#14171a"
_INK: Final = "#d5dade"
_FAINT: Final = "#3a4046"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawing.

    Attributes:
        name: In the legend.
        points: `(x, y)`.
        color: Any that matplotlib knows; None for the next of its own.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines on common axes.

    Attributes:
        lines: What is drawn.
        across: What the horizontal axis is.
        up: What the vertical axis is.
        unit: Both axes run from 0 to 1, with the diagonal drawn.
        share: The vertical axis runs from 0 to 1.
    """

    lines: Sequence[Line]
    across: str
    up: str
    unit: bool = False
    share: bool = False


def draw_panels(panels: Sequence[Panel]) -> bytes:
    """Panels side by side, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6 * len(panels), 3.9), dpi=110, facecolor=_PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    for k, panel in enumerate(panels, 1):
        axes: Any = figure.add_subplot(1, len(panels), k, facecolor=_PAPER)
        if panel.unit:
            axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle="--")
            axes.set_xlim(0, 1)
        if panel.unit or panel.share:
            axes.set_ylim(0, 1)
        for line in panel.lines:
            x, y = [p[0] for p in line.points], [p[1] for p in line.points]
            axes.plot(x, y, label=line.name, color=line.color, linewidth=1.6, marker="." if panel.unit else None)
        axes.set_xlabel(panel.across, color=_INK)
        axes.set_ylabel(panel.up, color=_INK)
        axes.tick_params(colors=_INK)
        axes.grid(color=_FAINT, linewidth=0.5)
        for spine in axes.spines.values():
            spine.set_color(_FAINT)
        if any(line.name for line in panel.lines):
            axes.legend(facecolor=_PAPER, edgecolor=_FAINT, labelcolor=_INK, fontsize=8)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
