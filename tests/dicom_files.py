"""Ultrasound DICOM files of every kind of pixels, for tests that decode them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import compress
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

BIG, PLAIN, IMPLICIT = ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
JPEG, JPEG_2000, RLE = JPEGBaseline8Bit, JPEG2000Lossless, RLELossless


def speckle(frames: int = 1, *, height: int = 48, width: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth grey frames, `(frames, height, width)`, each another one."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (frames, 6, 8), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((width, height))) for c in coarse])


def write_dicom(
    path: Path,
    pixels: NDArray[Any] | Sequence[bytes],
    *,
    syntax: str = PLAIN,
    size: tuple[int, int] = (0, 0),
    **tags: Any,
) -> Path:
    """Write a DICOM file.

    Args:
        path: The file.
        pixels: `(frames, rows, columns)` or `(frames, rows, columns, 3)`, or the compressed frames.
        syntax: The transfer syntax.
        size: Rows and columns of compressed frames.
        tags: Other elements by their keyword.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = UID(syntax)
    data = Dataset()
    data.file_meta, data.preamble = meta, tags.pop("preamble", b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = UltrasoundMultiFrameImageStorage, meta.MediaStorageSOPInstanceUID
    data.Modality = "US"
    data.NumberOfFrames = len(pixels)
    if isinstance(pixels, np.ndarray):
        data.Rows, data.Columns = pixels.shape[1:3]
        colours, depth = (pixels.shape[3] if pixels.ndim == 4 else 1), 8 * pixels.itemsize
        order = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == BIG else "<"))
        data.add_new("PixelData", "OW" if depth > 8 else "OB", order.tobytes())
    else:
        data.Rows, data.Columns = size
        colours, depth = 1, 8
        data.PixelData = encapsulate(list(pixels))
        data["PixelData"].VR = "OB"
    data.SamplesPerPixel, data.PhotometricInterpretation = colours, "RGB" if colours == 3 else "MONOCHROME2"
    if colours == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = depth, depth, depth - 1, 0
    for name, value in tags.items():
        setattr(data, name, value)
    if data.SamplesPerPixel == 3 and "PlanarConfiguration" not in data:
        data.PlanarConfiguration = 0
    data.save_as(path, enforce_file_format=True)
    return path


def write_compressed(path: Path, pixels: NDArray[np.uint8], *, syntax: str, **tags: Any) -> Path:
    """Write grey frames compressed, with Pillow (JPEG, JPEG 2000) or by pydicom (RLE)."""
    if syntax == RLE:
        data = dcmread(write_dicom(path, pixels, **tags))
        compress(data, RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        data.save_as(path)
        return path
    kind = "JPEG" if syntax == JPEG else "JPEG2000"
    options: dict[str, Any] = {"quality": 95} if syntax == JPEG else {"irreversible": False, "no_jp2": True}
    return write_dicom(
        path,
        [_encoded(frame, kind, **options) for frame in pixels],
        syntax=syntax,
        size=(pixels.shape[1], pixels.shape[2]),
        **tags,
    )


def _encoded(pixels: NDArray[np.uint8], kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=kind, **options)
    return out.getvalue() + b"\0" * (out.tell() % 2)


def region(x0: int, y0: int, x1: int, y1: int, **changes: Any) -> Dataset:
    """A region of tissue in two dimensions; `x1`, `y1` is its last pixel, and a pixel is 0.2 by 0.3 mm."""
    data = Dataset()
    values: dict[str, Any] = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionFlags": 0,
        "RegionLocationMinX0": x0,
        "RegionLocationMinY0": y0,
        "RegionLocationMaxX1": x1,
        "RegionLocationMaxY1": y1,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02,
        "PhysicalDeltaY": 0.03,
    }
    for name, value in (values | changes).items():
        setattr(data, name, value)
    return data
