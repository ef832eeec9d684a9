"""Pictures that show no view of the anatomy, drawn at random: pages, screenshots, black, uniform, colour Doppler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.writing import PhantomSet

Pixels = NDArray[np.uint8]
Maker = Callable[[np.random.Generator, Pixels], Pixels]

SIZES = ((480, 640), (602, 563), (768, 1024), (850, 600), (720, 1280), (1000, 707))
_WORDS = (
    *("patient", "name", "date of birth", "ultrasound", "lumbar spine", "left", "right", "normal", "finding", "muscle"),
    *("depth", "gain", "report", "hospital", "physician", "measured", "mm", "cm", "no sign of", "indication", "nerve"),
    *("impression", "comment", "signature", "page", "block", "needle", "12", "3.4", "2026"),
)


def phantom_screens(count: int, *, seed: int) -> Iterator[Pixels]:
    """Whole screens of phantom frames, four a clip."""
    wanted = PhantomSet(-(-count // 4), 4, seed=seed)
    for number in wanted.numbers():
        clip = wanted.clip(number)
        lines = (f"DOE^JOHN {number}", "1970-01-02 M") if number % 2 else ()
        for frame in clip.frames():
            yield write_screen(frame.pixels, clip.view, lines=lines)


def page(rng: np.random.Generator, ultrasound: Pixels) -> Pixels:
    """A page of a report: lines of text, at times a frame line, a table, a small image, or light text on dark."""
    height, width = _size(rng)
    dark = rng.random() < 0.2
    paper, ink = (int(rng.integers(0, 30)), 230) if dark else (int(rng.integers(225, 256)), int(rng.integers(0, 90)))
    canvas = Image.new("L", (width, height), paper)
    pen = ImageDraw.Draw(canvas)
    size = int(rng.integers(9, 25))
    top, left = int(rng.integers(10, 60)), int(rng.integers(10, 60))
    bottom = int(rng.uniform(0.4, 1) * height)
    for y in range(top, bottom, int(size * rng.uniform(1.2, 2))):
        _line(pen, rng, (left, y), width - left, size, ink)
    if rng.random() < 0.3:
        for y in np.linspace(top, bottom, int(rng.integers(4, 12))):
            pen.line((left, y, width - left, y), fill=ink)
    if rng.random() < 0.25:
        _paste(canvas, ultrasound, rng, share=rng.uniform(0.2, 0.4))
    return _stored(np.asarray(canvas), rng)


def screenshot(rng: np.random.Generator, ultrasound: Pixels) -> Pixels:
    """A computer's screen: windows with bars, buttons and text, at times a small image, in grey or colours."""
    height, width = _size(rng)
    tinted = rng.random() < 0.5
    canvas = Image.new("RGB", (width, height), _tone(rng, tinted))
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(2, 6))):
        w, h = int(rng.uniform(0.3, 0.9) * width), int(rng.uniform(0.3, 0.8) * height)
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        face = _tone(rng, tinted and rng.random() < 0.3)
        pen.rectangle((x, y, x + w, y + h), fill=face, outline=(90, 90, 90))
        pen.rectangle((x, y, x + w, y + 22), fill=_tone(rng, tinted))
        ink = (20, 20, 20) if sum(face) > 380 else (230, 230, 230)
        size = int(rng.integers(10, 18))
        for row in range(y + 30, y + int(h * rng.uniform(0.2, 0.95)), int(size * rng.uniform(1.3, 3))):
            _line(pen, rng, (x + 8, row), w - 16, size, ink)
        for _ in range(int(rng.integers(0, 8))):
            bx, by = x + int(rng.integers(0, max(1, w - 60))), y + int(rng.integers(22, max(23, h - 24)))
            pen.rounded_rectangle((bx, by, bx + 60, by + 24), 4, fill=_tone(rng, tinted), outline=(60, 60, 60))
    if rng.random() < 0.25:
        _paste(canvas, ultrasound, rng, share=rng.uniform(0.15, 0.35))
    return _stored(np.asarray(canvas), rng)


