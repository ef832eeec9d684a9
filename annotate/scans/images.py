"""Read frames from image files (PNG, JPEG, BMP, TIFF, GIF and WebP, by content), and write grey frames as PNG."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from ..errors import BrokenInput
from ..shapes import Frame
from ..system.quiet import quietly
from .decoding.pixels import Shown, coloured_share
from .kinds import HEAD, kind_of, not_an_image

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp"})
"""Lower case. They select the files of a folder; how a file is read depends on its content."""

MOST_PIXELS = 40_000_000
"""Limit for one frame; an ultrasound frame has about one million."""

MOST_PIXELS_A_FILE = 4_000_000_000
"""Limit for all pages of a file together: some minutes of a cine."""

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")  # Pillow opens a JPEG of several pictures as MPO
_SUFFIXES_OF = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg"},
    "MPO": {".jpg", ".jpeg"},
    "BMP": {".bmp"},
    "TIFF": {".tif", ".tiff"},
    "GIF": {".gif"},
    "WEBP": {".webp"},
}
_ANIMATED = ("GIF", "WEBP")  # each frame is drawn over the one before
_OF_SEVERAL = ("TIFF", *_ANIMATED)  # further pictures are an animation in a PNG and previews in a JPEG
_BITS = (8, 12, 16)
_RUNS = 3  # zlib's Z_RLE
_TURNED_PNG = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")  # what may hold an orientation
_ORIENTATION = 0x0112  # tag of EXIF and TIFF; 1 is upright
# Errors that Pillow's decoders have raised on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, zlib.error)
_REMEDY = "Export it again from the scanner, or take a copy that is whole"


def read_frames(path: Path | str) -> Iterator[Frame]:
    """Read the frames of an image file: one frame, or each page of a TIFF and each frame of a GIF or WebP.

    Raises:
        BrokenInput: It cannot be opened, is no image, is damaged, or is too large.

    Example:
        >>> outlines = dmr.draw_phantom(tmp / "clips", patients=1, frames=2)
        >>> frame = next(dmr.read_frames(outlines[0].with_suffix(".png")))
        >>> frame.pixels.dtype
        dtype('uint8')
    """
    path = Path(path)
    data = _bytes_of(path)
    yield from decode_frames(
        data, where=path, source_sha256=hashlib.sha256(data).hexdigest(), suffix=path.suffix.lower()
    )


def decode_frames(data: bytes, *, where: object, source_sha256: str, suffix: str | None = None) -> Iterator[Frame]:
    """Decode an image file in memory, one frame at a time.

    Colour becomes grey by the luma of BT.601. Transparent parts are put on black. The EXIF orientation is applied,
    because Labelme's coordinates belong to the upright image. 16-bit grey is scaled to 8 bits.

    Args:
        data: The file's bytes.
        where: What to call the file in an error.
        source_sha256: SHA-256 of the scan file.
        suffix: Ending of the file's name, lower case. If the content is of another kind, it is noted. None for no file.

    Raises:
        BrokenInput: It is no image of a kind that is read, is damaged, or is too large.
    """
    pictures = open_pictures(data, where=where, suffix=suffix)
    for shown in pictures.frames(range(pictures.count)):
        notes = (*pictures.notes, *shown.notes)
        yield Frame(shown.pixels, source_sha256, index=shown.index, notes=notes, time_ms=shown.time_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """An opened image file.

    Attributes:
        kind: Its format, such as `PNG`.
        count: Number of its frames.
        notes: What is odd about all of them.
    """

    kind: str
    count: int
    notes: tuple[str, ...]
    _image: Image.Image
    _where: object

    def frames(self, wanted: Sequence[int], *, alive: Callable[[], None] = lambda: None) -> Iterator[Shown]:
        """Decode these frames, in rising order, one at a time.

        Args:
            wanted: Their places in the file.
            alive: Called for each page of a TIFF that is looked at before the first frame is given.

        Raises:
            BrokenInput: One is damaged, or they are too large.
        """
        left, time_ms = MOST_PIXELS_A_FILE, 0.0
        bits = _bits_in_use(self._image, self.count, alive) if self.kind == "TIFF" and self.count > 1 else None
        for index in range(max(wanted, default=-1) + 1) if self.kind in _ANIMATED else wanted:
            shown = _decode(self._image, index, self._where, bits=bits)
            left -= shown.pixels.size
            if left < 0:  # the later pages are larger than the first
                raise too_long(self._where, self.count)
            if index in wanted:
                yield replace(shown, time_ms=time_ms if self.kind in _ANIMATED and self.count > 1 else None)
            time_ms += float(self._image.info.get("duration") or 0)


def open_pictures(data: bytes, *, where: object, suffix: str | None = None) -> Pictures:
    """Open an image file in memory; its frames are decoded as they are taken.

    Args:
        data: The file's bytes.
        where: What to call the file in an error.
        suffix: As in `decode_frames`.

    Raises:
        BrokenInput: It is no image of a kind that is read, or is too large.
    """
    image = _open(data, where)
    kind = image.format or ""
    notes: tuple[str, ...] = ()
    if suffix in IMAGE_SUFFIXES and suffix not in _SUFFIXES_OF[kind]:
        notes = (f"{kind} inside a {suffix}",)
    elif suffix is not None and suffix not in IMAGE_SUFFIXES:
        # The ending may be a part of a person's name, so it is not quoted.
        notes = (f"{kind} without the ending of an image",)
    count = _pages(image, where) if kind in _OF_SEVERAL else 1
    if count * image.width * image.height > MOST_PIXELS_A_FILE:
        raise too_long(where, count)
    return Pictures(kind, count, notes, image, where)


def encode_png(pixels: NDArray[np.uint8], *, title: str | None = None) -> bytes:
    """Write pixels as a lightly compressed PNG, without metadata other than a title.

    Args:
        pixels: `(height, width)` grey or `(height, width, 3)` RGB, uint8.
        title: Title of a picture that dmr made; None for no title.
    """
    out = io.BytesIO()
    info = PngInfo()
    if title is not None:
        info.add_text("Title", title)
    # Only runs are compressed, because speckle has no other repeats. This is quicker to write and read, and smaller.
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        out, format="PNG", compress_level=1, compress_type=_RUNS, pnginfo=info
    )
    return out.getvalue()


def image_size(image: bytes | Path, *, where: object) -> tuple[int, int]:
    """Rows and columns of an image file's first picture, upright. Its pixels are not decoded.

    Raises:
        BrokenInput: It cannot be opened, is no image of a kind that is read, or is too large.
    """
    data = image if isinstance(image, bytes) else _bytes_of(image)
    opened = _open(data, where)
    if opened.format == "PNG" and not any(mark in data for mark in _TURNED_PNG):
        return opened.height, opened.width  # Pillow would decode all pixels to look for an orientation behind them
    turned = opened.format != "TIFF" and opened.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    return (opened.width, opened.height) if turned else (opened.height, opened.width)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check the path and its permissions") from error


def _open(data: bytes, where: object) -> Image.Image:
    try:
        # Warnings about metadata do not matter here. For a picture that would fill the memory, Pillow only warns.
        with quietly(Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise too_large(where) from error
    except _DAMAGE as error:
        raise not_an_image(where, kind_of(data[:HEAD])) from error
    if image.width * image.height > MOST_PIXELS:
        raise too_large(where)
    return image


def too_large(where: object) -> BrokenInput:
    """The error for a frame that is too large."""
    what = f"has more than {MOST_PIXELS // 1_000_000} million pixels"
    return BrokenInput(where, what, "Check that it is an ultrasound image, or make it smaller")


def too_long(where: object, pages: int) -> BrokenInput:
    """The error for a file with too many pixels in all."""
    what = f"has {pages} pages of more than {MOST_PIXELS_A_FILE // 1_000_000} million pixels in all"
    return BrokenInput(where, what, "Check that it is an ultrasound cine, make it smaller, or split it")


def _pages(image: Image.Image, where: object) -> int:
    try:
        with quietly():
            return int(getattr(image, "n_frames", 1))
    except _DAMAGE as error:
        raise BrokenInput(where, "its pages cannot be counted: it is damaged", _REMEDY) from error


def _bits_in_use(image: Image.Image, pages: int, alive: Callable[[], None]) -> int | None:
    """The bits that the wide pages of a file use in all, so that one grey value means the same on each page."""
    bits = None
    for page in range(pages):
        alive()
        with suppress(*_DAMAGE, Image.DecompressionBombError), quietly():  # whoever decodes the page says what is wrong
            image.seek(page)
            if image.mode.startswith("I") and image.width * image.height <= MOST_PIXELS:
                bits = max(bits or 0, _bits(int(np.asarray(image).max())))
        if bits == _BITS[-1]:
            break
    return bits


def _bits(highest: int) -> int:
    """The bits that grey values up to `highest` use: scanners and cameras store 8, 12 or 16 bits in 16."""
    return next((bits for bits in _BITS if highest < 2**bits), _BITS[-1])


def _decode(image: Image.Image, page: int, where: object, *, bits: int | None) -> Shown:
    notes: list[str] = []
    try:
        with quietly(Image.DecompressionBombWarning):
            if page or image.tell():
                image.seek(page)
                if image.width * image.height > MOST_PIXELS:
                    raise too_large(where)
            turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
            image.load()
            # Pillow turns a TIFF upright on loading and drops the tag, so nothing is turned twice.
            upright = ImageOps.exif_transpose(image)
            pixels, coloured = _grey(upright, notes, bits=bits)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise too_large(where) from error
    except _UnreadableError as error:
        raise BrokenInput(where, str(error), "Save it as an image of 8 or 16 bits") from error
    except _DAMAGE as error:
        # The decoder's own message is not shown, because it may quote the file's metadata.
        raise BrokenInput(where, f"picture {page + 1} is damaged or cut short", _REMEDY) from error
    if turned:
        notes.append("turned by its EXIF orientation")
    return Shown(page, pixels, coloured=coloured, notes=tuple(notes))


class _UnreadableError(ValueError):
    """The image is whole, but its kind of pixels has no agreed meaning as grey."""


def _grey(image: Image.Image, notes: list[str], *, bits: int | None) -> tuple[NDArray[np.uint8], float]:
    """The pixels of an image of any mode as grey, `(height, width)` uint8, and the share of coloured ones.

    Args:
        image: The picture.
        notes: Gets what is odd.
        bits: The bits that wide pixels use in the whole file; None if there is no other page.
    """
    if image.mode.startswith("I"):  # 16 or 32 bits, in either byte order
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise _UnreadableError("has pixels of 32 bits")
        # Scaling by the frame's own extremes would make its brightness differ from the next frame's.
        bits = bits or _bits(int(values.max()))
        notes.append(f"{bits}-bit grey in 16 bits (scaled to 8)")
        return np.asarray(np.rint(values * (255 / (2**bits - 1))), dtype=np.uint8), 0.0
    if image.mode == "F":
        raise _UnreadableError("has pixels that are no whole numbers")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, (0, 0, 0, 255)), clear).convert("RGB")
    elif image.mode not in ("L", "RGB", "1"):
        image = image.convert("RGB")  # CMYK, palette, YCbCr, LAB
    coloured = coloured_share(np.asarray(image)) if image.mode == "RGB" else 0.0
    return np.array(image.convert("L"), dtype=np.uint8), coloured
