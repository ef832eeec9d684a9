"""The log of `dmr serve`: on the terminal and in a file, with short names instead of names of files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from traceback import extract_tb
from typing import Final

from ...annotate.console import printable
from ...annotate.hiding import hidden
from ...annotate.system.clock import utc_now
from ...annotate.wording import shortened

LOG_NAME: Final = "serve.log"
_MOST_BYTES: Final = 2**20
_KEPT: Final = 2  # older files

Write = Callable[[str], None]


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Go on: a full disk is no reason to stop, and nobody reads a traceback here."""
        del record


class ServeLog:
    """Writes a line of what happened. A line holds no text from a request.

    Args:
        folder: The workspace's folder of reports.
        echo: Shows a line on the terminal.
    """

    def __init__(self, folder: Path, *, echo: Write) -> None:
        self.path = folder / LOG_NAME
        self._echo = echo
        self._logger = logging.Logger("dmr serve")
        self._file = _File(self.path, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8")
        self._logger.addHandler(self._file)

    def __call__(self, line: str) -> None:
        """Write a line."""
        told = printable(shortened(hidden(line))).replace("\n", " ")
        self._logger.info("%s %s", utc_now(), told)
        self._echo(told)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def failure(error: BaseException) -> str:
    """A bug in one line: its kind and its place. Its message may hold anything."""
    frames = extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return f"bug: {type(error).__name__} at {place}; please report it"


def on_terminal(line: str) -> None:
    """Show a line on stderr, if there still is one."""
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # the terminal is closed
        return
