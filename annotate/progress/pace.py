"""How far a part of the work is, how fast it goes, and how long it takes from here, in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 300.0  # the pace is that of the last minutes: a computer is slower while somebody works on it
STILL_S: Final = 60.0  # without anything new for so long, a reader is told
_APART_S: Final = 1.0  # between the moments kept


class Share(int):
    """A total of which what is done is a share, and nothing that could be counted."""


@dataclass(slots=True)
class Part:
    """One part of a command's work.

    Attributes:
        what: Its name.
        began: When it was told first, seconds.
        of: How many there are to do; None where nobody knows.
        done: How many are done.
        note: What else is told of it.
        moved: When something about it was new last, seconds.
        ended: When another part was told instead, seconds; None while this is the one at work.
        is_said: Whether a line was written about it.
        moments: Times and how many were done then, of the last minutes.
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
        """Take over what was told.

        What is done by the first telling is no work of this sitting: a training that goes on begins at its share.
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
        """How many there are; None too where more are done than was said."""
        return None if self.of is None or self.done > self.of else self.of

    @property
    def is_done(self) -> bool:
        """Whether all of it is done."""
        return self.total is not None and self.done >= self.total > 0

    def pace(self, now: float) -> float | None:
        """How many a second, by the last minutes; None before anything is done in this sitting."""
        if not self.moments:
            return None
        began, first = self.moments[0]
        last = self.moments[-1][0]
        until = last if now - last < STILL_S else now  # what is being done counts when it is done, or takes too long
        return (self.done - first) / (until - began) if self.done > first and until > began else None

    def left_s(self, now: float) -> float | None:
        """Seconds from here to its end; None where nobody can tell."""
        pace = self.pace(now)
        return None if pace is None or self.total is None else (self.total - self.done) / pace

    def count(self) -> str:
        """How much of it is done, in words; empty before anything is known."""
        if self.total is None:
            return f"{self.done:,} done" if self.done else ""
        return self.percent if isinstance(self.of, Share) else f"{self.done:,} of {self.total:,} ({self.percent})"

    @property
    def percent(self) -> str:
        """How much of it is done; empty where nobody knows. 100 % only at the end."""
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
        """All of it as one line of plain text."""
        still, count, gone = now - self.moved, self.count(), f"{duration(now - self.began)} gone"
        parts = [count, gone, self.left(now), self.note]
        if self.is_done:
            parts = [count, f"done {duration(still)} ago", "the command is still at work"]
        elif count and still >= STILL_S:
            parts = [f"still at {count}", f"nothing new for {duration(still)}", *parts[1:]]
        return f"{self.what}: " + ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """A time as a person says it: `40 s`, `16 min`, `1 h 20 min`, `3 days`."""
    if seconds < 59.5:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{round(minutes / 60 / 24)} days"


def per_time(pace: float) -> str:
    """A pace by the second, the minute or the hour, whichever gives a number above 1."""
    for unit, seconds in (("second", 1), ("minute", 60)):
        if pace * seconds >= 1:
            return f"{pace * seconds:.0f} a {unit}"
    return f"{pace * 3600:.0f} an hour"
