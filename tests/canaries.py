"""Scans of every kind in which each place that can hold a text holds a secret word of its own."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from dicom_files import region, write_dicom
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset
from video_files import write_video

from dmr.annotate.phantom.writing import PhantomSet

_TAGS = (
    "AccessionNumber", "DerivationDescription", "DeviceSerialNumber", "ImageComments", "InstitutionAddress",
    "InstitutionName", "InstitutionalDepartmentName", "ManufacturerModelName", "OperatorsName", "OtherPatientIDs",
    "PatientComments", "PatientID", "PatientName", "ProtocolName", "ReferringPhysicianName", "SeriesDescription",
    "StationName", "StudyDescription", "StudyID",
)  # fmt: skip


@dataclass(slots=True)
class Canaries:
    """The secret words, by the place that holds them.

    Attributes:
        in_files: Words inside files: tags, comments and other metadata. No message shows them, ever.
        in_names: Words in the names of files and folders. Messages show them unless names are hidden.
    """

    in_files: dict[str, str] = field(default_factory=dict)
    in_names: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, str]:
        """All words."""
        return self.in_files | self.in_names

    def tag(self, place: str) -> str:
        """A new word for a place inside a file."""
        return self.in_files.setdefault(place, f"KQ{len(self.all):02}ZJXV")

    def name(self, place: str) -> str:
        """A new word for a name."""
        return self.in_names.setdefault(place, f"KQ{len(self.all):02}WNXV")


def write_canaries(folder: Path) -> Canaries:
    """Write the scans; some are refused, so that errors are told too."""
    c = Canaries()
    scans = folder / c.name("folder")
    scans.mkdir(parents=True)
    clip = PhantomSet(1, 8, seed=5, format="png", labels=False).clip(5001)
    frames = np.stack([frame.pixels for frame in clip.frames()])
    _dicom(c, scans, frames[:2])
    _pictures(c, scans, frames)
    write_video(scans / "v.mp4", frames[5:7], texts={"title": c.tag("MP4 title"), "comment": c.tag("MP4 comment")})
    write_video(scans / "v.avi", frames[6:8], texts={"title": c.tag("AVI title")})
    plain = _bytes(frames[7], "PNG")
    (scans / c.name("file without an ending")).write_bytes(plain)
    with zipfile.ZipFile(scans / f"{c.name('archive')}.zip", "w") as archive:
        archive.writestr(f"{c.name('folder of an archive')}/{c.name('member of an archive')}.png", plain)
        archive.writestr(f"{c.name('damaged member')}.png", plain[:100])
        archive.comment = c.tag("ZIP comment").encode()
    (scans / f"{c.name('damaged file')}.dcm").write_bytes(b"\0" * 128 + b"DICM" + c.tag("damaged DICOM").encode() * 9)
    (scans / "cut.mp4").write_bytes((scans / "v.mp4").read_bytes()[:300] + c.tag("cut MP4").encode())
    (scans / f"{c.name('letter')}.txt").write_text(c.tag("letter"), encoding="utf-8")
    return c


def _dicom(c: Canaries, scans: Path, frames: NDArray[np.uint8]) -> None:
    nested, deeper = Dataset(), Dataset()
    deeper.RequestedProcedureDescription = c.tag("nested twice")
    nested.PatientName, nested.RequestAttributesSequence = c.tag("nested"), [deeper]
    tags: dict[str, Any] = {name: c.tag(name) for name in _TAGS}
    tags["StudyInstanceUID"] = c.in_files["UID"] = "1.2.3.7719433517"
    tags["PatientBirthDate"], tags["StudyDate"] = "19370419", "20230817"
    c.in_files |= {"date of birth": "19370419", "date of study": "20230817"}
    height, width = frames.shape[1:]
    box = region(10, 60, width - 10, height - 30)
    path = write_dicom(
        scans / "clip.dcm", frames, preamble=c.tag("preamble").encode().ljust(128, b"\0"), FrameTime="50",
        ReferencedPatientSequence=[nested], SequenceOfUltrasoundRegions=[box], **tags,
    )  # fmt: skip
    _private(path, c)
    write_dicom(scans / "other.dcm", frames[:1], Modality=c.tag("modality").upper(), PatientName=c.tag("refused"))
    write_dicom(scans / "odd.dcm", frames[:1], PhotometricInterpretation=c.tag("photometric interpretation"))


def _private(path: Path, c: Canaries) -> None:
    from pydicom import dcmread

    data = dcmread(path)
    block = data.private_block(0x0011, c.tag("private creator"), create=True)
    inner = Dataset()
    inner.PatientName = c.tag("nested in a private tag")
    block.add_new(1, "LO", c.tag("private tag"))
    block.add_new(2, "SQ", [inner])
    data.save_as(path)


def _pictures(c: Canaries, scans: Path, frames: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = c.tag("EXIF description"), c.tag("EXIF artist")
    options: dict[str, dict[str, Any]] = {
        "a.jpg": {"exif": exif, "comment": c.tag("JPEG comment").encode()},
        "a.webp": {"exif": exif.tobytes(), "xmp": c.tag("XMP").encode(), "lossless": True},
        "a.png": {"pnginfo": _texts(c)},
        "a.gif": {"comment": c.tag("GIF comment").encode()},
        "a.tif": {"tiffinfo": {270: c.tag("TIFF description"), 269: c.tag("TIFF document")}},
    }
    for (name, more), pixels in zip(options.items(), frames, strict=False):
        Image.fromarray(pixels).save(scans / name, **more)


def _texts(c: Canaries) -> PngInfo:
    info = PngInfo()
    info.add_text("Comment", c.tag("PNG text"))
    info.add_text(c.tag("PNG keyword"), "x", zip=True)
    info.add_itxt("Author", c.tag("PNG international text"))
    return info


def _bytes(pixels: NDArray[np.uint8], kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=kind)
    return out.getvalue()
