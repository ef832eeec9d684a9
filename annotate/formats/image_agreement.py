"""Whether a file of outlines and its image agree on the size: one rule, and one wording, for every command."""

from __future__ import annotations

from pathlib import Path

from ..errors import BrokenInput
from ..scans.images import MOST_PIXELS, image_size


def check_size(said: tuple[int | None, int | None], there: tuple[int, int], *, where: object) -> None:
    """Make sure that a file says its image's size, as far as it says one.

    Args:
        said: Rows and columns in the file, None where it does not say.
        there: Rows and columns of the image.
        where: What to call the file in an error.

    Raises:
        BrokenInput: They differ.
    """
    height, width = said[0] or there[0], said[1] or there[1]
    if (height, width) != there:
        what = f"says {width} x {height} pixels, and its image has {there[1]} x {there[0]}"
        raise BrokenInput(where, what, "Find the image that it was drawn on")


def agreed_size(
    said: tuple[int | None, int | None], image: Path | bytes | None, *, where: object, notes: list[str] | None = None
) -> tuple[int, int]:
    """Rows and columns of a frame: its image's, or where that is not there, those that the file says.

    Args:
        said: Rows and columns in the file, None where it does not say.
        image: The image file or its bytes.
        where: What to call the file in an error.
        notes: Gets what is odd, where the image is none and the file says its size.

    Raises:
        BrokenInput: They differ, nothing tells, or the file says more than a frame has.
    """
    height, width = said
    if height is not None and width is not None and height * width > MOST_PIXELS:
        what = f"says {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million"
        raise BrokenInput(where, what, "Correct imageHeight and imageWidth")
    if image is not None:
        try:
            there = image_size(image, where=where)
        except BrokenInput:
            if height is None or width is None:
                raise
            if notes is not None:
                notes.append("its image cannot be read (the size is the file's own)")
        else:
            check_size(said, there, where=where)
            return there
    if height is None or width is None:
        raise BrokenInput(where, "says no size, and its image is not there", "Name the image's folder with --images")
    return height, width
