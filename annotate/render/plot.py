"""Drawings of lines, as PNG for a file or as SVG for a page; matplotlib is loaded when the first one is drawn."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_PAPER: Final = "#ffffff"
_INK: Final = "#1c2227"
_FAINT: Final = "#c9cfd4"
# In a page the ink is the page's own, so that one drawing is readable on light, dark and printed paper.
_PAGE_INK: Final = "#010203"  # stands for it until the SVG is written
_PAGE_FAINT: Final = "#8a9299"  # between light and dark
_MARKERS: Final = "os^DvpPX"  # so that lines are told apart without their colours
FEW: Final = 12  # points of a line, up to which each is marked: a line of one point has nothing else to see


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawing.

    Attributes:
        name: In the legend.
        points: `(x, y)`.
        color: Any that matplotlib knows; None for the next of its own, `ink` for that of the axes.
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
        counts: The horizontal axis counts something: whole numbers from 0.
        empty: Written in the panel where no line has a point.
    """

    lines: Sequence[Line]
    across: str
    up: str
    unit: bool = False
    share: bool = False
    counts: bool = False
    empty: str = "no figures"


def draw_png(panels: Sequence[Panel]) -> bytes:
    """Panels side by side on white paper, as PNG."""
    out = io.BytesIO()
    figure_of(panels, ink=_INK, faint=_FAINT, paper=_PAPER).savefig(out, format="png", dpi=110)
    return out.getvalue()


def draw_svg(panels: Sequence[Panel]) -> str:
    """Panels side by side as an `<svg>` to stand in a page: without paper, in the page's ink, with no address in it."""
    import matplotlib

    out = io.StringIO()
    settings: Any = {
        "svg.fonttype": "path",
        "svg.hashsalt": "dmr",
    }  # any browser draws the same, any run writes the same
    with matplotlib.rc_context(settings):
        figure = figure_of(panels, ink=_PAGE_INK, faint=_PAGE_FAINT, paper="none")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing, transparent=True)
    text = out.getvalue()
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text[text.index("<svg") :])  # HTML knows what an <svg> is
    return text.replace(_PAGE_INK, "currentColor")


def figure_of(panels: Sequence[Panel], *, ink: str, faint: str, paper: str) -> Any:
    """Panels side by side as a matplotlib figure.

    Args:
        panels: What is drawn.
        ink: Colour of words, axes and rims.
        faint: Of the grid.
        paper: Of the ground; `none` for the page's.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    beside = max((len(line.name) for panel in panels for line in panel.lines), default=0)
    figure = Figure(figsize=(5.6 * len(panels) + 0.08 * beside, 3.9), facecolor=paper, layout="constrained")
    FigureCanvasAgg(figure)
    for k, panel in enumerate(panels, 1):
        axes: Any = figure.add_subplot(1, len(panels), k, facecolor=paper)
        if panel.unit:
            axes.plot([0, 1], [0, 1], color=ink, linewidth=0.8, linestyle="--")
        for line, marker in zip(panel.lines, _MARKERS * len(panel.lines), strict=False):
            few = panel.unit or len(line.points) <= FEW
            _draw_line(axes, line, marker if few else None, ink=ink, told=not panel.unit)
        _set_axes(axes, panel)
        axes.set_xlabel(panel.across, color=ink)
        axes.set_ylabel(panel.up, color=ink)
        axes.tick_params(colors=ink)
        axes.grid(color=faint, linewidth=0.5)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_color(faint)
        if not any(line.points for line in panel.lines):
            axes.text(0.5, 0.5, panel.empty, color=ink, ha="center", va="center", transform=axes.transAxes)
        elif any(line.name for line in panel.lines):
            place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}  # beside the lines, never over them
            axes.legend(labelcolor=ink, fontsize=8.5, frameon=False, **place)
    return figure


def _draw_line(axes: Any, line: Line, marker: str | None, *, ink: str, told: bool) -> None:
    """A line with a thin rim of ink, without which yellow is lost on white and blue on black."""
    from matplotlib.patheffects import withStroke

    x, y = [p[0] for p in line.points], [p[1] for p in line.points]
    only = f" {y[0]:.3f}" if told and line.name and len(y) == 1 else ""  # one point is read off better than it is seen
    axes.plot(
        x,
        y,
        label=line.name + only,
        color=ink if line.color == "ink" else line.color,
        linewidth=1.8,
        marker=marker,
        markersize=6,
        markeredgecolor=ink,
        markeredgewidth=0.6,
        clip_on=False,
        zorder=3,
        path_effects=[withStroke(linewidth=2.6, foreground=ink)],
    )


def _set_axes(axes: Any, panel: Panel) -> None:
    """Limits with room in them, also around a single point."""
    from matplotlib.ticker import MaxNLocator

    points = [p for line in panel.lines for p in line.points]
    highest = max((y for _, y in points), default=0.0)
    lowest = min((y for _, y in points), default=0.0)
    if panel.unit:
        axes.set_xlim(0, 1)
    if panel.unit or panel.share:
        axes.set_ylim(0, 1)
    elif lowest >= 0:
        axes.set_ylim(0, 1.1 * highest or 1.0)
    if panel.counts:
        axes.set_xlim(0, 1.05 * max((x for x, _ in points), default=0.0) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
