"""What a command found in folders and did not read: counted by kind, told in one line, never by name."""

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
        told: How many of each kind a person wants to hear of.
        expected: How many of each kind a person expects there; only programs are told.
    """

    told: Counter[Kind] = field(default_factory=Counter)
    expected: Counter[Kind] = field(default_factory=Counter)

    def add(self, kind: Kind, *, expected: bool = False) -> None:
        """Count one more; files of the system are always expected."""
        (self.expected if expected or kind is SYSTEM else self.told)[kind] += 1

    def line(self) -> str:
        """As in "2 DICOM, 1 video: not read yet; 3 PDF"; empty where there is nothing to tell."""
        parts: dict[bool, list[str]] = {True: [], False: []}
        for kind, n in self.told.most_common():
            parts[kind.is_coming].append(f"{n} {kind.name if n == 1 else kind.plural}")
        coming = f"{', '.join(parts[True])}: not read yet" if parts[True] else ""
        return "; ".join(part for part in (coming, ", ".join(parts[False])) if part)

    def tell(self, report: Report) -> None:
        """Say it in the report: a line for people where there is something to tell, all counts for programs."""
        if line := self.line():
            report.say(f"Left out: {line}.")
        counts = self.told + self.expected
        report.data["left_out"] = {kind.name: n for kind, n in sorted(counts.items(), key=lambda item: item[0].name)}


def image_files(
    paths: Sequence[Path], *, left_out: LeftOut, report: Report, without: Sequence[Path] = ()
) -> Iterator[Path]:
    """The files among `paths` and below its folders that are to be read as images.

    Those with an image's ending, whatever they hold, so that one that is damaged is named; and those of another ending
    that hold an image.

    Args:
        paths: Files and folders.
        left_out: Gets the others.
        report: Gets those of the others that were named themselves: they fail.
        without: Folders to leave alone.
    """
    found = list(walk(paths, report=report, without=without))
    images = {f.path.stem for f in found if f.path.suffix.lower() in IMAGE_SUFFIXES}
    for item in found:
        is_image = item.path.suffix.lower() in IMAGE_SUFFIXES
        if is_image and (item.is_named or not item.is_system):
            yield item.path
            continue
        kind = SYSTEM if item.is_system else kind_of_file(item.path)
        if kind.is_read:
            yield item.path
        elif kind is JSON and item.path.stem in images:  # the image's outlines
            left_out.add(JSON, expected=True)
        elif item.is_named and kind is not SYSTEM:
            report.fail(not_an_image(item.path, kind))
        else:
            left_out.add(kind)


def what_is_there(paths: Sequence[Path], *, without: Sequence[Path] = ()) -> str:
    """What lies in folders that hold nothing of what was looked for, as `LeftOut.line` says it."""
    there = LeftOut()
    for item in walk(paths, report=Report(""), without=without):
        kind = SYSTEM if item.is_system else kind_of_file(item.path)
        there.add(_ANY_IMAGE if kind.is_read else kind)
    return there.line()
