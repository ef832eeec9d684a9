"""Files that an import of outlines left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ..formats.index_mask import MASK_SUFFIXES
from ..report import Report
from ..scans.discover import walk
from ..scans.images import IMAGE_SUFFIXES
from ..scans.kinds import SYSTEM, UNKNOWN, Kind, kind_of_file
from ..scans.left_out import LeftOut
from .outside_frame import OutsideFrame

UNDRAWN: Final = Kind("image without outlines", "images without outlines", "an image without outlines")


def noting_images(items: Iterable[OutsideFrame], used: set[Path]) -> Iterator[OutsideFrame]:
    """Pass the items on, and add the files of their images to `used`."""
    for item in items:
        if item.source is not None:
            used.add(item.source.resolve())
        yield item


def left_out_of_import(
    paths: Sequence[Path],
    *,
    used: set[Path],
    report: Report,
    masks: Path | None = None,
    without: Sequence[Path] = (),
) -> LeftOut:
    """Count files that an import of outlines left out: images without outlines, and files of other kinds.

    Args:
        paths: The files and folders that were imported.
        used: The images that were imported, symbolic links followed.
        report: Gets the folders that cannot be opened.
        masks: The folder of masks, or None if Labelme files were imported.
        without: Folders that were not searched.
    """
    left_out = LeftOut()
    found = list(walk(paths, report=report, without=without))

    def holds_outlines(path: Path) -> bool:
        if masks is None:
            return path.suffix.lower() == ".json"
        return path.suffix.lower() in MASK_SUFFIXES and path.is_relative_to(masks)

    drawn = {item.path.stem for item in found if holds_outlines(item.path)}
    for item in found:
        path = item.path
        if item.is_system:
            left_out.add(SYSTEM)
        elif item.unread is not None:
            left_out.add(item.unread)
        elif not holds_outlines(path) and path.resolve() not in used:
            kind = kind_of_file(path)
            if not (kind.is_read or (kind is UNKNOWN and path.suffix.lower() in IMAGE_SUFFIXES)):
                left_out.add(kind)
            elif path.stem not in drawn:  # an unused image with outlines has failed, and is reported already
                left_out.add(UNDRAWN)
    return left_out
