"""Masks whose classes are colours: those that the user names, or the palette of Pascal VOC."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BrokenInput, UsageError
from ..scans.images import MOST_PIXELS
from ..system.quiet import quietly
from .index_mask import MOST_VALUES, check_upright

NamedColors = Mapping[str, int]
"""`0xRRGGBB` by the name of a class."""

Colors = Mapping[int, int]
"""The class index of a colour, `0xRRGGBB`."""

_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_VOC_CLASSES: Final = 21
VOID: Final = 255
"""The index of Pascal VOC's void border, which belongs to no class."""
_VOC_VOID: Final = 0xE0E0C0  # the border that VOC draws around its objects
_REMEDY: Final = "Name its colours, as in --colors nerve=#ff0000,muscle=#00ff00"


def parse_colors(text: str) -> NamedColors:
    """What `--colors` says, `name=#RRGGBB,name=#RRGGBB,...`.

    Raises:
        UsageError: It says something else, or a name, a colour or black twice.
    """
    found: dict[str, int] = {}
    for entry in text.split(","):
        name, _, color = (part.strip() for part in entry.partition("="))
        if not name or not _COLOR.fullmatch(color):
            raise UsageError(
                "--colors", f"{entry.strip()!r} is no name and colour", "Write nerve=#ff0000,muscle=#00ff00"
            )
        value = int(color[1:], 16)
        if name in found or value in found.values() or value == 0:
            what = f"{entry.strip()!r} is " + ("black, the background" if value == 0 else "named twice")
            raise UsageError("--colors", what, "Give each class a colour of its own")
        found[name] = value
    return found


def indices_of_colors(colors: NamedColors, index_of: Callable[[str], int | None]) -> Colors:
    """The class index of each colour.

    Raises:
        UsageError: A name of `colors` is none of the classes.
    """
    found: dict[int, int] = {}
    for name, color in colors.items():
        if (index := index_of(name)) is None:
            raise UsageError("--colors", f"{name!r} is none of --classes", "Name the same classes in both")
        found[color] = index
    return found


def read_color_mask(data: bytes, *, colors: Colors | None, notes: list[str], where: object) -> NDArray[np.uint8] | None:
    """The class indices of a mask that holds colours; None where it holds none and no colours are named.

    Colours that are named count in every mask: of a palette, and white and greys too.

    Args:
        data: The file's bytes: PNG, BMP or TIFF.
        colors: What colours mean; None takes Pascal VOC's, where all of the mask's are of those.
        notes: Gets what is odd about it.
        where: What to call the file in an error.

    Raises:
        BrokenInput: It holds other colours, or so many that it is a picture.
    """
    pixels = _pixels(data, any_color=colors is not None, where=where)
    if pixels is None:
        return None
    values, places = np.unique(pixels, return_inverse=True)
    if len(values) > MOST_VALUES + len(colors or ()):
        remedy = "Give the folder of masks; export a mask that was scaled or blurred anew, without smoothing"
        raise BrokenInput(where, f"has {len(values)} different colours: a picture and no mask", remedy)
    known = {0: 0, **(colors if colors is not None else _VOC)}
    if unknown := [int(v) for v in values if int(v) not in known]:
        shown = ", ".join(f"#{v:06x}" for v in unknown[:5]) + (" and more" if len(unknown) > 5 else "")
        raise BrokenInput(where, f"holds colours that are no class: {shown}", _REMEDY)
    if colors is None:
        notes.append("colours of Pascal VOC (read as its class numbers)")
    index = np.array([known[int(v)] for v in values], np.uint8)[places.reshape(pixels.shape)]
    return np.asarray(index, np.uint8)


def _pixels(data: bytes, *, any_color: bool, where: object) -> NDArray[np.uint32] | None:
    """The colours of an image as `0xRRGGBB`, `(height, width)`; None where it has none but greys.

    Args:
        data: The file's bytes.
        any_color: Take greys, and the colours of a palette, too.
        where: What to call the file in an error.

    Raises:
        BrokenInput: It is turned by its EXIF orientation.
    """
    file = io.BytesIO(data)
    try:
        with quietly(Image.DecompressionBombWarning), Image.open(file, formats=("PNG", "BMP", "TIFF")) as image:
            modes = ("RGB", "RGBA", *(("P", "L", "1") if any_color else ()))
            if image.width * image.height > MOST_PIXELS or image.mode not in modes or getattr(image, "n_frames", 1) > 1:
                return None  # of several pages, who reads it as an index mask tells
            values = np.asarray(image if image.mode == "RGBA" else image.convert("RGB"), np.uint32)
            check_upright(image, where=where)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError):
        return None  # told by who reads it as an index mask
    transparent = values.shape[2] == 4 and bool((values[..., 3] != 255).any())
    if transparent or (not any_color and (values[..., :3] == values[..., :1]).all()):
        return None
    return np.asarray(values[..., 0] << 16 | values[..., 1] << 8 | values[..., 2], np.uint32)


def _voc_color(index: int) -> int:
    """VOC's colour of a class: the index's bits, dealt to red, green and blue from the highest bit down."""
    color = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            color[channel] |= (index >> (3 * place + channel) & 1) << (7 - place)
    return color[0] << 16 | color[1] << 8 | color[2]


def has_void(data: bytes) -> bool:
    """Whether a palette says that 255 is the void border of Pascal VOC, in a mask that can be read."""
    with Image.open(io.BytesIO(data), formats=("PNG", "BMP", "TIFF")) as image:
        palette = image.getpalette("RGB") if image.mode == "P" else None
        return palette is not None and bytes(palette[3 * VOID : 3 * VOID + 3]) == _VOC_VOID.to_bytes(3)


_VOC: Final = {_voc_color(k): k for k in range(1, _VOC_CLASSES)} | {_VOC_VOID: VOID}
