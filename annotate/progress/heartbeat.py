"""Progress without a terminal: a line of plain text at least once a minute."""

from __future__ import annotations

import threading
from typing import Final, TextIO

from .pace import Part
from .parts import Parts

FIRST_S: Final = 10.0  # a short command writes no line, nor does a short part of a long one
EVERY_S: Final = 60.0
_LOOK_S: Final = 0.5


class Heartbeat:
    """Writes lines from its own thread, so that they come even while one step takes long.

    Args:
        parts: The parts to show.
        stream: Written to until `end`.
    """

    def __init__(self, parts: Parts, stream: TextIO) -> None:
        self._parts, self._stream = parts, stream
        self._began = parts.clock()
        self._before = Part("Working", self._began, None, moved=self._began)  # before the first report
        self._said: float | None = None
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop writing."""
        with self._writing:
            self._ended.set()
        self._thread.join(timeout=5)

    def due(self) -> str | None:
        """The line to write now; None if it is not time yet."""
        with self._parts.lock:
            now = self._parts.clock()
            part = self._parts.current or self._before
            is_first = self._said is None
            since = self._began if self._said is None else self._said
            is_new = not part.is_said and now - (self._began if is_first else part.began) >= FIRST_S
            if not is_new and now - since < EVERY_S:
                return None
            self._said, part.is_said = now, True
            return part.line(now)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            line = self.due()
            if line is None:
                continue
            with self._writing:
                if self._ended.is_set() or not self._write(line):
                    return

    def _write(self, line: str) -> bool:
        """Write a line. False if nobody reads any more."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:  # a class may have a name that a Windows console cannot show
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the reader is gone; the work goes on
            return False
        return True
