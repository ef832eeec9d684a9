"""Tell frames that show no view of the anatomy: colour Doppler, pages, screenshots, black and uniform frames."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WRITTEN: Final = frozenset(("a page of text", "a screenshot"))
"""Views on which a name may stand anywhere."""

View = Literal["colour Doppler", "a page of text", "a screenshot", "a black frame", "a uniform frame"]

_BLOCK: Final = 4  # px; side of the squares that are looked at
# The limits lie between made pictures of one seed and phantom and real frames; `make bench-views` measures what they
# do to made pictures of another seed.
_COLOURED: Final = 0.004  # share of the frame; a line of coloured text has 0.002
_LIT: Final = 24  # grey level; what is below is black, with a video's noise
_LEAST_LIT: Final = 0.04  # share of the blocks
_FLAT: Final = 3  # grey levels; the range of a block without anything in it, as JPEG leaves it
_SPECKLE: Final = 8  # grey levels; the least range of a block that shows something
_SHARP: Final = 100  # grey levels; the range of a block with a stroke of text or a window's edge in it
_STROKES: Final = 0.22  # share of sharp blocks among those that show something: speckle has at most 0.1, text 0.35
_BARE: Final = 0.4  # share of flat blocks; text stands on flat ground
_LIGHT: Final = 100  # grey level from which a flat block is paper or a window
_PAPER: Final = 0.4  # share of light flat blocks from which a small image is one on a page
_SMALL: Final = 0.25  # share of the frame; a smaller sector, or none, is a small image
_IMAGE: Final = 0.02  # share of the frame's blocks that show something if there is an image
_ONE_LEVEL: Final = 0.85  # share of the flat blocks; a page has one ground, windows have several
_SIDE: Final = 16
_EVEN: Final = 20  # grey levels; the range of the means on a grid of 16 x 16 of a uniform frame
_NOISE: Final = 60  # grey levels; the usual range of a noisy uniform frame's blocks


def no_view(pixels: NDArray[np.uint8], *, kept: NDArray[np.bool_], coloured: float) -> View | None:
    """What a frame shows instead of a view of the anatomy; None if nothing speaks against one.

    A frame without a sector is another matter: it may show a faint view, so it stays, and the ranking puts it last.

    Args:
        pixels: `(height, width)` uint8, as decoded, with nothing blanked.
        kept: `(height, width)` bool, the region that holds ultrasound; all pixels if it was not found.
        coloured: Share of clearly coloured pixels in the frame, 0 to 1.
    """
    side = min(_BLOCK, *pixels.shape)
    low, high = _block_extremes(pixels, side)
    inside = kept[side // 2 :: side, side // 2 :: side][: len(low), : low.shape[1]]
    if np.mean(high > _LIT) < _LEAST_LIT:
        return "a black frame"
    span = high - low
    flat = span <= _FLAT
    shows = np.count_nonzero(inside & (span > _SPECKLE))
    strokes = np.count_nonzero(inside & (span > _SHARP)) > _STROKES * max(1, shows)
    paper = np.mean(flat & (high > _LIGHT)) > _PAPER
    image = shows > _IMAGE * span.size and (kept.all() or kept.mean() < _SMALL)
    if np.mean(flat) > _BARE and (strokes or (paper and image)):
        levels = np.bincount(low[flat] // _SPECKLE)
        return "a page of text" if levels.max() > _ONE_LEVEL * levels.sum() else "a screenshot"
    if coloured > _COLOURED:
        return "colour Doppler"
    means = np.asarray(Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX))
    return "a uniform frame" if np.ptp(means) <= _EVEN and np.median(span) < _NOISE else None


def _block_extremes(pixels: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The least and the greatest value of each block.

    Args:
        pixels: `(height, width)` uint8.
        side: Side of a block, px. Rows and columns that fill no block are left out.

    Returns:
        Two arrays `(height // side, width // side)`.
    """
    height, width = (n // side * side for n in pixels.shape)

    def joined(join: np.ufunc) -> NDArray[np.uint8]:
        rows = join.reduce([pixels[k:height:side, :width] for k in range(side)])
        return np.asarray(join.reduce([rows[:, k::side] for k in range(side)]), dtype=np.uint8)

    return joined(np.minimum), joined(np.maximum)
