"""The contact sheet of `dmr convert`: some of the converted frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..classes import PALETTE, ClassDef, Classes
from ..errors import BrokenInput, UsageError
from ..render.overlay import contact_sheet, draw_overlay
from ..report import Report
from ..scans.images import decode_frames, encode_png
from ..shapes import Annotation
from ..system.store import write_atomic
from ..wording import counted

_MOST_CELLS = 12
_MOST_CLASSES = 254  # of a `ClassDef`; 255 marks ignored pixels
_TITLE = "dmr contact sheet"  # marks our own sheets: they may be replaced


class Preview:
    """Collects frames spread evenly over the batch. Without a path it does nothing.

    Args:
        path: The PNG to write.
        total: Frames in the batch.
        masks: The folder or file of the masks that are read. A sheet in it would be taken for a mask.

    Raises:
        UsageError: `path` is not a PNG name, lies among the masks, or is another picture.
    """

    def __init__(self, path: Path | None, total: int, *, masks: Path | None = None) -> None:
        self._path = path
        self._step = max(1, -(-total // _MOST_CELLS))
        self._cells: list[tuple[str, Annotation, Path | bytes | None]] = []
        if path is not None and path.suffix.lower() != ".png":
            raise UsageError(path, "is not the name of a PNG file", "Give --preview a name such as sheet.png")
        self._check_free()
        if path is not None and masks is not None and path.resolve().is_relative_to(masks.resolve()):
            raise UsageError(path, "lies among the masks of SRC", "Give --preview a name outside SRC")

    def _check_free(self) -> None:
        if self._path is not None and self._path.exists() and not _is_sheet(self._path):
            raise UsageError(self._path, "exists and is not a contact sheet", "Give --preview another name")

    def wants(self, number: int) -> bool:
        """Whether the sheet shows the frame with this number."""
        return self._path is not None and number % self._step == 0

    def add(self, name: str, annotation: Annotation, image: Path | bytes | None) -> None:
        """Add a frame. Without an image, it is shown on black."""
        self._cells.append((name, annotation, image))

    def write(self, label: Callable[[int], str], report: Report, *, dry_run: bool) -> None:
        """Write the sheet, if one was asked for.

        Args:
            label: Gives the label of an index.
            report: Gets a line about the sheet.
            dry_run: Write nothing.

        Raises:
            UsageError: The conversion has just written a file of this name.
        """
        if self._path is None or dry_run or not self._cells:
            return
        self._check_free()
        used = {shape.class_id for _, annotation, _ in self._cells for shape in annotation.shapes}
        drawn = sorted(index for index in used if index <= _MOST_CLASSES)
        classes = Classes([ClassDef(n, f"class_{n}", color=PALETTE[(n - 1) % len(PALETTE)], z=n) for n in drawn])
        cells = [
            (draw_overlay(_pixels(annotation, image), annotation, classes=classes), name)
            for name, annotation, image in self._cells
        ]
        legend = {label(c.id): c.color for c in classes}
        write_atomic(self._path, encode_png(contact_sheet(cells, legend=legend), title=_TITLE))
        report.say(f"Contact sheet of {counted(len(cells), 'frames')}: {self._path}")


def _is_sheet(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return picture.info.get("Title") == _TITLE
    except (OSError, ValueError):
        return False


def _pixels(annotation: Annotation, image: Path | bytes | None) -> NDArray[np.uint8]:
    black = np.zeros((annotation.height, annotation.width), dtype=np.uint8)
    if image is None:
        return black
    try:
        data = image if isinstance(image, bytes) else image.read_bytes()
        frame = next(decode_frames(data, where="the image", source_sha256=""))
    except (BrokenInput, OSError):
        return black
    return frame.pixels if frame.pixels.shape == black.shape else black
