"""Progress in a terminal: one line for each part of the work. The time left is visible at any width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .pace import Part, duration, per_time
from .parts import Parts

BAR: Final = (8, 30)  # columns of a bar, least and most; with less room there is no bar
_NAME: Final = 4  # columns that a name always gets
_NOTE: Final = 12  # columns that a note needs to be worth showing
_NARROW: Final = 60  # columns; in a narrower terminal only percents are shown


class Bars:
    """Shows the parts in their present state.

    Args:
        parts: The parts to show.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One line for each part."""
        with self._parts.lock:
            yield from _lines(self._parts, options.max_width)


def _lines(parts: Parts, width: int) -> Iterator[RenderableType]:
    """With less room, first the bar shrinks, then the note is cut, then the bar goes, then the name is cut."""
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
    """Count and time of a part, in short."""
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
