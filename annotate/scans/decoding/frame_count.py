"""How many frames a DICOM file holds, whatever its tags say.

Pixel data: DICOM PS3.5, 8; fragments of compressed frames: annex A.4.
"""

from __future__ import annotations

import os
import struct
from typing import IO, Any, Final

from .dicom_tags import whole

_PIXEL_DATA: Final = (0x7FE0, 0x0010)
_ITEM: Final = (0xFFFE, 0xE000)
_UNDEFINED: Final = 0xFFFFFFFF  # length of compressed pixel data
_JPEG_STARTS: Final = (b"\xff\xd8", b"\xff\x4f")  # a frame's first bytes: JPEG and JPEG-LS, JPEG 2000


def stored_frames(file: IO[bytes], header: Any) -> int | None:
    """The frames that the pixel data has room for. None if that cannot be told; decoding will tell.

    Args:
        file: The file, at the tag of its pixel data, where reading its header has stopped.
        header: Its tags.
    """
    implicit, little = header.original_encoding
    order = "<" if little else ">"
    size = os.fstat(file.fileno()).st_size
    head = file.read(8)
    if len(head) < 8 or struct.unpack(f"{order}HH", head[:4]) != _PIXEL_DATA:
        return None
    length = head[4:] if implicit else file.read(4)
    if len(length) < 4:
        return None
    (held,) = struct.unpack(f"{order}I", length)
    if held == _UNDEFINED:
        return _fragments(file, size)
    return frames_in(min(held, size - file.tell()), header)


def frames_in(size: int, header: Any) -> int | None:
    """The frames in so many bytes of pixels that are not compressed; None if the tags do not tell a frame's size."""
    bits = whole(header, "BitsAllocated")
    samples = 2 if header.get("PhotometricInterpretation") == "YBR_FULL_422" else whole(header, "SamplesPerPixel") or 1
    frame = whole(header, "Rows") * whole(header, "Columns") * samples * bits // 8
    return size // frame if bits % 8 == 0 and frame else None


def _fragments(file: IO[bytes], size: int) -> int | None:
    """The compressed frames. A JPEG frame may lie in several fragments; of RLE each fragment is a frame."""
    starts: list[bytes] = []
    while len(head := file.read(8)) == 8:
        *tag, length = struct.unpack("<HHI", head)
        begin = file.tell()
        if tuple(tag) != _ITEM or begin + length > size:
            break
        starts.append(file.read(min(2, length)))
        file.seek(begin + length)
    frames = starts[1:]  # the first item is the table of offsets
    jpeg = sum(start in _JPEG_STARTS for start in frames)
    return jpeg or len(frames) or None
