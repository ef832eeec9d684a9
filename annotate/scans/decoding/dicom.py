"""DICOM files: pixels of every kind in use for ultrasound become grey frames, one at a time.

Pixel data: DICOM PS3.3, C.7.6.3; transfer syntaxes: PS3.5, annex A.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...errors import BrokenInput
from ..images import MOST_PIXELS, MOST_PIXELS_A_FILE, too_large, too_long
from .dicom_tags import describe, frame_times, whole
from .frame_count import frames_in, stored_frames
from .pixels import Shown, coloured_share, grey_of_rgb
from .values import Source, Span

_AGAIN: Final = "Export it again from the scanner, or take a copy that is whole"
_AS_PNG: Final = "Export its frames as PNG"
_MODALITIES: Final = ("US", "IVUS", "OT", "SC", "XC", "")  # the last four: pictures of any kind, such as captures
_OTHERS: Final = (
    "CR", "CT", "DX", "ECG", "IO", "KO", "MG", "MR", "NM", "OP", "PR", "PT", "PX", "RF", "RTDOSE", "RTIMAGE", "RTPLAN",
    "RTSTRUCT", "SEG", "SR", "XA",
)  # fmt: skip
_JPEG: Final = "1.2.840.10008.1.2.4."
_IMPLICIT, _EXPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_NOT_BY_PATH: Final = ("", _DEFLATED)  # pydicom does not find the pixels of such a file by its path
_UNCOMPRESSED: Final = (_IMPLICIT, _EXPLICIT, _DEFLATED, _BIG_ENDIAN)
_PALETTE: Final = tuple(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))
_VIDEO: Final = tuple(str(number) for number in range(100, 109))
_PLUGINS: Final = {
    "1.2.840.10008.1.2.5": ("pydicom", ""),
    **{_JPEG + ending: ("pillow", "") for ending in ("50", "51", "90", "91")},
    **{_JPEG + ending: ("pylibjpeg", "jpeg") for ending in ("57", "70", "80", "81")},
}
"""For each compressed transfer syntax the decoder, and the extra with which it is installed."""


def open_dicom(path: Path, *, sha256: str, span: Span, alive: Callable[[], None]) -> tuple[Source, Iterator[Shown]]:
    """What a DICOM file says of itself, and its frames.

    Raises:
        BrokenInput: It is damaged, too large, no ultrasound, or compressed in a way that is not read.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with path.open("rb") as file:
            header = dcmread(file, stop_before_pixels=True, force=True)
            syntax = str(header.file_meta.get("TransferSyntaxUID") or "")
            held = None if syntax in _NOT_BY_PATH else stored_frames(file, header)
    except InvalidDicomError as error:
        raise BrokenInput(path, "is no whole DICOM file", _AGAIN) from error
    modality = str(header.get("Modality") or "").strip().upper()
    if modality not in _MODALITIES:
        # A tag's text is shown only if it is a code that names nobody.
        named = f"modality {modality}" if modality in _OTHERS else "an unknown modality"
        raise BrokenInput(path, f"is DICOM of {named}, not ultrasound", "Leave it out")
    rows, columns = whole(header, "Rows"), whole(header, "Columns")
    count = whole(header, "NumberOfFrames") or 1
    if not rows or not columns:
        raise BrokenInput(path, "is DICOM without a picture, such as a report", "Leave it out")
    if rows * columns > MOST_PIXELS:
        raise too_large(path)
    is_video = syntax.startswith(_JPEG) and syntax.removeprefix(_JPEG).split(".")[0] in _VIDEO
    data: Any = path  # by path: opened as a data set, the whole file would be in memory
    if syntax in _NOT_BY_PATH:
        data = _whole(path)
        held = frames_in(len(data.get("PixelData") or b""), data)
    there = count if is_video or held is None else held
    if rows * columns * there > MOST_PIXELS_A_FILE:
        raise too_long(path, there)
    source = describe(header, sha256=sha256, rows=rows, columns=columns, count=there)
    if is_video:
        return source, _streamed(path, header, span=span, alive=alive)
    if there > count:
        notes = (*source.notes, f"holds {there} frames, and its tags say {count} (all are taken)")
        source = replace(source, notes=notes)
    frames = _stored(path, data, header, syntax=syntax, count=there, span=span)
    return source, frames if there >= count else _fewer(path, frames, there=there, told=count)


def _fewer(path: Path, frames: Iterator[Shown], *, there: int, told: int) -> Iterator[Shown]:
    """The frames of a file that says it has more."""
    yield from frames
    raise BrokenInput(path, f"holds {there} whole frames, and its tags say {told}", _AGAIN)


