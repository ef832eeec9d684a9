"""How alike two frames look."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Bits of 64 by which the perceptual hashes of two near-copies may differ. Few where a frame is held against all others,
# of other patients too: among thousands, unlike frames come near by chance. More within a clip, where a frame's
# neighbours show the same moment and none of them need be shown twice.
NEAR_COPY: Final = 1
NEAR_COPY_IN_CLIP: Final = 3


def perceptual_hash(pixels: NDArray[np.uint8]) -> str:
    """A hash that near-copies nearly share: the signs of 64 differences of brightness (dHash).

    Args:
        pixels: `(height, width)` uint8.

    Returns:
        64 bits as 16 hex digits; compare with `hamming`.
    """
    small = np.asarray(Image.fromarray(pixels).resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def hamming(first: str, second: str) -> int:
    """The number of bits in which two perceptual hashes differ, 0 to 64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()
