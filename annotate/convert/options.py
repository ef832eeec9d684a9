"""What every conversion is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..progress.tell import Tell, silent
from .names import Given


@dataclass(frozen=True, slots=True)
class Options:
    """The options that all conversions share.

    Attributes:
        src: What to read: a file, or a folder of them at any depth.
        dst: Where to write. A file that was drawn or edited by hand, or that no conversion wrote, is not replaced.
        classes: The classes wanted in the order of their numbers, from 1, each with its spellings; the first is
            written. None takes all as they are called.
        images: Folder of images that are neither beside the files nor below `src`.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.
    """

    src: Path
    dst: Path
    classes: Given | None = None
    images: Path | None = None
    preview: Path | None = None
    dry_run: bool = False
    tell: Tell = silent
