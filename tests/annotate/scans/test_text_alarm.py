"""The alarm for text inside the image: a name over it is found, and speckle is not taken for text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dmr.annotate.phantom.writing import draw_phantom
from dmr.annotate.scans.images import read_frames

pytest.importorskip("rapidocr")

from dmr.annotate.scans.text_alarm import TextAlarm


def test_a_name_over_the_image_is_found_and_speckle_is_not(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outlines = draw_phantom(tmp_path / "p", patients=1, frames=1, seed=3)
    (frame,) = read_frames(outlines[0].with_suffix(".png"))
    pixels = frame.pixels.copy()
    pixels[:30], pixels[-30:] = 0, 0  # what the phantom writes around the image
    alarm = TextAlarm()
    assert not alarm.finds_text(pixels)
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    pen.text((160, 245), "DOE JANE 1234567", fill=230, font=ImageFont.load_default(20))
    assert alarm.finds_text(np.asarray(image))
    assert not any(capfd.readouterr()), "the reader's own messages are for its makers"
