"""Painted masks of Label Studio: the run lengths of its brush, and the pictures of its bitmask tool. Pure.

The run lengths are those of the JavaScript package `@thi.ng/rle-pack`. A head of 53 bits gives the number of values,
the bits of a value, and four lengths of counts. Then come runs: a bit that says whether one value is repeated, two bits
that choose the length of the count, the count less one, and the value or the values. The values are those of an RGBA
image, row by row.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...formats.coco_rle import MOST_PIXELS, mask_to_rle, rle_to_mask
from ...system.quiet import quietly

_PNG: Final = "data:image/png;base64,"
_CHANNELS: Final = 4
_BITS: Final = 8  # of a value
_HALF: Final = 128  # a pixel that the brush covers by half or more is painted


def read_painted(rle: object) -> bytes:
    """Run lengths as they stand in a region's value.

    Raises:
        ValueError: They are no list of bytes; the text continues "an outline of 'x' ".
    """
    if not isinstance(rle, list) or not all(type(byte) is int and 0 <= byte < 256 for byte in rle):
        raise ValueError("has run lengths that are no list of bytes")
    return bytes(rle)


def painted_mask(rle: bytes, *, height: int, width: int) -> NDArray[np.bool_]:
    """The mask of run lengths: the pixels that the brush covers by half or more.

    Args:
        rle: As Label Studio writes them.
        height: Rows of the image.
        width: Columns of the image.

    Returns:
        `(height, width)` bool.

    Raises:
        ValueError: They are damaged, or those of an image of another size; the text continues "an outline of 'x' ".
    """
    bits = _Bits(rle)
    size = height * width * _CHANNELS
    if bits.read(32) != size or bits.read(5) + 1 != _BITS:
        raise ValueError("was painted on an image of another size")
    lengths = [bits.read(4) + 1 for _ in range(4)]
    values = np.zeros(size, np.uint8)
    place = 0
    while place < size:
        is_run = bits.read(1)
        count = bits.read(lengths[bits.read(2)]) + 1
        if place + count > size:
            raise ValueError("has run lengths that do not fill the image")
        if is_run:
            values[place : place + count] = bits.read(_BITS)
        else:
            values[place : place + count] = bits.read_bytes(count)
        place += count
    return values.reshape(height, width, _CHANNELS)[:, :, _CHANNELS - 1] >= _HALF


class _Bits:
    """Reads whole numbers from bytes, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0  # in bits

    def read(self, size: int) -> int:
        start, end = self._place, self._place + size
        part = self._take(start, end)
        self._place = end
        return int.from_bytes(part) >> (-end % 8) & ((1 << size) - 1)

    def read_bytes(self, count: int) -> NDArray[np.uint8]:
        start, end = self._place, self._place + count * _BITS
        found = np.unpackbits(np.frombuffer(self._take(start, end), np.uint8))
        self._place = end
        return np.packbits(found[start % 8 : start % 8 + count * _BITS])

    def _take(self, start: int, end: int) -> bytes:
        if end > 8 * len(self._data):
            raise ValueError("has run lengths that are cut off")
        return self._data[start // 8 : (end + 7) // 8]


def read_bitmask(url: object) -> bytes:
    """The PNG in a region's value.

    Raises:
        ValueError: There is none; the text continues "an outline of 'x' ".
    """
    if not isinstance(url, str) or not url.startswith(_PNG):
        raise ValueError("has no picture of its pixels")
    try:
        return base64.b64decode(url.removeprefix(_PNG), validate=True)
    except ValueError:
        raise ValueError("has a picture of its pixels that cannot be read") from None


def bitmask_pixels(png: bytes) -> NDArray[np.bool_]:
    """The pixels of a PNG that are opaque by half or more, at its own size.

    Raises:
        ValueError: It cannot be read, or has no transparent pixels; the text continues "an outline of 'x' ".
    """
    from PIL import Image  # few people paint pixel by pixel

    try:
        # For a picture that would fill the memory, Pillow only warns.
        with quietly(Image.DecompressionBombWarning), Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            if image.width * image.height > MOST_PIXELS or "A" not in image.getbands():
                raise OSError("too large, or opaque")
            return np.asarray(image.getchannel("A")) >= _HALF
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError("has a picture of its pixels that cannot be read") from error


def kept_bitmask(value: object) -> dict[str, Any]:
    """What is kept of a painted picture: the run lengths of its pixels, for a picture may hold texts too.

    Args:
        value: The picture as Label Studio gives it, or as it was kept before.

    Raises:
        ValueError: It cannot be read.
    """
    return mask_to_rle(rle_to_mask(value) if isinstance(value, Mapping) else bitmask_pixels(read_bitmask(value)))
