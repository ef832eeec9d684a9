"""Names painted where they are hard to tell from a phantom's image: beside its edge, over it, below what fades."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from burned_in import LEAK
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dmr.annotate.phantom.scanner import SIDE
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.scans.deidentify import Cleaning, plan_cleaning

PLACES: Final = ("corner", "above", "below", "beside", "faded", "across", "inside")
"""Where a name is: in a corner beside the fan; above, below and beside it, up to 12 px off; below an image that fades;
across the edge; inside the image."""
_NAMES: Final = ("DOE, JOHN  1234567", "MUELLER ANNA", "ID 0098812", "1970-01-02 M", "Garcia", "ST MARY  DOE^JOHN")
_TRIES: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """Frames of one clip with a name.

    Attributes:
        frames: `(2, height, width)` uint8.
        clean: The same without the name.
        inside: The pixels of the true sector.
        glyphs: The pixels of the name.
    """

    frames: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    glyphs: NDArray[np.bool_]

    def region(self) -> tuple[int, int, int, int]:
        """A box around the true sector, as a scanner's tags give it, with some room for words."""
        (height, width), room = self.inside.shape, 24
        rows, columns = np.flatnonzero(self.inside.any(axis=1)), np.flatnonzero(self.inside.any(axis=0))
        left, top = max(0, int(columns[0]) - room), max(0, int(rows[0]) - room)
        return left, top, min(width, int(columns[-1]) + 1 + room), min(height, int(rows[-1]) + 1 + room)

    def clean_by(self, *, tagged: bool, name: bool = True) -> Cleaning:
        """What the cleaning makes of the clip, or of its first frame alone if that is odd in brightness."""
        frames = self.frames if name else self.clean
        some = list(frames) if int(self.clean[0].sum()) % 2 else [frames[0]]
        return plan_cleaning(some, regions=(self.region(),) if tagged else ())


def paint(number: int, place: str, *, seed: int = 9) -> Painted | None:
    """Paint a name on a phantom's clip, in a size of 10 to 24, as PNG or JPEG; None if none fits there.

    Args:
        number: Number of the patient, from 1.
        place: One of `PLACES`.
        seed: Random seed.
    """
    rng = np.random.default_rng([seed, number, PLACES.index(place)])
    frames, inside = _screen(number, seed, rng, fades=place == "faded")
    for _ in range(_TRIES):
        gap = 0 if rng.random() < 0.25 else int(rng.integers(0, 13))
        glyphs = _glyphs(str(rng.choice(_NAMES)), int(rng.integers(10, 25)))
        at = _place(inside, glyphs > 0, place, gap, rng)
        if at is not None:
            break
    else:
        return None
    written = np.zeros(inside.shape, np.uint8)
    written[at[0] : at[0] + glyphs.shape[0], at[1] : at[1] + glyphs.shape[1]] = glyphs
    tone = rng.integers(140, 256)
    painted = np.maximum(frames, (written * (tone / 255)).astype(np.uint8))
    if rng.random() < 0.3:
        quality = int(rng.integers(70, 96))
        painted, frames = _as_jpeg(painted, quality), _as_jpeg(frames, quality)
    return Painted(painted, frames, inside, written > 0)


def count(numbers: range, place: str, *, tagged: bool) -> dict[str, float]:
    """How many names are left in frames that would leave, how many are held, and what is blanked of the image."""
    seen: Counter[str] = Counter()
    blanked = []
    for painted in paintings(numbers, place):
        cleaning = painted.clean_by(tagged=tagged)
        left = float(cleaning.kept[painted.glyphs].mean()) > LEAK
        seen.update(("names",))
        seen.update(("held",) if cleaning.unsure else ("leaks",) if left else ())
        shown = painted.inside & (painted.clean[0] > np.bincount(painted.clean[0][~painted.inside]).argmax() + 4)
        blanked.append(1 - float(cleaning.kept[shown].mean()))
    return {k: seen[k] for k in ("names", "leaks", "held")} | {"blanked_mean": round(float(np.mean(blanked)), 5)}


