"""The files that SQLite keeps beside a catalogue. Left read-only, they would keep it closed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import CatalogueError

_ENDINGS: Final = ("-wal", "-shm", "-journal")


def mend_side_files(catalogue: Path) -> None:
    """Make the files beside a catalogue writable, if the catalogue itself is.

    SQLite gives them the catalogue's permissions when it makes them. Made while the catalogue was read-only, they stay
    so, and nothing could be written any more.

    Raises:
        CatalogueError: One of them cannot be made writable, such as another user's.
    """
    try:
        mode = catalogue.stat().st_mode
    except OSError:  # told when it is opened
        return
    if not mode & stat.S_IWUSR or not os.access(catalogue, os.W_OK):
        return
    for path in (catalogue.with_name(f"{catalogue.name}{ending}") for ending in _ENDINGS):
        with suppress(FileNotFoundError):
            if not path.stat().st_mode & stat.S_IWUSR:
                with suppress(PermissionError):
                    path.chmod(stat.S_IMODE(mode))
            if not os.access(path, os.W_OK):
                remedy = (
                    f"Make it writable for whoever runs dmr, as {catalogue.name} is, and do not delete it: it may hold "
                    "what was saved last"
                )
                raise CatalogueError(path.name, "cannot be written, so the catalogue cannot either", remedy)
