"""Scan files inside ZIP archives: taken out one at a time, under our own name, and never further than the limits."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from ..errors import BrokenInput
from ..system.platform import process_command
from .kinds import is_system_file

MOST_FILES: Final = 100_000
MOST_BYTES: Final = 32 << 30  # of all files of an archive, unpacked
MOST_BYTES_A_FILE: Final = 4 << 30
MOST_RATIO: Final = 200  # unpacked to packed bytes; images and DICOM files stay below 50, bombs reach 1,000
_SMALL: Final = 64 << 20  # unpacked bytes below which no ratio is too high: a blank frame packs well
_FOLDER: Final = "dmr-scan-"
_AT_ONCE: Final = 1 << 20
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
_UNPACK: Final = "Unpack it yourself, and name the folder"


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive.

    Attributes:
        archive: The archive.
        name: The file's name there, with its folders, as far as they lead downwards.
    """

    archive: Path
    name: PurePosixPath
    _entry: zipfile.ZipInfo = field(repr=False)  # the name may be there twice

    @property
    def shown(self) -> Path:
        """What to call it: the archive's path and the name behind it. No such file exists."""
        return self.archive / self.name

    @property
    def is_system(self) -> bool:
        """Whether the system put it there."""
        return is_system_file(self.name)


def members(archive: Path) -> list[Member]:
    """The files in an archive, in the order of their names.

    Raises:
        BrokenInput: It is damaged, encrypted, or too large.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    except _DAMAGE as error:
        raise BrokenInput(archive, "is a ZIP archive that cannot be opened: it is damaged", _UNPACK) from error
    if len(entries) > MOST_FILES:
        raise BrokenInput(archive, f"holds more than {MOST_FILES:,} files", _UNPACK)
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise BrokenInput(archive, f"holds more than {MOST_BYTES >> 30} GiB", _UNPACK)
    if any(entry.flag_bits & 1 for entry in entries):
        raise BrokenInput(archive, "is encrypted", _UNPACK)
    return sorted((Member(archive, _downwards(e.filename), e) for e in entries), key=lambda member: member.name)


def _downwards(name: str) -> PurePosixPath:
    """A name without the parts that lead out of an archive."""
    parts = (part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "//", "..", "."))
    return PurePosixPath(*(part.replace(":", "_") for part in parts))


@contextmanager
def unpacked(member: Member) -> Iterator[Path]:
    """A file of an archive as a file of its own, in a folder that only its owner can open; it is deleted at the end.

    Raises:
        BrokenInput: It is damaged, or larger than the archive says or than is allowed.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    path = folder / f"scan{_suffix(member.name)}"
    try:
        try:
            with (
                zipfile.ZipFile(member.archive) as opened,
                opened.open(member._entry) as packed,
                path.open("wb") as out,
            ):
                _copy(packed, out, most=_most(member._entry), where=member.shown)
        except _DAMAGE as error:
            raise BrokenInput(member.shown, "cannot be unpacked: the archive is damaged", _UNPACK) from error
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Delete what killed runs have left: it holds a scan as it came, with its tags."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = left.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and int(pid) != os.getpid() and not process_command(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _most(entry: zipfile.ZipInfo) -> int:
    return min(MOST_BYTES_A_FILE, max(_SMALL, MOST_RATIO * entry.compress_size))


def _copy(packed: IO[bytes], out: IO[bytes], *, most: int, where: Path) -> None:
    left = most
    while some := packed.read(_AT_ONCE):
        left -= len(some)
        if left < 0:
            raise BrokenInput(where, f"unpacks to more than {most >> 20} MiB", "Check it, or unpack it yourself")
        out.write(some)


def _suffix(name: PurePosixPath) -> str:
    """The ending of a name, if it is a short plain one: what is odd about an ending is told by the decoder."""
    suffix = name.suffix.lower()
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 6 else ""