def paintings(numbers: range, place: str) -> Iterator[Painted]:
    """The names that fit."""
    for number in numbers:
        if (painted := paint(number, place)) is not None:
            yield painted


@lru_cache(maxsize=256)
def _phantom(number: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    wanted = PhantomSet(1, 2, seed=seed, first=number)
    clip = wanted.clip(wanted.numbers()[0])
    inside = np.zeros((SIDE, SIDE), np.bool_)
    inside.flat[clip.view.sampling[0]] = True
    return np.stack([frame.pixels for frame in clip.frames()]), inside


def _screen(number: int, seed: int, rng: np.random.Generator, *, fades: bool) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Two frames without words, half of them on a larger screen."""
    frames, inside = _phantom(number, seed)
    ground = int(np.bincount(frames[0][~inside]).argmax())
    if fades:
        deeper = np.clip(np.arange(SIDE)[:, None] - 150 - rng.integers(0, 60), 0, None)
        above = np.clip(frames.astype(float) - ground, 0, None) * np.exp(-deeper / rng.uniform(25, 50))
        frames = np.where(inside, ground + above, ground).astype(np.uint8)
    if rng.random() < 0.5:
        left, top = int(rng.integers(0, 120)), int(rng.integers(0, 40))
        margin = ((top, 600 - SIDE - top), (left, 760 - SIDE - left))
        frames = np.pad(frames, ((0, 0), *margin), constant_values=ground)
        inside = np.pad(inside, margin)
    return frames, inside


def _glyphs(text: str, size: int) -> NDArray[np.uint8]:
    canvas = Image.new("L", (500, 60), 0)
    ImageDraw.Draw(canvas).text((8, 8), text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(canvas.crop(canvas.getbbox()))


def _place(
    inside: NDArray[np.bool_], glyphs: NDArray[np.bool_], place: str, gap: int, rng: np.random.Generator
) -> tuple[int, int] | None:
    """The upper left corner of a name in such a place; None if this try finds none."""
    (height, width), (high, wide) = inside.shape, glyphs.shape
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    middle = int(columns[0] + columns[-1]) // 2
    off = np.asarray(ndimage.distance_transform_edt(~inside))
    if place in ("inside", "across"):
        anywhere = np.argwhere(inside)
        y, x = anywhere[rng.integers(len(anywhere))] - (0 if place == "inside" else (high // 2, wide // 2))
        way = [(int(y), int(x))]
    elif place == "corner":
        x = int(rng.integers(0, 40))
        way = [(int(rng.integers(rows[0], rows[0] + 60)), x if rng.random() < 0.5 else width - wide - x)]
    elif place == "above":
        x = middle - wide // 2 + int(rng.integers(-60, 61))
        way = [(y, x) for y in range(rows[0] + 60, -1, -1)]
    elif place in ("below", "faded"):
        x = int(rng.integers(columns[0], max(columns[0] + 1, columns[-1] - wide)))
        way = [(y, x) for y in range(rows[-1] - 100, height)]
    else:
        y = int(rng.integers(rows[0], rows[-1] - 60))
        way = [(y, x) for x in (range(middle - wide, -1, -1) if rng.random() < 0.5 else range(middle, width))]
    for y, x in way:
        if not (0 <= y <= height - high and 0 <= x <= width - wide):
            continue
        there = (slice(y, y + high), slice(x, x + wide))
        share, nearest = float(inside[there][glyphs].mean()), float(off[there][glyphs].min())
        fits = {"inside": share == 1, "across": 0.15 < share < 0.85, "corner": nearest > 12}
        if fits.get(place, nearest > gap):
            return y, x
    return None


def _as_jpeg(frames: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    read = []
    for frame in frames:
        data = io.BytesIO()
        Image.fromarray(frame).save(data, "JPEG", quality=quality)
        read.append(np.asarray(Image.open(data)))
    return np.stack(read)
