"""The parts of a command's work and their progress, kept to be shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .pace import Part, Share


class Parts:
    """The parts of a command's work, in the order of their first reports.

    Args:
        clock: Gives the time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()  # one thread reports, another one shows
        self.current: Part | None = None
        self.all: dict[str, Part] = {}
        self.clock = clock

    def tell(self, what: str, more: int, of: int | None, note: str = "") -> None:
        """Take in a report; see `tell.Tell`. A part that was done and is reported again begins anew."""
        with self.lock:
            now = self.clock()
            part = self.all.get(what)
            if part is None or (part.is_done and not more and not isinstance(of, Share)):
                part = self.all[what] = Part(what, now, of, moved=now)
            if self.current is not None and self.current is not part:
                self.current.ended = now
            part.ended, self.current = None, part
            part.move(more, of, note, now=now)
