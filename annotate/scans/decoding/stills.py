"""Pictures by Pillow: PNG, JPEG, BMP, and the pages and frames of TIFF, GIF and WebP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..images import open_pictures
from .pixels import Shown
from .values import Source, Span


def open_picture(path: Path, *, sha256: str, span: Span, alive: Callable[[], None]) -> tuple[Source, Iterator[Shown]]:
    """What a picture says of itself, and its frames.

    Raises:
        BrokenInput: It is damaged, or too large.
    """
    pictures = open_pictures(path.read_bytes(), where=path, suffix=path.suffix.lower())
    source = Source(kind=pictures.kind, sha256=sha256, frames=pictures.count, notes=pictures.notes)
    return source, pictures.frames(span.of(pictures.count), alive=alive)
