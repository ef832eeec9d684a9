"""Label Studio's run lengths of a painted mask: the format of the JavaScript package `@thi.ng/rle-pack`. Pure.

A head of 53 bits gives the number of values, the bits of a value, and four lengths of counts. Then come runs: a bit
that says whether one value is repeated, two bits that choose the length of the count, the count less one, and the value
or the values. The values are those of an RGBA image, row by row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
