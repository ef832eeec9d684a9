"""The computer's own failures, such as a full disk or too little memory, as the one line that a user can act on."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .errors import DmrError, UsageError

KEPT: Final = "What was done is kept; the same command goes on from there"

_ROOM: Final = "Make room on the disk"
_REMEDIES: Final = {
    errno.ENOSPC: _ROOM,
    getattr(errno, "EDQUOT", errno.ENOSPC): _ROOM,
    errno.EIO: "The disk or its connection may be failing: see to it, and make a backup",
    errno.EACCES: "Check its permissions, or name another place",
    errno.EPERM: "Check its permissions, or name another place",
    errno.EROFS: "Make the disk writable, or name another place",
    errno.ENAMETOOLONG: "Give it a shorter name",
    errno.EMFILE: "Close other programs, or allow more open files",
    errno.ENFILE: "Close other programs, or allow more open files",
}
_OTHER_REMEDY: Final = "Check the path and its disk, or name another place"
_MEMORY: Final = "Close other programs, or work on fewer and smaller files"

# The place that was named is of the wrong kind, not there, or closed to the user: the command was called wrongly.
_OF_PLACES: Final = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    )
)
# SQLite's primary result codes for what the computer refuses: https://sqlite.org/rescode.html
_OF_SQLITE: Final = {
    3: errno.EACCES,
    7: errno.ENOMEM,
    8: errno.EROFS,
    10: errno.EIO,
    13: errno.ENOSPC,
    14: errno.ENOENT,
}
_RUST_ERROR: Final = re.compile(r"\(os error (\d+)\)")  # how libraries written in Rust tell an errno
_NO_MEMORY: Final = re.compile(r"can't allocate memory|not enough memory|CUDA out of memory", re.IGNORECASE)


def told(error: BaseException) -> DmrError | None:
    """The line for a failure of the computer, wrapped by a library or not; None for anything else, such as a bug."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or _is_memory(seen):
            return DmrError("memory", "this computer's memory is not enough", f"{_MEMORY}. {KEPT}")
        if isinstance(seen, OSError):
            return _of_os(seen)
        if (number := _number(seen)) is not None:
            return _of_os(OSError(number, os.strerror(number)))
        seen = seen.__cause__
    return None


@contextmanager
def about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in whatever the system refuses: writing and syncing do not say which file they were at."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = os.fspath(path), None
        raise


def _of_os(error: OSError) -> DmrError:
    reason = error.strerror or str(error) or type(error).__name__
    where = "the disk" if error.filename is None else os.fsdecode(error.filename) if _is_path(error.filename) else "it"
    remedy = _REMEDIES.get(error.errno or 0, _OTHER_REMEDY)
    kind = UsageError if error.errno in _OF_PLACES and error.filename is not None else DmrError
    return kind(where, f"cannot be used ({reason})", f"{remedy}. {KEPT}")


def _is_path(name: object) -> bool:
    return isinstance(name, (str, bytes, os.PathLike))


def _is_memory(error: BaseException) -> bool:
    """Whether a library says in its own way that there is no memory; a process pool, that one of its own was killed."""
    if type(error).__name__ in ("OutOfMemoryError", "BrokenProcessPool"):
        return True
    return isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None


def _number(error: BaseException) -> int | None:
    """The errno behind an error of SQLite or of a library in Rust; None where there is none."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    if isinstance(code, int):
        return _OF_SQLITE.get(code & 0xFF)
    found = _RUST_ERROR.search(str(error)) if isinstance(error, Exception) and not isinstance(error, DmrError) else None
    return int(found[1]) if found else None
