"""COCO's run lengths <-> masks. Pure.

They go down the columns, the first run is of zeros; as text they are differences in groups of five bits (pycocotools'
maskApi).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST_PIXELS: Final = 40_000_000
_MOST_SHIFT: Final = 60  # bits of one run; an image has fewer pixels


def mask_to_rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask as COCO's compressed run lengths: `{"size": [height, width], "counts": text}`."""
    flat = np.asarray(mask, np.bool_).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]]).astype(np.int64)
    counts = np.diff(edges).tolist()
    if flat.size and flat[0]:
        counts.insert(0, 0)
    text = []
    for k, count in enumerate(counts):
        left = count - counts[k - 2] if k > 2 else count
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5
            more = left != -1 if bits & 0x10 else left != 0
            text.append(chr(48 + (bits | 0x20 if more else bits)))
    return {"size": [int(n) for n in mask.shape], "counts": "".join(text)}


def rle_to_mask(rle: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask of COCO's run lengths, compressed or not: `(height, width)` bool.

    Raises:
        ValueError: They are damaged.
    """
    size = rle.get("size")
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise ValueError("run lengths of no size")
    height, width = size
    if height * width > MOST_PIXELS:
        raise ValueError("run lengths of no size")
    counts = rle.get("counts")
    if isinstance(counts, str):
        runs = _unpacked(counts)
    elif isinstance(counts, list) and all(type(n) is int for n in counts):
        runs = counts
    else:
        raise ValueError("run lengths that are neither text nor whole numbers")
    if any(n < 0 for n in runs) or sum(runs) != height * width:
        raise ValueError("run lengths that do not fill the image")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape((height, width), order="F"))


def _unpacked(text: str) -> list[int]:
    runs: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place == len(text):
                raise ValueError("run lengths that are cut off")
            if shift > _MOST_SHIFT:
                raise ValueError("run lengths that are too long")
            bits = ord(text[place]) - 48
            if not 0 <= bits < 64:
                raise ValueError("run lengths with other characters")
            value |= (bits & 0x1F) << shift
            more, place, shift = bool(bits & 0x20), place + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
