"""Plots of lines, as PNG for a file or as SVG for a page. matplotlib is loaded with the first plot."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_PAPER: Final = "#ffffff"
_INK: Final = "#1c2227"
_FAINT: Final = "#c9cfd4"
# In a page, the plot has the page's own ink, so that it is readable on light, dark and printed paper.
_PAGE_INK: Final = "#010203"  # a placeholder for the page's ink until the SVG is written
_PAGE_FAINT: Final = "#8a9299"  # between light and dark
_MARKERS: Final = "os^DvpPX"  # so that people can tell lines apart without colours
FEW: Final = 12  # lines with up to so many points get markers; a line of one point shows nothing else


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot.

    Attributes:
        name: Its name in the legend.
        points: `(x, y)`.
        color: Any colour of matplotlib; None for matplotlib's next colour, `ink` for the axes' colour.
        band: The lower and the upper bound of each point; empty for none.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: str | None = None
    band: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines on common axes.

    Attributes:
        lines: The lines.
        across: Name of the horizontal axis.
        up: Name of the vertical axis.
        unit: Whether both axes run from 0 to 1, with the diagonal drawn.
        share: Whether the vertical axis runs from 0 to 1.
        counts: Whether the horizontal axis has whole numbers from 0.
        empty: Text in the panel if no line has a point.
        doubling: Whether the horizontal axis is logarithmic, so that each doubling is as long.
        close: Whether the vertical axis begins near the lowest point, not at 0.
    """

    lines: Sequence[Line]
    across: str
    up: str
    unit: bool = False
    share: bool = False
    counts: bool = False
    empty: str = "no figures"
    doubling: bool = False
    close: bool = False


def draw_png(panels: Sequence[Panel]) -> bytes:
    """Panels side by side on white paper, as PNG."""
    out = io.BytesIO()
    figure_of(panels, ink=_INK, faint=_FAINT, paper=_PAPER).savefig(out, format="png", dpi=110)
    return out.getvalue()


def draw_svg(panels: Sequence[Panel]) -> str:
    """Panels side by side as an `<svg>` for a page: without background, in the page's ink, without any address."""
    import matplotlib

    out = io.StringIO()
    settings: Any = {
        "svg.fonttype": "path",
        "svg.hashsalt": "dmr",
    }  # the same in any browser and in any run
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
        panels: The panels.
        ink: Colour of words, axes and rims.
        faint: Colour of the grid.
        paper: Colour of the background; `none` for the page's.
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
            place = {
                "loc": "upper left",
                "bbox_to_anchor": (1.0, 1.0),
            }  # the legend is beside the lines, never over them
            axes.legend(labelcolor=ink, fontsize=8.5, frameon=False, **place)
    return figure


def _draw_line(axes: Any, line: Line, marker: str | None, *, ink: str, told: bool) -> None:
    """Draw a line with a thin rim of ink. Without it, yellow is hard to see on white, and blue on black."""
    from matplotlib.patheffects import withStroke

    x, y = [p[0] for p in line.points], [p[1] for p in line.points]
    color = ink if line.color == "ink" else line.color
    if line.band:
        low, high = [b[0] for b in line.band], [b[1] for b in line.band]
        axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    only = f" {y[0]:.3f}" if told and line.name and len(y) == 1 else ""  # a single point gets its value
    axes.plot(
        x,
        y,
        label=line.name + only,
        color=color,
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
    """Set limits with some room, also around a single point."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    points = [p for line in panel.lines for p in line.points]
    highest = max((y for _, y in points), default=0.0)
    lowest = min((y for _, y in points), default=0.0)
    if panel.unit:
        axes.set_xlim(0, 1)
    if panel.unit or panel.share:
        axes.set_ylim(0, 1)
    elif lowest >= 0 and not panel.close:
        axes.set_ylim(0, 1.1 * highest or 1.0)
    if panel.doubling:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.xaxis.set_minor_locator(NullLocator())
    if panel.counts:
        axes.set_xlim(0, 1.05 * max((x for x, _ in points), default=0.0) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
