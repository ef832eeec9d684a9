"""The scan files among what the user named: in folders, in ZIP archives, and on DICOM disks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import BrokenInput
from ..hiding import seen as seen_name
from ..report import Report
from .archives import Member, members, unpacked
from .discover import Found, walk
from .images import IMAGE_SUFFIXES
from .kinds import DICOMDIR, JSON, SYSTEM, ZIP, kind_of_file, not_a_scan
from .left_out import LeftOut

CLIP_SUFFIXES: Final = frozenset(
    {".dcm", ".dicom", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg"}
)
"""Lower case. With an image's ending they select the files of a folder that are read, or named if they cannot be."""


NOTHING_INSIDE: Final = "holds no file"
"""The note on a named folder, and on an archive, that is empty."""


@dataclass(frozen=True, slots=True)
class ScanFile:
    """A scan file to decode.

    Attributes:
        path: Where it can be read now. For a file of an archive, this is gone when the next one is taken.
        shown: What to call it: its path, or the archive's with the name behind it.
    """

    path: Path
    shown: Path


def scan_files(
    paths: Sequence[Path], *, left_out: LeftOut, report: Report, without: Sequence[Path] = ()
) -> Iterator[ScanFile]:
    """The files among `paths`, below its folders, and in its ZIP archives, to read as scans.

    These are the files with the ending of an image or a clip, whatever they hold, so that damaged ones are reported,
    and files with another ending, or none, that hold an image or a clip. A DICOMDIR stands for its folder.

    Args:
        paths: Files and folders.
        left_out: Counts the other files.
        report: Gets a failure for each other file that the user named itself, and for each archive that is damaged,
            and a note for what is empty.
        without: Folders that are not searched.
    """
    named = [path.parent if path.is_file() and kind_of_file(path) is DICOMDIR else path for path in paths]
    found = list(walk(named, report=report, without=without))
    for place in (path for path in named if path.is_dir()):
        if not any(item.path.is_relative_to(place) for item in found):
            report.note(NOTHING_INSIDE, place.name or str(place))
    images = {f.path.stem for f in found if f.unread is None and f.path.suffix.lower() in IMAGE_SUFFIXES}
    for item in found:
        if item.unread is not None and not item.is_named:
            left_out.add(SYSTEM if item.is_system else item.unread)
        elif _is_scan(item):
            yield ScanFile(item.path, item.path)
        elif (kind := item.unread or (SYSTEM if item.is_system else kind_of_file(item.path))) is ZIP:
            yield from _in_archive(item.path, left_out=left_out, report=report)
        elif kind is JSON and item.path.stem in images:  # the Labelme file of an image
            left_out.add(JSON, expected=True)
        elif kind is DICOMDIR:
            left_out.add(kind, expected=True)
        elif item.is_named and kind is not SYSTEM:
            report.fail(not_a_scan(item.path, kind))
        else:
            left_out.add(kind)


def _is_scan(item: Found) -> bool:
    if item.unread is not None or (item.is_system and not item.is_named):
        return False
    return has_scan_ending(item.path) or (kind := kind_of_file(item.path)).is_read or kind.is_scan


def has_scan_ending(path: Path) -> bool:
    """Whether a name has the ending of an image or a clip."""
    return path.suffix.lower() in IMAGE_SUFFIXES | CLIP_SUFFIXES


def _in_archive(archive: Path, *, left_out: LeftOut, report: Report) -> Iterator[ScanFile]:
    try:
        inside = members(archive)
    except BrokenInput as error:
        report.fail(error)
        return
    if not inside:
        report.note(NOTHING_INSIDE, archive.name)
    images = {member.name.stem for member in inside if has_scan_ending(Path(member.name))}
    for member in inside:
        if member.is_system:
            left_out.add(SYSTEM)
            continue
        seen_name(member.shown, member.name.as_posix())
        try:
            yield from _member(member, images, left_out=left_out)
        except BrokenInput as error:
            report.fail(error)


def _member(member: Member, images: set[str], *, left_out: LeftOut) -> Iterator[ScanFile]:
    with unpacked(member) as path:
        kind = kind_of_file(path)
        if has_scan_ending(member.shown) or kind.is_read or kind.is_scan:
            yield ScanFile(path, member.shown)
        else:
            left_out.add(kind, expected=kind is DICOMDIR or (kind is JSON and member.name.stem in images))
