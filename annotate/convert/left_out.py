"""Files that may hold outlines and that a conversion does not read: told, so that none is missed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import BrokenInput
from ..formats.index_mask import MASK_SUFFIXES, MOST_VALUES
from ..formats.instance_mask import TABLE_ENDING, has_few_values
from ..formats.labelme_image import plain_name
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES
from .foreign import bytes_of

_BLURRED = "is a JPEG, GIF or WebP file, and masks are read from PNG, BMP and TIFF"
_BLURRED_REMEDY = "Export it as PNG; take it out of SRC if it is a picture and no mask"


def tell_pictures(folder: Path, masks: Iterable[Path], report: Report) -> None:
    """Tell the pictures among masks whose kind of file keeps no values: an image beside its mask, or a failure.

    Args:
        folder: Where the masks lie. Nothing is told of a single file.
        masks: Those that are read.
        report: Gets the pictures.
    """
    if not folder.is_dir():
        return
    stems = sorted({plain_name(mask.stem) for mask in masks})
    for picture in files_below([folder], IMAGE_SUFFIXES - MASK_SUFFIXES):
        own = plain_name(picture.stem)
        place = bisect_left(stems, own)
        name = picture.relative_to(folder).as_posix()
        if place < len(stems) and stems[place].startswith(own):
            report.note("a picture beside its mask (left out)", name)
        else:
            report.fail(BrokenInput(name, _BLURRED, _BLURRED_REMEDY))


def tell_halves(base: Path, masks: Sequence[Path], report: Report) -> set[str]:
    """Tell the instance masks without a table, and the tables without a mask.

    Args:
        base: The folder.
        masks: Those that have a table.
        report: Gets the others.

    Returns:
        The names of the frames that they would be.
    """
    refused = set()
    for picture in files_below([base], MASK_SUFFIXES):
        name = picture.relative_to(base)
        if picture in masks:
            continue
        if picture.suffix.lower() != ".png":
            if picture.with_name(f"{picture.stem}{TABLE_ENDING}").is_file():
                report.fail(BrokenInput(name.as_posix(), "is no PNG, and its table belongs to one", "Export it as PNG"))
                refused.add(name.with_suffix("").as_posix())
        elif has_few_values(bytes_of(picture), most=MOST_VALUES):
            what = f"has no table NAME{TABLE_ENDING}, so nobody knows which classes its numbers are"
            report.fail(BrokenInput(name.as_posix(), what, "Put its table beside it, or take it out of SRC"))
            refused.add(name.with_suffix("").as_posix())
        else:
            report.note("a picture among the masks (left out)", name.as_posix())
    stems = {mask.with_suffix("") for mask in masks}
    for table in files_below([base], frozenset({".json"})):
        stem = table.with_name(table.name[: -len(TABLE_ENDING)] or table.name)
        if table.name.endswith(TABLE_ENDING) and stem not in stems:
            name = stem.relative_to(base)
            if name.as_posix() not in refused:
                what = "is a table of instances, and its PNG is not there"
                report.fail(BrokenInput(table.relative_to(base).as_posix(), what, "Put the PNG beside it"))
            refused.add(name.as_posix())
    return refused
