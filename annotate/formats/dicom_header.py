"""What a DICOM object made from an image takes over from the image's tags, and what it says of itself.

Attributes copied: PS3.3 C.7.1.1, C.7.2.1, C.7.2.2; lossy compression: C.7.6.1.1.5; UIDs from UUIDs: PS3.5 B.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import prod
from typing import Any, Final
from uuid import UUID, uuid5

from ..scans.decoding.dicom_tags import whole

NEEDED: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
"""Without these, nothing can refer to an image."""

_EMPTY_IF_UNKNOWN: Final = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
    "ReferringPhysicianName", "StudyID",
)  # fmt: skip
_TAKEN: Final = (
    "SpecificCharacterSet", "TimezoneOffsetFromUTC", *_EMPTY_IF_UNKNOWN, "StudyInstanceUID", "StudyDescription",
    "IssuerOfPatientID", "IssuerOfAccessionNumberSequence", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "PatientAge", "PatientSize", "PatientWeight", "BodyPartExamined",
    "Laterality",
)  # fmt: skip
_COMPRESSION: Final = (
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "BitsAllocated",
)  # fmt: skip
READ: Final = tuple(dict.fromkeys((*_TAKEN, *NEEDED, *_COMPRESSION, "SeriesNumber", "InstanceNumber")))
"""All tags of an image that what is made from it needs."""

_JPEG: Final = "1.2.840.10008.1.2.4."
_ALWAYS_LOSSY: Final = {
    **{_JPEG + ending: "ISO_10918_1" for ending in ("50", "51")},
    **{_JPEG + str(ending): "ISO_13818_2" for ending in (100, 101)},
    **{_JPEG + str(ending): "ISO_14496_10" for ending in range(102, 107)},
    **{_JPEG + str(ending): "ISO_23008_2" for ending in (107, 108)},
}
_PERHAPS_LOSSY: Final = {_JPEG + "81": "ISO_14495_1", _JPEG + "91": "ISO_15444_1"}
_SPACE: Final = UUID("6f1d7c0a-55f4-5a0e-9a53-3d0c5e2b8f41")  # drawn once; our UIDs are made in it


@dataclass(frozen=True, slots=True)
class Term:
    """A coded term.

    Attributes:
        value: The code.
        scheme: The coding scheme, such as `SCT` for SNOMED CT.
        meaning: What it means, 64 characters at most.
    """

    value: str
    scheme: str
    meaning: str

    def item(self) -> Any:
        """The term as an item of a sequence."""
        from pydicom.dataset import Dataset

        item = Dataset()
        setattr(item, "CodeValue" if len(self.value) <= 16 else "LongCodeValue", self.value)  # SH holds 16
        item.CodingSchemeDesignator, item.CodeMeaning = self.scheme, self.meaning
        return item


def new_uid(*parts: str) -> str:
    """A UID that is the same for the same texts, and for no others."""
    return f"2.25.{uuid5(_SPACE, chr(0).join(parts)).int}"


def derived_dataset(source: Any) -> Any:
    """A new data set of the image's patient and study.

    Args:
        source: The image's tags, as pydicom reads them.
    """
    from pydicom.dataset import Dataset

    made = Dataset()
    for name in _TAKEN:
        if source.get(name) or (name in source and name in _EMPTY_IF_UNKNOWN):
            made.add(source[name])
        elif name in _EMPTY_IF_UNKNOWN:
            setattr(made, name, "")
    if "Laterality" in made and "BodyPartExamined" not in made:  # a side goes with a paired part only
        del made.Laterality
    return made


def describe_compression(made: Any, source: Any, *, size: int) -> None:
    """Say whether the image's pixels were ever compressed with loss, as all that is made from it has to.

    Args:
        made: What is made from it.
        source: The image's tags, with its file's meta information.
        size: Bytes of the image's file.
    """
    syntax = str(source.file_meta.get("TransferSyntaxUID", ""))
    told = str(source.get("LossyImageCompression", ""))
    method = _ALWAYS_LOSSY.get(syntax) or (None if told == "00" else _PERHAPS_LOSSY.get(syntax))
    made.LossyImageCompression = "01" if told == "01" or method else "00"
    if made.LossyImageCompression == "00":
        return
    for name in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if source.get(name):
            made.add(source[name])
    if method and not source.get("LossyImageCompressionMethod"):
        made.LossyImageCompressionMethod = method
    if method and not source.get("LossyImageCompressionRatio"):
        counts = (whole(source, name) or 1 for name in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"))
        made.LossyImageCompressionRatio = f"{prod(counts) * (whole(source, 'BitsAllocated') or 8) / 8 / size:.2f}"


def local_time(at: str, source: Any) -> tuple[str, str]:
    """A moment as date and time of the image's time zone; without one, of this computer's.

    Args:
        at: The moment, as `clock.utc_text` writes it.
        source: The image's tags.
    """
    zone = str(source.get("TimezoneOffsetFromUTC") or "")
    moment = datetime.fromisoformat(at).astimezone(UTC)
    try:
        offset = timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:5]))
        moment = moment.astimezone(timezone(offset))
    except (ValueError, IndexError):
        moment = moment.astimezone()
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S.%f")


def cielab(color: str) -> Sequence[int]:
    """A colour `#RRGGBB` as DICOM's three whole numbers of CIELab, PS3.3 C.10.7.1.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _shares(color)]
    # XYZ as shares of the white of D65, which pixelmed, highdicom and viewers take: IEC 61966-2-1.
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    shares = (sum(a * b for a, b in zip(row, linear, strict=True)) / sum(row) for row in rows)
    x, y, z = (s ** (1 / 3) if s > (6 / 29) ** 3 else s / (3 * (6 / 29) ** 2) + 4 / 29 for s in shares)
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return [round(lightness * 65535 / 100), round((a + 128) * 65535 / 255), round((b + 128) * 65535 / 255)]


def _shares(color: str) -> list[float]:
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
