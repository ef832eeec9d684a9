"""DICOM segmentations: masks of ultrasound frames, with references to the images that they lie on.

Segmentation IOD: PS3.3 A.51 and C.8.20; functional groups: C.7.6.16; pixel data of one bit: PS3.5 8.1.1.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..scans.decoding.dicom_tags import whole
from .dicom_header import Term, cielab, derived_dataset, describe_compression, local_time, new_uid

OWN_SCHEME: Final = "99DMR"
"""The coding scheme of classes for which SNOMED CT's terms are not known here."""

_IMPLEMENTATION: Final = new_uid("implementation")  # says in a file who wrote it
_SEGMENTATION: Final = Term("113076", "DCM", "Segmentation")
_PURPOSE: Final = Term("121322", "DCM", "Source image for image processing operation")
_FIRST_SERIES: Final = 1000  # added to the source's, so that the two differ
_MOST_SERIES: Final = 2**31 - 1
_AT_ONCE: Final = 8  # masks whose bits fill whole bytes, whatever their size


@dataclass(frozen=True, slots=True)
class Segment:
    """A class in a segmentation.

    Attributes:
        label: The class's name.
        category: What kind of thing it is.
        type: What it is.
        color: `#RRGGBB`.
        drafted: Whether some of it is a model's draft that somebody corrected.
    """

    label: str
    category: Term
    type: Term
    color: str
    drafted: bool = False


@dataclass(frozen=True, slots=True)
class Plane:
    """The mask of one segment on one frame of the source.

    Attributes:
        segment: The segment's place, from 0.
        frame: The frame's place in the source, from 0.
        bits: The mask, packed as `pack` does it.
    """

    segment: int
    frame: int
    bits: bytes


def pack(mask: NDArray[np.bool_]) -> bytes:
    """A mask's pixels as bits, row by row, the first in the lowest bit."""
    return np.packbits(mask.reshape(-1), bitorder="little").tobytes()


