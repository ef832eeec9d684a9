"""NIfTI volumes of class indices, one slice a frame, through nibabel, which is an extra.

Format: https://nifti.nimh.nih.gov/nifti-1. The volume's axes are column, row, frame.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenInput, UsageError
from ..scans.images import MOST_PIXELS

ENDINGS: Final = (".nii.gz", ".nii")
DESCRIPTION: Final = "dmr class indices"
_MOST_BYTES: Final = 2**31
_GZIP: Final = b"\x1f\x8b"
_HEADER: Final = 352


def _nibabel() -> Any:
    """The library. Raises UsageError where it is not installed."""
    try:
        import nibabel
    except ImportError as error:
        what = "needs nibabel, which is not installed"
        raise UsageError("NIfTI", what, "Run: pip install 'dmrnet[nifti]'") from error
    return nibabel


def nifti_volume(slices: Sequence[NDArray[np.uint8]], *, spacing_mm: tuple[float, float] | None) -> bytes:
    """A compressed NIfTI file of class-index masks, the same bytes every time.

    Args:
        slices: `(height, width)` each, all of one size.
        spacing_mm: `(row, column)` millimetres a pixel; None where unknown: then the header has 1 without a unit.

    Raises:
        UsageError: nibabel is missing, or the volume is too large for memory.
    """
    nibabel = _nibabel()
    if len(slices) * slices[0].size > _MOST_BYTES:
        raise UsageError("NIfTI", f"{len(slices)} frames are more than 2 GiB", "Convert them a folder at a time")
    volume = np.stack(slices).transpose(2, 1, 0)
    image = nibabel.Nifti1Image(volume, None)
    row, column = spacing_mm or (1.0, 1.0)
    image.header.set_zooms((column, row, 1.0))
    if spacing_mm is not None:
        image.header.set_xyzt_units("mm")
    image.header["descrip"] = DESCRIPTION.encode("ascii")
    return gzip.compress(image.to_bytes(), mtime=0)


def is_our_volume(data: bytes) -> bool:
    """Whether the bytes are of a volume that we wrote."""
    try:
        head = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_HEADER) if data.startswith(_GZIP) else data[:_HEADER]
    except (OSError, EOFError, zlib.error):
        return False
    return DESCRIPTION.encode("ascii") in head


def read_nifti(data: bytes, *, where: object) -> tuple[list[NDArray[np.uint8]], tuple[float, float] | None]:
    """The class-index masks of a NIfTI file, a slice each, and `(row, column)` spacing where the header says mm.

    Raises:
        BrokenInput: It is no NIfTI file, is damaged or too large, or holds no class indices.
        UsageError: nibabel is missing.
    """
    nibabel = _nibabel()
    remedy = "Give a NIfTI volume of class indices"
    try:
        if data.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise BrokenInput(where, "has more than 2 GiB", remedy)
        image = nibabel.Nifti1Image.from_bytes(data)
        volume = np.asanyarray(image.dataobj)
        zooms, units = image.header.get_zooms(), image.header.get_xyzt_units()
    except (OSError, EOFError, ValueError, TypeError, KeyError, zlib.error, OverflowError, MemoryError) as error:
        raise BrokenInput(where, "is no NIfTI file, or is damaged", remedy) from error
    except Exception as error:
        # nibabel's own errors of headers and files have no common class.
        if not type(error).__module__.startswith("nibabel"):
            raise
        raise BrokenInput(where, "is no NIfTI file, or is damaged", remedy) from error
    if is_our_volume(data) and (image.affine[:2, :2] * np.diag([-1, 1]) < 0).any():
        raise BrokenInput(where, "was turned or mirrored by another program", "Give the volume as dmr wrote it")
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    if volume.ndim == 2:
        volume = volume[..., None]
    if volume.ndim != 3 or not volume.size or volume.shape[0] * volume.shape[1] > MOST_PIXELS:
        raise BrokenInput(where, f"has {volume.ndim} axes, or slices of no or too many pixels", remedy)
    if volume.dtype.kind not in "biuf" or not np.isin(volume, np.arange(256)).all():
        raise BrokenInput(where, "holds values that are no class index from 0 to 255", remedy)
    spacing = (float(zooms[1]), float(zooms[0])) if units[0] == "mm" else None
    return [np.ascontiguousarray(volume[:, :, k].T).astype(np.uint8) for k in range(volume.shape[2])], spacing
