"""Phantom clips as multi-frame ultrasound DICOM, with invented patient data in tags and burned into the pixels.

Ultrasound Multi-frame Image IOD: DICOM PS3.3 A.7; calibrated regions: PS3.3 C.8.5.5.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .scanner import SIDE, View

# Invented names, each from another country; none belongs to anybody on purpose.
_FAMILY: Final = ("Quillfeather", "Brambleby", "Ostrander-Vale", "Zhenwei", "Abendrot", "Lunde", "Maravilha", "Okonjo")
_GIVEN: Final = ("Tamsin", "Odalys", "Wendell", "Ximena", "Ruixue", "Perpetua", "Leopold", "Nkem")
_ROOT: Final = "1.2.826.0.1.3680043.8.498."  # pydicom's own prefix, meant for such uses
_FRAME_MS: Final = 50.0


@dataclass(frozen=True, slots=True)
class InventedPatient:
    """Invented patient data to test de-identification.

    Attributes:
        name: The name in DICOM's form, `family^given`.
        number: The patient's number in the invented hospital.
        born: Date of birth, `YYYYMMDD`.
        taken: Date of the study, `YYYYMMDD`.
        sex: `F` or `M`.
    """

    name: str
    number: str
    born: str
    taken: str
    sex: str

    @property
    def banner(self) -> tuple[str, ...]:
        """The lines that the scanner burns into each frame."""
        return (f"{self.name.replace('^', ', ')}  {self.number}", f"{self.born} {self.sex}  {self.taken}")


def invent_patient(number: int) -> InventedPatient:
    """Invent a patient's data. The same number gives the same data."""
    rng = np.random.default_rng([number, 0xD1])
    family, given = str(rng.choice(_FAMILY)), str(rng.choice(_GIVEN))
    year, month, day = rng.integers(1931, 2001), rng.integers(1, 13), rng.integers(1, 29)
    taken = f"20{rng.integers(20, 26)}{rng.integers(1, 13):02}{rng.integers(1, 29):02}"
    return InventedPatient(
        name=f"{family}^{given}",
        number=f"{rng.integers(10**6, 10**7)}",
        born=f"{year}{month:02}{day:02}",
        taken=taken,
        sex="F" if rng.random() < 0.5 else "M",
    )


def clip_to_dicom(frames: NDArray[np.uint8], view: View, patient: InventedPatient) -> bytes:
    """A clip as a DICOM file, uncompressed.

    Args:
        frames: `(n, SIDE, SIDE)` uint8.
        view: The scanner's screen, for the calibrated region.
        patient: The invented patient.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

    def uid(kind: str) -> Any:
        return generate_uid(prefix=_ROOT, entropy_srcs=["dmr phantom", patient.number, patient.taken, kind])

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = uid("instance")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    out = io.BytesIO()
    data = FileDataset(out, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["ORIGINAL", "PRIMARY", "SYNTHETIC"]
    data.SOPClassUID, data.SOPInstanceUID = UltrasoundMultiFrameImageStorage, uid("instance")
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("study"), uid("series")
    data.StudyDate = data.SeriesDate = data.ContentDate = patient.taken
    data.StudyTime = data.SeriesTime = data.ContentTime = "101500"
    data.AccessionNumber, data.StudyID, data.SeriesNumber, data.InstanceNumber = f"A{patient.number}", "1", 1, 1
    data.Modality = "US"
    data.Manufacturer, data.ManufacturerModelName = "synthetic", view.scanner.name
    data.InstitutionName = "Invented Hospital"
    data.ReferringPhysicianName = "Nobody^Nemo"
    data.StudyDescription, data.SeriesDescription = "SYNTHETIC Shamrock view", "SYNTHETIC phantom clip"
    data.PatientName, data.PatientID = patient.name, patient.number
    data.PatientBirthDate, data.PatientSex = patient.born, patient.sex
    data.PatientOrientation = ""
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.NumberOfFrames, data.Rows, data.Columns = len(frames), SIDE, SIDE
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.FrameTime = f"{_FRAME_MS:g}"
    data.FrameIncrementPointer = 0x00181063  # FrameTime
    data.BurnedInAnnotation = "YES"
    data.LossyImageCompression = "00"
    data.SequenceOfUltrasoundRegions = [_region(Dataset(), view)]
    data.PixelData = np.ascontiguousarray(frames).tobytes()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _region(region: Any, view: View) -> Any:
    """The sector's box, with centimetres per pixel."""
    x, y = view.sector.T
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2  # 2D, tissue, sector
    region.RegionLocationMinX0, region.RegionLocationMinY0 = int(np.floor(x.min())), int(np.floor(y.min()))
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = int(np.ceil(x.max())) - 1, int(np.ceil(y.max())) - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
    region.PhysicalDeltaX = region.PhysicalDeltaY = float(view.mm_per_px / 10)
    region.ReferencePixelX0 = int(view.apex[0]) - region.RegionLocationMinX0
    region.ReferencePixelY0 = int(view.apex[1]) - region.RegionLocationMinY0
    region.ReferencePixelPhysicalValueX = region.ReferencePixelPhysicalValueY = 0.0
    region.TransducerFrequency = int(view.scanner.mhz * 1000)
    return region
