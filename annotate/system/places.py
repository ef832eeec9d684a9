"""What stands at a path: a folder, a file, or something that is neither."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ..errors import WorkspaceError

NO_FILE: Final = "is a pipe, a socket or a device"


def is_no_file(path: Path) -> bool:
    """Whether a path is of a pipe, a socket or a device: whoever opens one may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_no_folder(path: Path) -> None:
    """Refuse what stands where a folder belongs; a folder that is not there is made when it is needed.

    Raises:
        WorkspaceError: It is a file, a link that leads to no folder, or a folder that may not be looked into.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):  # searching it would find nothing, and say nothing
            raise WorkspaceError(path, "cannot be opened (no permission)", "Check the permissions of the folder")
        return
    if path.is_symlink():
        remedy = "Bring back the folder that it leads to (is its disk there?), or remove the link"
        raise WorkspaceError(path, "is a link that leads to no folder", remedy)
    raise WorkspaceError(path, "is a file where a folder belongs", "Move it away: the folder is made anew")
