"""Words that touch an image or stand on a dark part of it, told by their strokes and without reading them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .sector import grown, shrunk

_BRIGHT: Final = 40  # grey levels above the ground; JPEG leaves less beside an edge
_RING: Final = 5  # px above and below the edge of an image where nothing is bright,
_BESIDE: Final = 10  # and beside it
_TOUCHING: Final = 10  # px; fewer bright ones are a corner of a mark
_SPACE: Final = 1.2  # heights of a line; a word may end inside an image, and the next one begin so far from it
_DARK: Final = 16  # grey levels above the ground
_STROKE: Final = 60  # grey levels from a pixel to the next at the edge of a letter
_JOINED: Final = 7  # px; letters of a line are nearer to each other
_HIGH: Final = (5, 34)  # px; height of a line
_LONG: Final = 2.0  # least length of a line in heights,
_LONGER: Final = 10  # and in px
_CLEAR: Final = 0.9  # share of dark pixels around a line
_FILLED: Final = (0.12, 0.75)  # share of bright pixels in a line
_SHARP: Final = 0.35  # share of a line's columns with the edge of a letter
_EIGHT: Final = np.ones((3, 3), np.bool_)


def touches(pixels: NDArray[np.uint8], kept: NDArray[np.bool_], *, ground: int) -> bool:
    """Whether something bright lies directly around what is kept, or a line of letters ends beside it.

    Args:
        pixels: `(height, width)` uint8.
        kept: `(height, width)` bool.
        ground: Grey level around the image.
    """
    outside = (pixels > ground + _BRIGHT) & ~kept
    around = grown(kept, 2 * _RING + 1, axes=(0,)) | grown(kept, 2 * _BESIDE + 1, axes=(1,))
    if np.count_nonzero(around & outside) >= _TOUCHING:
        return True
    for rows, columns, _ in _lines(outside):
        reach = round(_SPACE * (rows.stop - rows.start))
        if kept[rows, max(0, columns.start - reach) : columns.stop + reach].any():
            return True
    return False


def line_on_dark(pixels: NDArray[np.uint8], kept: NDArray[np.bool_], *, ground: int) -> bool:
    """Whether a line of letters stands on a dark part of what is kept, as below an image that fades.

    Args:
        pixels: `(height, width)` uint8.
        kept: `(height, width)` bool.
        ground: Grey level around the image.
    """
    bright = (pixels > ground + _BRIGHT) & kept
    for rows, columns, line in _lines(bright):
        y0, y1, x0, x1 = max(0, rows.start - 3), rows.stop + 3, max(0, columns.start - 3), columns.stop + 3
        place = np.zeros(kept[y0:y1, x0:x1].shape, np.bool_)
        place[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = line
        around = grown(place, 7) & ~grown(place, 3) & kept[y0:y1, x0:x1]
        here = pixels[y0:y1, x0:x1].astype(np.int16)
        clear = np.mean(here[around] <= ground + _DARK) if around.any() else 0.0
        filled = np.mean(bright[rows, columns])
        sharp = np.mean((np.abs(np.diff(here, axis=1)) > _STROKE).any(axis=0))
        if clear >= _CLEAR and _FILLED[0] <= filled <= _FILLED[1] and sharp >= _SHARP:
            return True
    return False


def _lines(bright: NDArray[np.bool_]) -> Iterator[tuple[slice, slice, NDArray[np.bool_]]]:
    """Bright parts with the size of a line of letters: their rows, their columns, and their pixels among these.

    Half a line that the frame cuts off counts too.
    """
    margin = ((0, 0), (_JOINED, _JOINED))
    joined = shrunk(grown(np.pad(bright, margin), _JOINED, axes=(1,)), _JOINED, axes=(1,))
    parts, _ = ndimage.label(joined[:, _JOINED:-_JOINED], _EIGHT)
    for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
        high, long = rows.stop - rows.start, columns.stop - columns.start
        cut = rows.start == 0 or rows.stop == len(bright)
        if (high >= _HIGH[0] or (cut and high > 1)) and high <= _HIGH[1] and long >= max(_LONGER, _LONG * high):
            yield rows, columns, parts[rows, columns] == number
