"""Count the files in folders that a command did not read, by kind, and report them in one line without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..report import Report
from .discover import walk
from .images import IMAGE_SUFFIXES
from .kinds import JSON, SYSTEM, Kind, kind_of_file, not_an_image

_ANY_IMAGE: Final = Kind("image", "images", "an image")


@dataclass(slots=True)
class LeftOut:
    """A count of files by their kind.

    Attributes:
        told: Number of files of each kind that are reported to people.
        expected: Number of files of each kind that people expect there; only `--json` has them.
    """

    told: Counter[Kind] = field(default_factory=Counter)
    expected: Counter[Kind] = field(default_factory=Counter)

    def add(self, kind: Kind, *, expected: bool = False) -> None:
        """Count one more file. System files are always expected."""
        (self.expected if expected or kind is SYSTEM else self.told)[kind] += 1

    def line(self) -> str:
        """A line such as "2 DICOM, 1 video: not read yet; 3 PDF"; empty if there is nothing to report."""
        parts: dict[bool, list[str]] = {True: [], False: []}
        for kind, n in self.told.most_common():
            parts[kind.is_coming].append(f"{n} {kind.name if n == 1 else kind.plural}")
        coming = f"{', '.join(parts[True])}: not read yet" if parts[True] else ""
        return "; ".join(part for part in (coming, ", ".join(parts[False])) if part)

    def tell(self, report: Report) -> None:
        """Add to the report: a line for people if there is something to say, and all counts for `--json`."""
        if line := self.line():
            report.say(f"Left out: {line}.")
        counts = self.told + self.expected
        report.data["left_out"] = {kind.name: n for kind, n in sorted(counts.items(), key=lambda item: item[0].name)}


def image_files(
    paths: Sequence[Path], *, left_out: LeftOut, report: Report, without: Sequence[Path] = ()
) -> Iterator[Path]:
    """The files among `paths` and below its folders to read as images.

    These are the files with an image's ending, whatever they hold, so that damaged ones are reported, and files with
    another ending that hold an image.

    Args:
        paths: Files and folders.
        left_out: Counts the other files.
        report: Gets a failure for each other file that the user named itself.
        without: Folders that are not searched.
    """
    found = list(walk(paths, report=report, without=without))
    images = {f.path.stem for f in found if f.unread is None and f.path.suffix.lower() in IMAGE_SUFFIXES}
    for item in found:
        if item.unread is not None and not item.is_named:
            left_out.add(SYSTEM if item.is_system else item.unread)
            continue
        is_image = item.unread is None and item.path.suffix.lower() in IMAGE_SUFFIXES
        if is_image and (item.is_named or not item.is_system):
            yield item.path
            continue
        kind = item.unread or (SYSTEM if item.is_system else kind_of_file(item.path))
        if kind.is_read:
            yield item.path
        elif kind is JSON and item.path.stem in images:  # the Labelme file of an image
            left_out.add(JSON, expected=True)
        elif item.is_named and kind is not SYSTEM:
            report.fail(not_an_image(item.path, kind))
        else:
            left_out.add(kind)


def what_is_there(paths: Sequence[Path], *, without: Sequence[Path] = ()) -> str:
    """What is in folders that hold none of the files that were looked for, in the words of `LeftOut.line`."""
    there = LeftOut()
    for item in walk(paths, report=Report(""), without=without):
        kind = SYSTEM if item.is_system else item.unread or kind_of_file(item.path)
        there.add(_ANY_IMAGE if kind.is_read else kind)
    return there.line()