def _stored(path: Path, data: Any, header: Any, *, syntax: str, count: int, span: Span) -> Iterator[Shown]:
    """Frames that are stored one by one.

    Args:
        path: The file, for errors.
        data: What pydicom reads them from.
        header: The file's tags.
        syntax: How they are stored.
        count: Number of frames there.
        span: The wanted ones.
    """
    from pydicom.pixels.utils import iter_pixels

    plugin = _plugin(path, syntax) if syntax else None
    if syntax == _BIG_ENDIAN:
        _swap_palette(header)
    times = frame_times(header, count)
    wanted = span.of(count)
    if not wanted:
        return
    # One after the other is quicker than by their indices.
    indices = None if len(wanted) == count else list(wanted)
    options: dict[str, Any] = {"number_of_frames": count}
    pixels = iter_pixels(data, indices=indices, decoding_plugin=plugin or "", view_only=True, **options)
    given = 0
    for index, values in zip(wanted, pixels, strict=False):
        given += 1
        yield _grey(path, header, values, index=index, time_ms=times[index])
    if given < len(wanted) or next(pixels, None) is not None:
        raise BrokenInput(path, f"does not hold the {count} frames that it names", _AGAIN)


def _whole(path: Path) -> Any:
    """A file whose pixels pydicom does not find by path: deflated, or of an old device, without a transfer syntax."""
    from pydicom import dcmread

    data: Any = dcmread(path, force=True)
    if not data.file_meta.get("TransferSyntaxUID"):
        data.file_meta.TransferSyntaxUID = _IMPLICIT if data.original_encoding[0] else _EXPLICIT
    return data


def _streamed(path: Path, header: Any, *, span: Span, alive: Callable[[], None]) -> Iterator[Shown]:
    """Frames of a video stream inside the file."""
    from pydicom import dcmread
    from pydicom.encaps import generate_frames

    from .video import video_frames

    data = dcmread(path, force=True)
    stream = b"".join(generate_frames(data.PixelData, number_of_frames=1))
    times = frame_times(header, 1 << 20) if header.get("FrameTime") else None
    for shown in video_frames(io.BytesIO(stream), where=path, span=span, alive=alive):
        time_ms = shown.time_ms if times is None else times[shown.index]
        yield Shown(shown.index, shown.pixels, time_ms, shown.coloured, shown.notes)


def _swap_palette(header: Any) -> None:
    """Bring the palette of a big-endian file into little-endian order: pydicom reads it as that."""
    for name in _PALETTE:
        if (data := header.get(name)) and header[name].VR == "OW":
            setattr(header, name, np.frombuffer(data, ">u2").astype("<u2").tobytes())


def _palette_reaches(header: Any, value: int) -> bool:
    tables = [header.get(name) for name in _PALETTE]
    if not all(tables):  # in segments
        return True
    return any(np.frombuffer(table, "<u2").max() >= value for table in tables)


def _plugin(path: Path, syntax: str) -> str | None:
    """The decoder of a compressed transfer syntax; None if it is not compressed."""
    from pydicom.uid import UID

    if syntax in _UNCOMPRESSED:
        return None
    if syntax not in _PLUGINS:
        name = UID(syntax).name
        named = f" ({name})" if name != syntax else ""  # a private UID may hold a patient's number
        raise BrokenInput(path, f"is compressed in a way that is not read{named}", _AS_PNG)
    plugin, extra = _PLUGINS[syntax]
    if extra:
        from pydicom.pixels.decoders.base import get_decoder

        if plugin not in get_decoder(syntax).available_plugins:
            remedy = f"Install it with `pip install 'dmrnet[{extra}]'`, or export the frames as PNG"
            raise BrokenInput(path, "is compressed as lossless JPEG, whose decoder is not installed", remedy)
    return plugin


def _grey(path: Path, header: Any, values: NDArray[Any], *, index: int, time_ms: float | None) -> Shown:
    notes: tuple[str, ...] = ()
    meaning = str(header.get("PhotometricInterpretation") or "")
    if meaning == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        coloured = apply_color_lut(values, header)
        # Of a table of 16 bits, the upper 8 are the picture's; some devices fill only the lower 8.
        wide = coloured.dtype.itemsize > 1 and _palette_reaches(header, 256)
        values = (coloured >> 8 if wide else coloured).astype(np.uint8)
    if values.ndim == 3 and values.shape[2] >= 3:
        rgb = _to_8_bits(path, header, values[..., :3])
        return Shown(index, grey_of_rgb(rgb), time_ms, coloured_share(rgb), notes)
    if values.ndim != 2:
        raise BrokenInput(path, f"has pixels of {values.ndim} dimensions", _AS_PNG)
    grey = _to_8_bits(path, header, values)
    if meaning == "MONOCHROME1":
        grey, notes = 255 - grey, ("grey from white to black (turned round)",)
    return Shown(index, grey, time_ms, 0.0, notes)


def _to_8_bits(path: Path, header: Any, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale by the number of bits that the file says it stores, never by a frame's own extremes."""
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    bits = whole(header, "BitsStored") or 8 * values.dtype.itemsize
    if values.dtype.kind not in "ui" or bits > 16:
        raise BrokenInput(path, f"has pixels of kind {values.dtype}", _AS_PNG)
    scaled = values.astype(np.float32)
    if values.dtype.kind == "i":
        scaled += 2.0 ** (bits - 1)
    return np.asarray(np.clip(np.rint(scaled * (255 / (2**bits - 1))), 0, 255), np.uint8)
