"""Class-index masks as files: each pixel's value is a class, 0 is background."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BrokenInput
from ..scans.images import MOST_PIXELS
from ..system.quiet import quietly

MASK_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff"})
"""Lower case, of the kinds that keep values exactly."""

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_KINDS: Mapping[str, str] = {"RGB": "colours", "RGBA": "colours", "CMYK": "colours", "F": "fractions"}


def read_index_mask(data: bytes, *, where: object) -> NDArray[np.uint8]:
    """Read the class indices of a mask file.

    A palette's indices are taken, not its colours; black and white is 0 and 1; colour whose three channels are equal
    counts as grey; 16 bits do where no value is above 255.

    Args:
        data: The file's bytes: PNG, BMP or TIFF.
        where: What to call the file in an error.

    Returns:
        `(height, width)` uint8.

    Raises:
        BrokenInput: It is no such image, is damaged or too large, or holds no indices.
    """
    remedy = "Export the mask as a grey PNG of 8 bits whose values are the classes"
    try:
        with quietly(Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            if image.format in ("JPEG", "MPO"):
                raise BrokenInput(where, "is a JPEG, which does not keep a mask's values", remedy)
            if getattr(image, "n_frames", 1) > 1:
                raise BrokenInput(where, "has several pages", "Save each mask as a file of its own")
            values = np.asarray(image)
            mode = image.mode
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        what = f"has more than {MOST_PIXELS // 1_000_000} million pixels"
        raise BrokenInput(where, what, "Check that it is a mask") from error
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError) as error:
        raise BrokenInput(where, "is no PNG, BMP or TIFF image, or is damaged", remedy) from error
    if mode in ("LA", "PA", "RGBA"):
        if (values[..., -1] != 255).any():
            raise BrokenInput(where, "is transparent in places", remedy)
        values = values[..., :-1]
        if mode != "RGBA":
            values = values[..., 0]
    if mode in ("RGB", "RGBA") and (values == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "biu":
        raise BrokenInput(where, f"holds {_KINDS.get(mode, 'values')} ({mode}) and no class indices", remedy)
    if values.min(initial=0) < 0 or values.max(initial=0) > 255:
        raise BrokenInput(where, f"has values up to {values.max()}; a class index is 0 to 255", remedy)
    return values.astype(np.uint8)
