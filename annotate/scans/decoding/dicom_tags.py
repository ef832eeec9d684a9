"""What the tags of an ultrasound DICOM file say: whose it is, when, the regions and the spacing.

Calibrated ultrasound regions: DICOM PS3.3, C.8.5.5; frame times: C.7.6.5; fields with personal data: PS3.15, annex E.
"""

from __future__ import annotations

import math
import re
from itertools import accumulate
from typing import Any, Final

from .values import Box, Source

_TISSUE_2D: Final = (1, 1)  # spatial format and data type
_CM: Final = 3
_OVERRUN: Final = 1  # pixels by which a region may reach past the frame
_SAME: Final = 0.01  # relative difference up to which two spacings are one
_NOBODY: Final = re.compile(r"[0\W_x]*|anon.*|de-?id.*|none|unknown|unbekannt|test|na|n/a")
"""Numbers that stand for no patient; taken for one, all their frames were one person's."""

_PERSONAL: Final = (
    "AccessionNumber", "AdditionalPatientHistory", "AdmissionID", "DeviceSerialNumber", "EthnicGroup", "ImageComments",
    "InstitutionAddress", "InstitutionName", "InstitutionalDepartmentName", "IssuerOfPatientID",
    "NameOfPhysiciansReadingStudy", "Occupation", "OperatorsName", "OtherPatientIDs", "OtherPatientNames",
    "PatientAddress", "PatientAge", "PatientBirthDate", "PatientBirthName", "PatientBirthTime", "PatientComments",
    "PatientID", "PatientMotherBirthName", "PatientName", "PatientSex", "PatientSize", "PatientTelephoneNumbers",
    "PatientWeight", "PerformingPhysicianName", "ProtocolName", "ReferringPhysicianName", "RequestingPhysician",
    "SOPInstanceUID", "SeriesDescription", "SeriesInstanceUID", "StationName", "StudyDate", "StudyDescription",
    "StudyID", "StudyInstanceUID", "StudyTime",
)  # fmt: skip


def describe(header: Any, *, sha256: str, rows: int, columns: int, count: int) -> Source:
    """What the tags say. A tag that cannot be read counts as missing."""
    regions, spacing, notes = _geometry(header, rows=rows, columns=columns)
    patient = _text(header, "PatientID")
    return Source(
        kind="DICOM",
        sha256=sha256,
        frames=count,
        patient="" if _NOBODY.fullmatch(patient.casefold()) else patient,
        acquired=_acquired(header),
        device=" ".join(filter(None, (_text(header, t) for t in ("ManufacturerModelName", "DeviceSerialNumber")))),
        site=_text(header, "InstitutionName"),
        regions=regions,
        spacing_mm=spacing,
        removed=_removed(header),
        notes=notes,
    )


def whole(header: Any, name: str) -> int:
    """A tag as a whole number; 0 if it is missing or is none."""
    try:
        return max(0, int(header.get(name) or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def frame_times(header: Any, count: int) -> list[float | None]:
    """Milliseconds of each frame from the first; None for each if there is one frame, or nothing tells."""
    nothing: list[float | None] = [None] * count
    if count < 2:
        return nothing
    try:
        vector = [float(step) for step in header.get("FrameTimeVector") or ()]
        step = float(header.get("FrameTime") or 0)
        if not step and (rate := float(header.get("CineRate") or header.get("RecommendedDisplayFrameRate") or 0)):
            step = 1000 / rate
    except (TypeError, ValueError):
        return nothing
    if len(vector) == count and all(math.isfinite(s) and s >= 0 for s in vector):
        return list(accumulate([0.0, *vector[1:]]))
    return [index * step for index in range(count)] if math.isfinite(step) and step > 0 else nothing


def _geometry(
    header: Any, *, rows: int, columns: int
) -> tuple[tuple[Box, ...], tuple[float, float] | None, tuple[str, ...]]:
    """The regions that hold tissue in two dimensions, their spacing, and what is odd."""
    boxes: list[tuple[Box, tuple[float, float]]] = []
    try:
        regions = list(header.get("SequenceOfUltrasoundRegions") or ())
    except (TypeError, ValueError, AttributeError):
        return (), None, ()
    for region in regions:
        found = _region(region)
        if found is None:
            continue
        (x0, y0, x1, y1), spacing = found
        if min(x0, y0) < -_OVERRUN or x1 > columns + _OVERRUN or y1 > rows + _OVERRUN:
            return (), None, ("an ultrasound region reaches past the frame (made smaller after the scan?)",)
        box = (max(0, x0), max(0, y0), min(columns, x1), min(rows, y1))
        if box[0] < box[2] and box[1] < box[3]:
            boxes.append((box, spacing))
    if not boxes:
        return (), None, ()
    spacings = [spacing for _, spacing in boxes]
    first = spacings[0]
    agree = all(abs(a - b) <= _SAME * b for spacing in spacings for a, b in zip(spacing, first, strict=True))
    notes = () if agree else ("regions of different scales (no spacing taken)",)
    return tuple(box for box, _ in boxes), first if agree else None, notes


def _region(region: Any) -> tuple[Box, tuple[float, float]] | None:
    """A region's box and spacing; None if it shows no tissue in two dimensions, or is not in centimetres."""
    try:
        kinds = (int(region.RegionSpatialFormat), int(region.RegionDataType))
        units = {int(region.PhysicalUnitsXDirection), int(region.PhysicalUnitsYDirection)}
        dx, dy = float(region.PhysicalDeltaX), float(region.PhysicalDeltaY)
        x0, y0 = int(region.RegionLocationMinX0), int(region.RegionLocationMinY0)
        x1, y1 = int(region.RegionLocationMaxX1), int(region.RegionLocationMaxY1)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    mm = (10 * dy, 10 * dx)
    if kinds != _TISSUE_2D or units != {_CM} or not all(0 < step < 100 for step in mm):
        return None
    return (x0, y0, x1 + 1, y1 + 1), mm


def _acquired(header: Any) -> str:
    """The time of recording, as digits; empty if there is none."""
    moment = _text(header, "AcquisitionDateTime")
    if not moment:
        for kind in ("Acquisition", "Content", "Series", "Study"):
            if len(date := _text(header, f"{kind}Date")) >= 8:  # `2024` alone would be joined with the time
                moment = date + _text(header, f"{kind}Time")
                break
    digits = "".join(c for c in moment.split(".")[0].split("+")[0] if c in "0123456789")
    return digits[:14] if len(digits) >= 8 else ""


def _removed(header: Any) -> tuple[str, ...]:
    """Names of the tags with personal data that hold something, and whether there are private ones."""
    named = [name for name in _PERSONAL if _text(header, name)]
    private = any(element.tag.is_private for element in header)
    return (*named, "private tags") if private else tuple(named)


def _text(header: Any, name: str) -> str:
    try:
        return str(header.get(name) or "").strip("\0 \t\r\n")
    except Exception:  # pydicom decodes a tag when it is read, and a damaged one raises anything
        return ""
