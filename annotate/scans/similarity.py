"""How similar two frames look: by hashes, and by grey values on a small grid."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Bits of 64 by which the perceptual hashes of two near-copies may differ. Few bits if a frame is compared with frames
# of all patients, because among thousands some differing frames are near by chance. More bits within a clip, where
# neighbouring frames show the same moment and need not be shown twice.
NEAR_COPY: Final = 1
NEAR_COPY_IN_CLIP: Final = 3

SMALL: Final = 16  # side of the grid of grey values by which a ranking tells near-copies apart


def perceptual_hash(pixels: NDArray[np.uint8]) -> str:
    """A hash that is almost the same for near-copies: the signs of 64 differences of brightness (dHash).

    Args:
        pixels: `(height, width)` uint8.

    Returns:
        64 bits as 16 hex digits; compare with `hamming`.
    """
    small = np.asarray(Image.fromarray(pixels).resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def small_grey(pixels: NDArray[np.uint8]) -> bytes:
    """The mean grey values of a frame on a grid of 16 x 16, row by row; a byte each.

    Args:
        pixels: `(height, width)` uint8.
    """
    return Image.fromarray(pixels).resize((SMALL, SMALL), Image.Resampling.BOX).tobytes()


def standardised(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Small grey values `(n, 256)` with each row's mean taken away and its spread made 1; a flat row is 0."""
    values = small.astype(np.float32)
    values -= values.mean(1, keepdims=True)
    return np.asarray(values / (values.std(1, keepdims=True) + 1e-3), dtype=np.float32)


def hamming(first: str, second: str) -> int:
    """The number of bits in which two perceptual hashes differ, 0 to 64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()
