"""Names of temporary files, and the sweeping of those whose program was killed."""

from __future__ import annotations

import itertools
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from .platform import is_network_share, process_command

TEMPORARY: Final = re.compile(r"\.dmr-([0-9a-f]{6})([0-9a-f]{6})\.tmp")
"""A name's second half tells the process that writes the file."""

_BITS: Final = 24
_numbers = itertools.count(secrets.randbits(_BITS))
_looked_into: set[Path] = set()  # folders that this process has swept


def temporary_beside(path: Path) -> Path:
    """A name for a temporary file in the folder of `path`, which no other process uses."""
    number, process = (value % 2**_BITS for value in (next(_numbers), os.getpid()))
    return path.with_name(f".dmr-{number:06x}{process:06x}.tmp")


def sweep_once(folder: Path) -> None:
    """Delete what killed runs left in a folder, the first time that this process writes there.

    Only files with our own temporary names go, and only those of processes that run no more. On a network share nothing
    is deleted: another computer may be writing.
    """
    if folder in _looked_into:
        return
    _looked_into.add(folder)
    is_running = cache(_is_running)
    with suppress(OSError):
        left = [path for path in folder.iterdir() if _is_left_behind(path, is_running)]
        if left and not is_network_share(folder):
            for path in left:
                path.unlink(missing_ok=True)


def _is_left_behind(path: Path, is_running: Callable[[int], bool]) -> bool:
    found = TEMPORARY.fullmatch(path.name)
    return found is not None and not is_running(int(found[2], 16))


def _is_running(number: int) -> bool:
    """Whether a process of this number runs here, as far as its last 24 bits tell."""
    return number == os.getpid() % 2**_BITS or process_command(number) != ""
