"""Look for text inside the ultrasound image with OCR: an alarm, and no proof that there is none."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import UsageError

_LEAST: Final = re.compile(r"(\W*\w){4}")  # characters: speckle is read as one or two
_SURE: Final = 0.8  # the reader's own score, 0 to 1
_BRIGHT: Final = 160  # grey level above which letters lie; with the speckle below it in view, the reader misses them
_SIDE: Final = 500  # px; smaller frames are doubled, because scanners write in letters of 10 px
INSIDE: Final = "text was found inside the image"


class TextAlarm:
    """A reader that is loaded once: it takes a second, and then one or two for each picture.

    Raises:
        UsageError: RapidOCR is not installed.
    """

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR
        except ImportError:
            remedy = "Install it with `pip install 'dmrnet[ocr]'`, or set find_text = false under [import] in dmr.toml"
            raise UsageError("find_text", "needs RapidOCR, which is not installed", remedy) from None
        self._read: Any = RapidOCR(params={"Global.log_level": "error"})  # else it tells each picture on stderr

    def finds_text(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether a picture seems to hold words or numbers of four characters and more.

        Args:
            pixels: `(height, width)` uint8.
        """
        image = Image.fromarray(np.where(pixels > _BRIGHT, pixels, np.uint8(0)))
        if max(image.size) < _SIDE:
            image = image.resize((2 * image.width, 2 * image.height))
        found = self._read(np.asarray(image.convert("RGB")), use_cls=False)
        lines = zip(found.txts or (), found.scores or (), strict=False)
        return any(score >= _SURE and _LEAST.match(text) for text, score in lines)
