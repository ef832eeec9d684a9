"""Tell the kind of a file from its first bytes, and whether dmr reads it now, later or never.

Magic numbers: PRONOM (nationalarchives.gov.uk/PRONOM) and the formats' own specifications; DICOM: PS3.10, 7.1.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from ..errors import BrokenInput

HEAD: Final = 4096
"""Number of bytes from a file's beginning that are enough to tell its kind."""

_AGAIN: Final = "Export it again from the scanner, or take a copy that is whole"
_NIFTI_END: Final = 348  # length of a NIfTI-1 header
_SYSTEM: Final = frozenset(
    {
        "$recycle.bin",
        "__macosx",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "system volume information",
        "thumbs.db",
        # Files of a workspace that lie among scans.
        "catalogue.sqlite",
        "catalogue.sqlite-shm",
        "catalogue.sqlite-wal",
        "dmr.toml",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        name: Its name after a 1, as in "1 video"; also its name in JSON.
        plural: Its name after other numbers.
        phrase: Its name after "is", as in "is a video".
        is_read: Whether dmr reads it as an image.
        is_scan: Whether `dmr prelabel` reads it, although it is no image: DICOM and videos.
    """

    name: str
    plural: str
    phrase: str
    is_read: bool = False
    is_scan: bool = False


def _kind(name: str, plural: str | None = None, phrase: str | None = None, *, is_scan: bool = False) -> Kind:
    return Kind(name, plural or name, phrase or f"a {name} file", is_scan=is_scan)


def _image(name: str, *, is_read: bool = False) -> Kind:
    article = "an" if name == "HEIC" else "a"
    return Kind(f"{name} image", f"{name} images", f"{article} {name} image", is_read=is_read)


PNG, JPEG, BMP, TIFF, GIF, WEBP = (_image(name, is_read=True) for name in ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WebP"))
DICOM = _kind("DICOM", is_scan=True)
DICOMDIR = _kind("DICOMDIR", phrase="a DICOMDIR, the list of contents of a DICOM disk")
VIDEO = _kind("video", "videos", "a video", is_scan=True)
NIFTI = _kind("NIfTI")
PDF = _kind("PDF")
WORD, EXCEL, SLIDES = _kind("DOCX"), Kind("XLSX", "XLSX", "an XLSX file"), _kind("PPTX")
OFFICE = Kind("office document", "office documents", "an office document")
ARCHIVE = Kind("archive", "archives", "an archive such as a ZIP file")
ZIP = _kind("ZIP")
JSON, CSV, HTML = _kind("JSON"), _kind("CSV"), Kind("HTML", "HTML", "an HTML file")
XML = Kind("XML", "XML", "an XML file")
TEXT = _kind("text file", "text files", "a text file")
DATABASE = _kind("database", "databases")
ARRAY = Kind("array file", "array files", "a file of arrays (NumPy, HDF5, MATLAB, NRRD)")
SOUND = _kind("sound file", "sound files", "a sound file")
PROGRAM, SHORTCUT = _kind("program", "programs", "a program"), _kind("shortcut", "shortcuts", "a shortcut")
EMPTY = Kind("empty file", "empty files", "an empty file")
LINK = Kind("link to another place", "links to other places", "a link to another place, which is not followed")
DEAD_LINK = Kind("link that leads nowhere", "links that lead nowhere", "a link that leads nowhere")
NO_FILE = Kind("pipe, socket or device", "pipes, sockets or devices", "a pipe, a socket or a device")
SYSTEM = _kind("system file", "system files", "a file of the system")
UNKNOWN = Kind("file of unknown kind", "files of unknown kind", "of a kind that is not known")
UNOPENED = Kind("file that cannot be opened", "files that cannot be opened", "a file that cannot be opened")
HEIC, JPEG_2000, PSD = (_image(name) for name in ("HEIC", "JPEG 2000", "Photoshop"))

_MAGIC: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0", TIFF),  # BigTIFF
    (0, b"MM\0+", TIFF),
    (0, b"GIF8", GIF),
    (0, b"\0\0\0\x0cjP  \r\n", JPEG_2000),
    (0, b"\xff\x4f\xff\x51", JPEG_2000),
    (0, b"8BPS", PSD),
    (0, b"\x1a\x45\xdf\xa3", VIDEO),  # Matroska, WebM
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),  # WMV
    (0, b"\0\0\x01\xba", VIDEO),  # MPEG
    (0, b"\0\0\x01\xb3", VIDEO),
    (0, b"FLV\x01", VIDEO),
    (0, b"n+2\0\r\n\x1a\n", NIFTI),
    (4, b"n+2\0\r\n\x1a\n", NIFTI),
    (344, b"n+1\0", NIFTI),
    (344, b"ni1\0", NIFTI),
    (0, b"%PDF-", PDF),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),  # Word, Excel before 2007
    (0, b"{\\rtf", OFFICE),
    (0, b"PK\x05\x06", ZIP),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"Rar!\x1a\x07", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (0, b"\xfd7zXZ\0", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"SQLite format 3\0", DATABASE),
    (0, b"\x93NUMPY", ARRAY),
    (0, b"\x89HDF\r\n\x1a\n", ARRAY),
    (0, b"MATLAB 5.0 MAT-file", ARRAY),
    (0, b"NRRD000", ARRAY),
    (0, b"ID3", SOUND),
    (0, b"OggS", SOUND),
    (0, b"\x7fELF", PROGRAM),
    (0, b"L\0\0\0\x01\x14\x02\0", SHORTCUT),
)
_CONTAINERS: Final = {b"AVI ": VIDEO, b"WEBP": WEBP, b"WAVE": SOUND}  # RIFF
_STILLS: Final = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif")  # brands of ISO media that are images
_BOXES: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # QuickTime without a brand
_ZIPPED: Final = ((b"word/", WORD), (b"xl/", EXCEL), (b"ppt/", SLIDES))
_ZIP_SUFFIXES: Final = {".docx": WORD, ".xlsx": EXCEL, ".pptx": SLIDES}
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DIRECTORY_CLASS: Final = b"1.2.840.10008.1.3.10"  # Media Storage Directory Storage: a DICOMDIR
_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_VR: Final = re.compile(rb"AE|AS|AT|CS|DA|DS|DT|FD|FL|IS|LO|LT|OB|OW|PN|SH|SL|SQ|SS|ST|TM|UI|UL|UN|US|UT")
_LONG_VR: Final = (b"OB", b"OW", b"SQ", b"UN", b"UT")


def is_system_file(path: PurePath) -> bool:
    """Whether the system or a program put a file there, and not a person.

    Args:
        path: Path below the named folder: files in a system folder count as system files.
    """
    return any(part.startswith((".", "~$")) or part.lower() in _SYSTEM for part in path.parts)


def not_an_image(where: object, kind: Kind) -> BrokenInput:
    """The error for a file that cannot be read as an image: what it is, and what to do."""
    if kind.is_scan:
        return BrokenInput(where, f"is {kind.phrase}, not an image", "Export its frames as PNG")
    return _unread(where, kind, "PNG, JPEG, BMP, TIFF, GIF or WebP image")


def not_a_scan(where: object, kind: Kind) -> BrokenInput:
    """The error for a file that cannot be read as a scan: what it is, and what to do."""
    return _unread(where, kind, "DICOM file, video or image")


def _unread(where: object, kind: Kind, wanted: str) -> BrokenInput:
    if kind.is_read or kind.is_scan:
        return BrokenInput(where, f"begins as {kind.phrase} and is damaged or cut short", _AGAIN)
    if kind is EMPTY:
        return BrokenInput(where, "is empty", _AGAIN)
    if kind is UNOPENED:
        return BrokenInput(where, "cannot be opened", "Check the path and its permissions")
    if kind is UNKNOWN:
        return BrokenInput(where, f"is no {wanted}, or is damaged", _AGAIN)
    return BrokenInput(where, f"is {kind.phrase}, not a {wanted}", "Export the image itself as PNG")


def kind_of_file(path: Path) -> Kind:
    """The kind of a file by its content. Only its beginning is read."""
    try:
        with path.open("rb") as file:
            return kind_of(file.read(HEAD), suffix=path.suffix.lower())
    except OSError:
        return UNOPENED


def kind_of(head: bytes, *, suffix: str = "") -> Kind:
    """The kind of a file by its first bytes.

    Args:
        head: Its first `HEAD` bytes, or all if it is shorter.
        suffix: Ending of its name, lower case. It decides if the content does not, such as for texts.
    """
    if not head:
        return EMPTY
    if head[128:132] == b"DICM":
        return DICOMDIR if _DIRECTORY_CLASS in head else DICOM
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    for tell in _TELLERS:
        if (found := tell(head, suffix)) is not None:
            return found
    return UNKNOWN


def _bitmap(head: bytes, _: str) -> Kind | None:
    # Many texts begin with "BM" too, so the header's size at byte 14 is checked.
    return BMP if head.startswith(b"BM") and head[14:18] in _BMP_HEADERS else None


_BMP_HEADERS: Final = frozenset(n.to_bytes(4, "little") for n in (12, 40, 52, 56, 64, 108, 124))


def _media(head: bytes, _: str) -> Kind | None:
    if head.startswith(b"RIFF"):
        return _CONTAINERS.get(head[8:12])
    if head[4:8] == b"ftyp":
        return HEIC if head[8:12] in _STILLS else VIDEO
    if head[4:8] in _BOXES and int.from_bytes(head[:4], "big") < 2**31:
        return VIDEO
    packets = head[0:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47"
    return VIDEO if packets else None  # MPEG transport stream


def _zipped(head: bytes, suffix: str) -> Kind | None:
    if head.startswith(b"\x1f\x8b"):
        try:
            start = zlib.decompressobj(31).decompress(head, _NIFTI_END)
        except zlib.error:
            return ARCHIVE
        inside = kind_of(start) if not start.startswith(b"\x1f\x8b") else ARCHIVE
        return NIFTI if inside is NIFTI else ARCHIVE
    if not head.startswith(b"PK\x03\x04"):
        return None
    if b"[Content_Types].xml" in head or b"_rels/" in head:
        by_name = next((kind for folder, kind in _ZIPPED if folder in head), None)
        return by_name or _ZIP_SUFFIXES.get(suffix, OFFICE)
    return OFFICE if b"mimetypeapplication/vnd.oasis.opendocument" in head else ZIP


def _bare_dicom(head: bytes, _: str) -> Kind | None:
    """Whether this is DICOM without its preamble, as old devices write it: two valid elements in a row."""
    first = _element(head, 0)
    if first is None or first[0][0] not in (0x0002, 0x0008):
        return None
    second = _element(head, first[1])
    in_order = second is not None and first[0] < second[0] and second[0][0] in (0x0002, 0x0008, 0x0010)
    return DICOM if in_order else None


def _element(head: bytes, at: int) -> tuple[tuple[int, int], int] | None:
    """The tag of a little-endian element and the place of the next one; None if there is no element."""
    if len(head) < at + 12:
        return None
    group, number = (int.from_bytes(head[at + i : at + i + 2], "little") for i in (0, 2))
    vr, short, long = head[at + 4 : at + 6], head[at + 6 : at + 8], head[at + 8 : at + 12]
    if not _VR.fullmatch(vr):
        value, size = at + 8, int.from_bytes(head[at + 4 : at + 8], "little")
    elif vr in _LONG_VR:
        value, size = at + 12, int.from_bytes(long, "little")
    else:
        value, size = at + 8, int.from_bytes(short, "little")
    return None if size % 2 else ((group, number), value + size)


def _text(head: bytes, suffix: str) -> Kind | None:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            text = head[len(mark) :].decode(encoding, errors="replace").encode()
            break
    else:
        text = head
    if _CONTROL.search(text):
        return PROGRAM if head.startswith(b"MZ") else None
    start = text.lstrip()[:256].lower()
    if re.match(rb'\{\s*(["}]|$)|\[\s*([\[{"\]\d-]|$)', start):
        return JSON
    if start.startswith((b"<!doctype html", b"<html")):
        return HTML
    if start.startswith(b"<?xml") or re.match(rb"<[a-z!]", start):
        return XML
    return CSV if suffix in (".csv", ".tsv") else TEXT


_TELLERS: Final[tuple[Callable[[bytes, str], Kind | None], ...]] = (_bitmap, _media, _zipped, _bare_dicom, _text)