def segmentation_bytes(
    source: Any, segments: Sequence[Segment], planes: Sequence[Plane], *, size: int, drawn_at: str
) -> bytes:
    """A DICOM file with masks of a file's frames. The same arguments give the same bytes.

    There is a frame for each of `planes`, empty or not: without one, nothing is known of a segment on a frame.

    Args:
        source: The image's tags with its file's meta information, as pydicom reads them.
        segments: At least one.
        planes: At least one, in the order of segments, then of frames.
        size: Bytes of the image's file.
        drawn_at: When the newest of the masks was drawn, as `clock.utc_text` writes it.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

    made = derived_dataset(source)
    _series(made, source)
    made.SOPClassUID, made.SOPInstanceUID = SegmentationStorage, "0"
    made.ContentDate, made.ContentTime = local_time(drawn_at, source)
    _image(made, source, planes, size=size)
    made.SegmentSequence = [_segment(segment, number) for number, segment in enumerate(segments, 1)]
    if any(OWN_SCHEME in (s.type.scheme, s.category.scheme) for s in segments):
        made.CodingSchemeIdentificationSequence = [_own_scheme()]
    made.ReferencedSeriesSequence = [_referenced_series(source)]
    places = {frame: place for place, frame in enumerate(sorted({plane.frame for plane in planes}), 1)}
    _dimensions(made, clip=_is_clip(source))
    made.SharedFunctionalGroupsSequence = [_empty()]
    made.PerFrameFunctionalGroupsSequence = [_groups(plane, source, place=places[plane.frame]) for plane in planes]
    pixel_data = _pixel_data(planes, pixels=source.Rows * source.Columns)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = _IMPLEMENTATION
    made.file_meta.ImplementationVersionName = f"DMR {_version()}"[:16]
    # Made from all that the file holds: what differs in anything is another instance.
    digest = hashlib.sha256(_written(made))
    digest.update(pixel_data)
    own = new_uid("instance", source.SOPInstanceUID, digest.hexdigest())
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = own
    _dimensions(made, clip=_is_clip(source), uid=new_uid("dimensions", own))
    made.PixelData = pixel_data
    return _written(made)


def is_our_segmentation(data: bytes) -> bool:
    """Whether the bytes are of a segmentation that this module wrote."""
    return data[128:132] == b"DICM" and _IMPLEMENTATION.encode("ascii") in data[:1024]


def _written(made: Any) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _version() -> str:
    return version("dmrnet")


def _empty() -> Any:
    from pydicom.dataset import Dataset

    return Dataset()


def _is_clip(source: Any) -> bool:
    return whole(source, "NumberOfFrames") > 1


def _series(made: Any, source: Any) -> None:
    """One new series for the segmentations of each series of images."""
    made.Modality = "SEG"
    made.SeriesInstanceUID = new_uid("series", source.StudyInstanceUID, source.SeriesInstanceUID)
    made.SeriesNumber = min(_MOST_SERIES, _FIRST_SERIES + whole(source, "SeriesNumber"))
    made.SeriesDescription = "Reviewed outlines (dmr)"
    made.Manufacturer = made.ManufacturerModelName = "dmr"
    made.DeviceSerialNumber, made.SoftwareVersions = "0", _version()  # a program has no serial number


def _image(made: Any, source: Any, planes: Sequence[Plane], *, size: int) -> None:
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.InstanceNumber = whole(source, "InstanceNumber") or 1
    made.ContentLabel, made.ContentCreatorName = "SEGMENTATION", ""
    made.ContentDescription = "Reviewed outlines; a class without a frame: not looked for"
    made.PatientOrientation = ""
    made.BurnedInAnnotation = "NO"
    describe_compression(made, source, size=size)
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = 0
    made.NumberOfFrames, made.Rows, made.Columns = len(planes), source.Rows, source.Columns
    made.SegmentationType = "BINARY"
    made.SegmentsOverlap = "YES" if _overlap(planes) else "NO"


def _overlap(planes: Sequence[Plane]) -> bool:
    """Whether any pixel belongs to two segments."""
    seen: dict[int, NDArray[np.uint8]] = {}
    for plane in planes:
        bits = np.frombuffer(plane.bits, np.uint8)
        before = seen.get(plane.frame)
        if before is not None and (before & bits).any():
            return True
        seen[plane.frame] = bits if before is None else before | bits
    return False


def _segment(segment: Segment, number: int) -> Any:
    item = _empty()
    item.SegmentNumber, item.SegmentLabel = number, segment.label[:64]
    item.SegmentedPropertyCategoryCodeSequence = [segment.category.item()]
    item.SegmentedPropertyTypeCodeSequence = [segment.type.item()]
    item.SegmentAlgorithmType = "SEMIAUTOMATIC" if segment.drafted else "MANUAL"
    if segment.drafted:
        item.SegmentAlgorithmName = "dmr draft, corrected by hand"
    item.RecommendedDisplayCIELabValue = cielab(segment.color)
    return item


def _own_scheme() -> Any:
    item = _empty()
    item.CodingSchemeDesignator = OWN_SCHEME
    item.CodingSchemeName = "Names of classes in a dmr workspace"
    item.CodingSchemeResponsibleOrganization = "The department that uses dmr"
    return item


def _referenced(source: Any) -> Any:
    item = _empty()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    return item


def _referenced_series(source: Any) -> Any:
    item = _empty()
    item.SeriesInstanceUID = source.SeriesInstanceUID
    item.ReferencedInstanceSequence = [_referenced(source)]
    return item


def _dimensions(made: Any, *, clip: bool, uid: str = "0") -> None:
    """Say what the frames are ordered by: the segment, then in a clip the time."""
    organization = _empty()
    organization.DimensionOrganizationUID = uid
    made.DimensionOrganizationSequence = [organization]
    pointers = [("ReferencedSegmentNumber", "SegmentIdentificationSequence")]
    if clip:
        pointers.append(("TemporalPositionIndex", "FrameContentSequence"))
    made.DimensionIndexSequence = [_dimension(uid, *pair) for pair in pointers]


def _dimension(uid: str, pointer: str, group: str) -> Any:
    from pydicom.datadict import dictionary_description, tag_for_keyword

    item = _empty()
    item.DimensionOrganizationUID = uid
    item.DimensionIndexPointer, item.FunctionalGroupPointer = tag_for_keyword(pointer), tag_for_keyword(group)
    item.DimensionDescriptionLabel = dictionary_description(pointer)
    return item


def _groups(plane: Plane, source: Any, *, place: int) -> Any:
    """What belongs to one frame. A frame of reference is missing in ultrasound, so there is no position and spacing."""
    clip = _is_clip(source)
    content, derivation, identification, groups = (_empty() for _ in range(4))
    content.DimensionIndexValues = [plane.segment + 1, place] if clip else [plane.segment + 1]
    if clip:
        content.TemporalPositionIndex = plane.frame + 1
    image = _referenced(source)
    if clip:
        image.ReferencedFrameNumber = plane.frame + 1
    image.PurposeOfReferenceCodeSequence = [_PURPOSE.item()]
    image.SpatialLocationsPreserved = "YES"
    derivation.SourceImageSequence = [image]
    derivation.DerivationCodeSequence = [_SEGMENTATION.item()]
    identification.ReferencedSegmentNumber = plane.segment + 1
    groups.FrameContentSequence, groups.DerivationImageSequence = [content], [derivation]
    groups.SegmentIdentificationSequence = [identification]
    return groups


def _pixel_data(planes: Sequence[Plane], *, pixels: int) -> bytes:
    """All masks, one behind the other without a gap."""
    data = b"".join(_joined(planes, pixels=pixels))
    return data + bytes(len(data) % 2)


def _joined(planes: Sequence[Plane], *, pixels: int) -> Iterator[bytes]:
    for start in range(0, len(planes), _AT_ONCE):
        some = planes[start : start + _AT_ONCE]
        if pixels % 8 == 0:
            yield from (plane.bits for plane in some)
        else:
            loose = [np.unpackbits(np.frombuffer(p.bits, np.uint8), count=pixels, bitorder="little") for p in some]
            yield np.packbits(np.concatenate(loose), bitorder="little").tobytes()
