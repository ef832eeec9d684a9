"""Open a scan file by what it holds, whatever its name says."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..kinds import DICOM, VIDEO, kind_of_file, not_a_scan
from .pixels import Shown
from .values import Source, Span

_LIBRARIES: Final = {DICOM: "pydicom.pixels", VIDEO: "av"}
_AT_ONCE: Final = 16 << 20  # bytes hashed between two signs of life


def open_source(
    path: Path, *, span: Span, alive: Callable[[], None], loads: Callable[[], None]
) -> tuple[Source, Iterator[Shown]]:
    """What a file says of itself, and its frames, which are decoded as they are taken.

    Args:
        path: The file.
        span: The wanted frames of a clip.
        alive: Called now and then while nothing else is told.
        loads: Called before libraries are loaded, which takes long on a cold disk; `alive` is called behind it.

    Raises:
        BrokenInput: It is of no kind that is read, or is damaged.
        OSError: It cannot be opened.
    """
    sha256 = _sha256(path, alive)
    kind = kind_of_file(path)
    if kind in _LIBRARIES:
        loads()
        with suppress(ImportError):  # whoever needs it says what to install
            importlib.import_module(_LIBRARIES[kind])
        alive()
    if kind is DICOM:
        from .dicom import open_dicom

        return open_dicom(path, sha256=sha256, span=span, alive=alive)
    if kind is VIDEO:
        from .video import open_video

        return open_video(path, sha256=sha256, span=span, alive=alive)
    if not kind.is_read:
        raise not_a_scan(path, kind)
    from .stills import open_picture

    return open_picture(path, sha256=sha256, span=span, alive=alive)


def _sha256(path: Path, alive: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while some := file.read(_AT_ONCE):
            digest.update(some)
            alive()
    return digest.hexdigest()
