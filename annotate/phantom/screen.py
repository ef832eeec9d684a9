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


@lru_cache(maxsize=8)
def _written(view: View, lines: tuple[str, ...]) -> NDArray[np.uint8]:
    scanner = view.scanner
    canvas = Image.new("L", (SIDE, SIDE), 0)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    tone = scanner.writing
    for k, line in enumerate(lines):
        pen.text((4, 2 + k * _LINE), line, fill=tone, font=font)
    right = f"{scanner.name.upper()}  {scanner.mhz:g} MHz  {view.depth / 10:.1f} cm"
    pen.text((SIDE - 4, 2), right, fill=tone, font=font, anchor="ra")
    pen.text((4, SIDE - 4), NOTICE, fill=tone, font=font, anchor="ld")
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
