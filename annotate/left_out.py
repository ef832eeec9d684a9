"""What a command found in folders and did not read: counted by kind, told in one line, never by name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .errors import BrokenInput
from .frames import IMAGE_SUFFIXES
from .kinds import JSON, SYSTEM, UNKNOWN, Kind, is_system_file, kind_of_file, not_an_image
from .masks import MASK_SUFFIXES
from .report import Report
from .sources import LabelledFrame, lies_in

UNDRAWN: Final = Kind("image without outlines", "images without outlines", "an image without outlines")
_ANY_IMAGE: Final = Kind("image", "images", "an image")


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a folder that was named, or named itself.

    Attributes:
        path: Where it lies.
        is_named: It was named itself.
        is_system: The system put it there, and nobody wants to hear of it.
    """

    path: Path
    is_named: bool
    is_system: bool


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


def walk(paths: Sequence[Path], *, report: Report, without: Sequence[Path] = ()) -> Iterator[Found]:
    """All files among `paths` and below its folders, each once; a folder's in the order of their names.

    Args:
        paths: Files and folders.
        report: Gets the folders that cannot be opened.
        without: Folders to leave alone.
    """

    def fail(error: OSError) -> None:
        report.fail(BrokenInput(error.filename, f"cannot be opened ({error.strerror})", "Check its permissions"))

    seen: set[Path] = set()
    for root in paths:
        folder = root.is_dir()
        inside = (Path(parent, name) for parent, _, names in os.walk(root, onerror=fail) for name in names)
        for file in sorted(p for p in inside if p.is_file()) if folder else [root]:
            if file not in seen and not lies_in(file, without):
                seen.add(file)
                own = file.relative_to(root) if folder else Path(file.name)
                yield Found(file, is_named=not folder, is_system=is_system_file(own))


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


def noting_images(items: Iterable[LabelledFrame], used: set[Path]) -> Iterator[LabelledFrame]:
    """The same items; the files of their images go into `used` as they pass."""
    for item in items:
        if item.source is not None:
            used.add(item.source.resolve())
        yield item


def left_out_of_import(
    paths: Sequence[Path],
    *,
    used: set[Path],
    report: Report,
    masks: Path | None = None,
    without: Sequence[Path] = (),
) -> LeftOut:
    """Count what an import of outlines did not take: images that nothing was drawn on, and files of other kinds.

    Args:
        paths: What was imported from.
        used: The images that came in, symbolic links followed.
        report: Gets the folders that cannot be opened.
        masks: The folder of masks, where those were imported; None where Labelme files were.
        without: Folders that were left alone.
    """
    left_out = LeftOut()
    found = list(walk(paths, report=report, without=without))

    def holds_outlines(path: Path) -> bool:
        if masks is None:
            return path.suffix.lower() == ".json"
        return path.suffix.lower() in MASK_SUFFIXES and path.is_relative_to(masks)

    drawn = {item.path.stem for item in found if holds_outlines(item.path)}
    for item in found:
        path = item.path
        if item.is_system:
            left_out.add(SYSTEM)
        elif not holds_outlines(path) and path.resolve() not in used:
            kind = kind_of_file(path)
            if not (kind.is_read or (kind is UNKNOWN and path.suffix.lower() in IMAGE_SUFFIXES)):
                left_out.add(kind)
            elif path.stem not in drawn:  # those that were drawn on and are not used have failed, and are named
                left_out.add(UNDRAWN)
    return left_out


def what_is_there(paths: Sequence[Path], *, without: Sequence[Path] = ()) -> str:
    """What lies in folders that hold nothing of what was looked for, as `LeftOut.line` says it."""
    there = LeftOut()
    for item in walk(paths, report=Report(""), without=without):
        kind = SYSTEM if item.is_system else kind_of_file(item.path)
        there.add(_ANY_IMAGE if kind.is_read else kind)
    return there.line()
