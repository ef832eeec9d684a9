"""Decoded pixels of any kind become one grey frame; how much of them is coloured is noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURED: Final = 48  # difference of the channels from which a pixel is clearly coloured; JPEG's own stay below 30
_STEP: Final = 2  # of the pixels that are looked at for colour, in rows and columns


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame of a scan file, in grey.

    Attributes:
        index: Its place in the file, from 0.
        pixels: `(height, width)` uint8.
        time_ms: Time from the first frame; None for a still picture.
        coloured: Share of its pixels that are clearly coloured, 0 to 1.
        notes: Oddities, a short phrase each.
    """

    index: int
    pixels: NDArray[np.uint8]
    time_ms: float | None = None
    coloured: float = 0.0
    notes: tuple[str, ...] = ()


def coloured_share(pixels: NDArray[np.uint8]) -> float:
    """The share of clearly coloured pixels.

    Args:
        pixels: `(height, width, 3)` uint8, RGB.
    """
    some = pixels[::_STEP, ::_STEP].astype(np.int16)
    return float(np.mean(some.max(2) - some.min(2) > COLOURED)) if some.size else 0.0


def grey_of_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey by the luma of BT.601, as of every coloured picture.

    Args:
        pixels: `(height, width, 3)` uint8, RGB.
    """
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"), dtype=np.uint8)
