"""What a command tells of its work, kept for whoever shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .pace import Part, Share


class Parts:
    """The parts of a command's work, in the order in which they were told.

    Args:
        clock: Seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()  # told by one thread, shown by another
        self.current: Part | None = None
        self.all: dict[str, Part] = {}
        self.clock = clock

    def tell(self, what: str, more: int, of: int | None, note: str = "") -> None:
        """Take in what was told; see `console.Tell`. A part that was done and is told anew begins again."""
        with self.lock:
            now = self.clock()
            part = self.all.get(what)
            if part is None or (part.is_done and not more and not isinstance(of, Share)):
                part = self.all[what] = Part(what, now, of, moved=now)
            if self.current is not None and self.current is not part:
                self.current.ended = now
            part.ended, self.current = None, part
            part.move(more, of, note, now=now)
