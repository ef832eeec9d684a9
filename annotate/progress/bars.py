"""In a terminal: a line for each part of the work, in which the time left stays visible however narrow it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .pace import Part, duration, per_time
from .parts import Parts

BAR: Final = (8, 30)  # columns, at least and at most; with less room there is none
_NAME: Final = 4  # columns that a name keeps
_NOTE: Final = 12  # columns from which on a note tells something
_NARROW: Final = 60  # columns, below which percents alone tell how far it is


class Bars:
    """Shows the parts as they are at the moment.

    Args:
        parts: What is told.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One line a part."""
        with self._parts.lock:
            yield from _lines(self._parts, options.max_width)


def _lines(parts: Parts, width: int) -> Iterator[RenderableType]:
    """The bar shrinks first; then the note is cut, then the bar left out; then the name is cut."""
    now = parts.clock()
    rows = [(part, _figures(part, now, width=width), part.note) for part in parts.all.values()]
    if not rows:
        return
    figures = max(len(row[1]) for row in rows)
    name = max(len(part.what) for part, *_ in rows)
    name = max(_NAME, min(name, width - figures - 1))
    free = width - name - 1
    note = max(len(row[2]) for row in rows)
    bar = min(BAR[1], max(BAR[0], free - figures - (note + 2 if note else 0) - 1))
    if free - bar - 1 < figures:
        bar = 0
    room = free - (bar + 1 if bar else 0)
    for part, told, more in rows:
        grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        grid.add_column(width=name, no_wrap=True)
        cells: list[RenderableType] = [Text(part.what, no_wrap=True, overflow="ellipsis")]
        if bar:
            grid.add_column(width=bar, no_wrap=True)
            cells.append(_bar(part, bar))
        grid.add_column(width=room, no_wrap=True)
        shown = (
            told if not more or room - len(told) - 2 < min(_NOTE, len(more)) else f"{told}  {more}" if told else more
        )
        cells.append(Text(shown, no_wrap=True, overflow="ellipsis"))
        grid.add_row(*cells)
        yield grid


def _figures(part: Part, now: float, *, width: int) -> str:
    """How far it is and how long it takes from here, in short."""
    count = part.count()
    if part.total is not None and width < _NARROW:
        count = part.percent
    if part.ended is not None or part.is_done:
        time = duration((part.moved if part.ended is None else part.ended) - part.began)
    elif (left := part.left_s(now)) is not None:
        time = f"{duration(left)} left"
    elif part.total is None and (pace := part.pace(now)) is not None:
        time = per_time(pace)
    else:
        time = f"{duration(now - part.began)} gone"
    return "  ".join(text for text in (count, time) if text)


def _bar(part: Part, width: int) -> RenderableType:
    if part.total is None:
        return Text("") if part.ended is not None else ProgressBar(total=None, width=width, pulse=True)
    return ProgressBar(total=max(1, part.total), completed=part.done, width=width)
