"""Count, speed and time left of one part of the work, in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 300.0  # the pace of the last minutes counts, because a computer is slower while somebody works on it
STILL_S: Final = 60.0  # after so long without news, the line says so
_APART_S: Final = 1.0  # least time between two moments that are kept


class Share(int):
    """A total that is not a count of things: progress towards it is shown in percents only."""


@dataclass(slots=True)
class Part:
    """One part of a command's work.

    Attributes:
        what: Its name.
        began: Time of its first report, seconds.
        of: How many things there are to do; None if unknown.
        done: How many are done.
        note: A further text about it.
        moved: Time of the last news about it, seconds.
        ended: Time when another part began, seconds; None while this one is at work.
        is_said: Whether a line was written about it.
        moments: Times of the last minutes, and how many were done then.
    """

    what: str
    began: float
    of: int | None
    done: int = 0
    note: str = ""
    moved: float = 0.0
    ended: float | None = None
    is_said: bool = False
    moments: deque[tuple[float, int]] = field(default_factory=deque)

    def move(self, more: int, of: int | None, note: str, *, now: float) -> None:
        """Take in a report.

        What is done at the first report does not count for the pace: a training that goes on begins in the middle.
        """
        if more or note != self.note:
            self.moved = now
        self.done, self.of, self.note = self.done + more, of, note
        if len(self.moments) > 1 and now - self.moments[-2][0] < _APART_S:
            self.moments.pop()
        self.moments.append((now, self.done))
        while len(self.moments) > 2 and self.moments[1][0] <= now - WINDOW_S:
            self.moments.popleft()

    @property
    def total(self) -> int | None:
        """How many there are; None if unknown, or if more are done than was announced."""
        return None if self.of is None or self.done > self.of else self.of

    @property
    def is_done(self) -> bool:
        """Whether all of it is done."""
        return self.total is not None and self.done >= self.total > 0

    def pace(self, now: float) -> float | None:
        """How many are done per second, over the last minutes; None before anything is done in this run."""
        if not self.moments:
            return None
        began, first = self.moments[0]
        last = self.moments[-1][0]
        until = last if now - last < STILL_S else now  # the time of the step at work counts only if it takes too long
        return (self.done - first) / (until - began) if self.done > first and until > began else None

    def left_s(self, now: float) -> float | None:
        """Seconds until it ends; None if unknown."""
        pace = self.pace(now)
        return None if pace is None or self.total is None else (self.total - self.done) / pace

    def count(self) -> str:
        """How much is done, in words; empty before anything is known."""
        if self.total is None:
            return f"{self.done:,} done" if self.done else ""
        return self.percent if isinstance(self.of, Share) else f"{self.done:,} of {self.total:,} ({self.percent})"

    @property
    def percent(self) -> str:
        """The share that is done; empty if the total is unknown. 100 % only at the end."""
        return "" if self.total is None else f"{100 * self.done // self.total if self.total else 100} %"

    def left(self, now: float) -> str:
        """The time that is left, in words."""
        if self.is_done:
            return "done"
        seconds = self.left_s(now)
        if seconds is not None:
            return f"about {duration(seconds)} left"
        pace = self.pace(now) if self.total is None else None
        return "time left unknown" if pace is None else f"{per_time(pace)}, time left unknown"

    def line(self, now: float) -> str:
        """Name, count, times and note as one line of plain text."""
        still, count, gone = now - self.moved, self.count(), f"{duration(now - self.began)} gone"
        parts = [count, gone, self.left(now), self.note]
        if self.is_done:
            parts = [count, f"done {duration(still)} ago", "the command is still at work"]
        elif count and still >= STILL_S:
            parts = [f"still at {count}", f"nothing new for {duration(still)}", *parts[1:]]
        return f"{self.what}: " + ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """A duration as people say it: `40 s`, `16 min`, `1 h 20 min`, `3 days`."""
    if seconds < 59.5:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{round(minutes / 60 / 24)} days"


def per_time(pace: float) -> str:
    """A pace per second, minute or hour: the first that gives at least 1, else per hour."""
    for unit, seconds in (("second", 1), ("minute", 60)):
        if pace * seconds >= 1:
            return f"{pace * seconds:.0f} a {unit}"
    return f"{pace * 3600:.0f} an hour"
