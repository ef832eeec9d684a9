"""The text around a scanner's image: never over it, and always with a notice that the frame is synthetic."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .scanner import SIDE, View

NOTICE: Final = "SYNTHETIC"
_LINE: Final = 13  # pixels
_FONT: Final = 11


def write_screen(pixels: NDArray[np.uint8], view: View, *, lines: tuple[str, ...] = ()) -> NDArray[np.uint8]:
    """The whole screen of a frame.

    Args:
        pixels: `(SIDE, SIDE)` uint8, the sector on the scanner's background.
        view: The scanner's screen.
        lines: Lines of text at the top left, above the sector: invented patient data of a DICOM clip.

    Returns:
        `(SIDE, SIDE)` uint8; no pixel of the sector is changed.
    """
    written = _written(view, lines)
    return np.where(written > 0, written, pixels)


def painted_glyphs(view: View, lines: tuple[str, ...] = ()) -> dict[str, NDArray[np.bool_]]:
    """Each text on the screen, with the pixels in which `write_screen` paints it, `(SIDE, SIDE)` bool.

    Args:
        view: The scanner's screen.
        lines: Lines of text at the top left.
    """
    glyphs = {}
    for place, text, anchor in _texts(view, lines):
        canvas = Image.new("L", (SIDE, SIDE), 0)
        ImageDraw.Draw(canvas).text(place, text, fill=255, font=ImageFont.load_default(_FONT), anchor=anchor)
        mask = np.asarray(canvas) > 0
        mask.ravel()[view.sampling[0]] = False
        glyphs[text] = mask
    return glyphs


def _texts(view: View, lines: tuple[str, ...]) -> list[tuple[tuple[int, int], str, str]]:
    """Place, text and anchor of all that is written."""
    scanner = view.scanner
    right = f"{scanner.name.upper()}  {scanner.mhz:g} MHz  {view.depth / 10:.1f} cm"
    return [
        *(((4, 2 + k * _LINE), line, "la") for k, line in enumerate(lines)),
        ((SIDE - 4, 2), right, "ra"),
        ((4, SIDE - 4), NOTICE, "ld"),
    ]


@lru_cache(maxsize=8)
def _written(view: View, lines: tuple[str, ...]) -> NDArray[np.uint8]:
    scanner = view.scanner
    canvas = Image.new("L", (SIDE, SIDE), 0)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(_FONT)
    tone = scanner.writing
    for place, text, anchor in _texts(view, lines):
        pen.text(place, text, fill=tone, font=font, anchor=anchor)
    if scanner.ticks:
        for cm in range(int(view.depth / 10) + 1):
            y = view.apex[1] + 10 * cm / view.mm_per_px
            length = 7 if cm % 5 == 0 else 3
            pen.line([(SIDE - 3 - length, y), (SIDE - 3, y)], fill=tone)
    # The orientation mark is on the side of the body's front.
    mark = SIDE // 4 if view.flipped else 3 * SIDE // 4
    pen.ellipse([(mark - 4, scanner.margin[0] + 2), (mark + 4, scanner.margin[0] + 10)], outline=tone)
    result = np.asarray(canvas).copy()
    result.ravel()[view.sampling[0]] = 0
    return result