def black(rng: np.random.Generator, _: Pixels) -> Pixels:
    """A black picture, with the noise of a video's coding, and at times a line of text."""
    height, width = _size(rng)
    pixels = np.clip(rng.normal(rng.uniform(0, 6), rng.uniform(0, 2), (height, width)), 0, 255).astype(np.uint8)
    canvas = Image.fromarray(pixels)
    if rng.random() < 0.5:
        _line(ImageDraw.Draw(canvas), rng, (8, int(rng.integers(4, height - 30))), width // 2, 14, 200)
    return _stored(np.asarray(canvas), rng)


def uniform(rng: np.random.Generator, _: Pixels) -> Pixels:
    """One grey value, with noise of up to 12 grey levels, and at times a slight slope."""
    height, width = _size(rng)
    slope = rng.uniform(0, 6) * np.linspace(-1, 1, width)
    noise = rng.normal(0, rng.uniform(0, 12), (height, width))
    return _stored(np.clip(rng.uniform(20, 250) + slope + noise, 0, 255).astype(np.uint8), rng)


def doppler(rng: np.random.Generator, ultrasound: Pixels) -> Pixels:
    """A phantom frame with a box of red and blue flow in it, its outline, and a colour bar beside the sector."""
    grey = ultrasound
    height, width = grey.shape
    pixels = np.repeat(grey[..., None], 3, axis=2)
    h, w = int(rng.uniform(0.15, 0.4) * height), int(rng.uniform(0.15, 0.4) * width)
    y, x = int(rng.uniform(0.25, 0.8 - h / height) * height), int(rng.uniform(0.3, 0.7 - w / width) * width)
    smooth = ndimage.gaussian_filter(rng.normal(size=(h, w)), rng.uniform(3, 12))
    flow = smooth / np.abs(smooth).max()
    seen = np.abs(flow) > np.quantile(np.abs(flow), rng.uniform(0.4, 0.9))
    level = np.clip(90 + 165 * np.abs(flow), 0, 255)
    other = np.where(np.abs(flow) > 0.6, level / 2, 0)
    colours = np.where(
        (flow > 0)[..., None], np.stack([level, other, 0 * flow], 2), np.stack([0 * flow, other, level], 2)
    )
    box = pixels[y : y + h, x : x + w]
    box[seen] = colours[seen].astype(np.uint8)
    pixels[y : y + h, [x, x + w - 1]] = pixels[[y, y + h - 1], x : x + w] = (40, 160, 60)
    return _stored(pixels, rng)


KINDS: dict[str, Maker] = {
    "colour Doppler": doppler,
    "a page of text": page,
    "a screenshot": screenshot,
    "a black frame": black,
    "a uniform frame": uniform,
}


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return SIZES[int(rng.integers(len(SIZES)))]


def _tone(rng: np.random.Generator, coloured: bool) -> tuple[int, int, int]:
    grey = int(rng.integers(30, 256))
    r, g, b = (int(c) for c in rng.integers(0, 256, 3)) if coloured else (grey, grey, grey)
    return r, g, b


def _line(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, place: tuple[int, int], width: int, size: int, ink: Any
) -> None:
    words = " ".join(str(w) for w in rng.choice(_WORDS, int(rng.integers(2, 3 + 2 * width // (size * 6)))))
    pen.text(place, words[: max(1, 2 * width // size)], fill=ink, font=ImageFont.load_default(size))


def _paste(canvas: Image.Image, ultrasound: Pixels, rng: np.random.Generator, *, share: float) -> None:
    side = int(share * min(canvas.size))
    small = Image.fromarray(ultrasound).resize((side, side))
    canvas.paste(small, (int(rng.integers(0, canvas.width - side)), int(rng.integers(0, canvas.height - side))))


def _stored(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture as it comes back from a file: half of them as JPEG."""
    if rng.random() < 0.5:
        return pixels
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(70, 96)))
    with Image.open(file) as image:
        return np.asarray(image)
