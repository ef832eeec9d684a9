"""Read class-index masks from files: each pixel's value is a class, 0 is background."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BrokenInput
from ..scans.images import MOST_PIXELS
from ..system.quiet import quietly

MASK_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff"})
"""Lower case. These kinds of files keep values exactly."""

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
MOST_VALUES: Final = 32
"""Different values of a mask; a picture has more."""
_WHITE: Final = 255
_ORIENTATION: Final = 0x0112  # tag of EXIF; 1 is upright
_KINDS: Mapping[str, str] = {"RGB": "colours", "RGBA": "colours", "CMYK": "colours", "F": "fractions"}


def read_index_mask(data: bytes, *, where: object) -> NDArray[np.uint8]:
    """Read the class indices of a mask file.

    For a palette, the indices count and not the colours. Black and white is 0 and 1. Colour with three equal channels
    counts as grey. 16 bits are read if no value is above 255.

    Args:
        data: The file's bytes: PNG, BMP or TIFF.
        where: What to call the file in an error.

    Returns:
        `(height, width)` uint8.

    Raises:
        BrokenInput: It is no such image, is damaged or too large, or has no class indices.
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
            check_upright(image, where=where)
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
        if _KINDS.get(mode) == "colours":
            remedy = "Convert it first: dmr convert mask-to-labelme --colors nerve=#ff0000,muscle=#00ff00"
        raise BrokenInput(where, f"holds {_KINDS.get(mode, 'values')} ({mode}) and no class indices", remedy)
    if values.min(initial=0) < 0 or values.max(initial=0) > 255:
        what = f"has values from {values.min()} to {values.max()}; a class index is 0 to 255"
        raise BrokenInput(where, what, remedy)
    return values.astype(np.uint8)


def read_class_mask(
    data: bytes, *, class_ids: Sequence[int], where: object
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read the class indices of a mask file whose classes are known.

    A black and white mask (0 and 255, or of one bit) shows the one class, where there is only one.

    Args:
        data: The file's bytes.
        class_ids: The classes that there are.
        where: What to call the file in an error.

    Returns:
        `(height, width)` uint8, and what is odd about it, a short phrase each.

    Raises:
        BrokenInput: It holds no class indices, mostly other values, or is a picture and no mask.
    """
    index = read_index_mask(data, where=where)
    if _has_one_bit(data):  # its 1 says that something is drawn, and not that it is of class 1
        index = index * np.uint8(_WHITE)
    values = np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist()
    if len(values) > MOST_VALUES:
        remedy = "Give the folder of masks; export a mask that was scaled or blurred anew, without smoothing"
        raise BrokenInput(where, f"has {len(values)} different values: a picture and no mask", remedy)
    if _WHITE in values and set(values) <= {0, _WHITE} and _WHITE not in class_ids:
        if len(class_ids) != 1:
            what = f"is black and white (0 and 255), and there are {len(class_ids)} classes"
            remedy = "Save the class's id as the value, or lay the masks out as LAYERS/CLASS/NAME.png and convert them"
            raise BrokenInput(where, what, remedy)
        return np.where(index == _WHITE, np.uint8(class_ids[0]), index), ("white (255) in a mask is the one class",)
    strange = [value for value in values if value and value not in class_ids]
    if len(strange) > max(2, len(values) - 1 - len(strange)):  # smoothed borders have every value in between
        what = f"holds values that are no class: {', '.join(map(str, strange[:5]))} and more"
        raise BrokenInput(where, what, "Export the mask anew, without smoothing or compression")
    return index, ()


def check_upright(image: Image.Image, *, where: object) -> None:
    """Make sure that no EXIF orientation turns a mask: programs disagree whether the turned or the stored one is meant.

    Pillow turns a TIFF by itself, as every program does.

    Raises:
        BrokenInput: One does.
    """
    if image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) not in (0, 1):
        raise BrokenInput(where, "is turned by its EXIF orientation", "Save the mask upright, without EXIF")


def has_black_background(data: bytes) -> bool:
    """Whether 0 is black in an image that can be read: it may have a palette that says otherwise."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        palette = image.getpalette() if image.mode in ("P", "PA") else None
        return not palette or not any(palette[:3])


def _has_one_bit(data: bytes) -> bool:
    """Whether an image that can be read has one bit a pixel."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        return image.mode == "1"
