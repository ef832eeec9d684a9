"""A file takes another one's place, and what was there is not lost."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

from .leftovers import temporary_beside

_AT_FDCWD: Final = -100  # fcntl.h: paths count from the working folder
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS have the same value
_UNABLE: Final = frozenset((errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM))


def exchange(first: Path, second: Path) -> None:
    """Make two files of one folder change their names: afterwards each is found where the other one was.

    On Linux and macOS this is one step. Elsewhere `second` is there at every moment, and what was there is kept unless
    another program replaces it between two calls.

    Raises:
        FileNotFoundError: One of them is not there.
    """
    if _exchanged(first, second):
        return
    spare = temporary_beside(first)
    try:
        os.link(second, spare)
    except FileNotFoundError:
        raise
    except OSError:  # a disk without hard links
        second.replace(spare)
    first.replace(second)
    spare.replace(first)


def place_new(new: Path, path: Path) -> bool:
    """Give a file its name, unless there is a file of that name already.

    Returns:
        Whether it has it now.
    """
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    except OSError:  # a disk without hard links
        if path.exists():
            return False
        new.replace(path)
        return True
    new.unlink()
    return True


def _exchanged(first: Path, second: Path) -> bool:
    """Whether the system could exchange them in one step."""
    if sys.platform not in ("linux", "darwin"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "linux":
            failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)
        else:
            failed = library.renamex_np(*names, _EXCHANGE)
    except AttributeError:  # a system older than the call
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _UNABLE:
        return False
    raise OSError(code, os.strerror(code), str(second))
