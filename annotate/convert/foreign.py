"""Frames of another format, and what their readers need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import BrokenInput
from ..formats.drawing import Drawing
from ..hiding import seen_labels
from ..report import Report
from ..shapes import changed_classes
from .files import Images, as_file
from .names import Given, IndexNames, check_known, distinct


@dataclass(frozen=True, slots=True)
class Foreign:
    """A frame of another format.

    Attributes:
        name: Without an ending, POSIX.
        drawing: What was understood of it.
        height: Rows.
        width: Columns.
        source: The file that it is in.
        called: What messages call it, where its name and file do not tell it from others.
    """

    name: str
    drawing: Drawing
    height: int
    width: int
    source: Path
    called: str = ""

    def beside(self, other: Foreign | None) -> Foreign:
        """The frame without what nobody can tell, because another frame has its name.

        Args:
            other: That frame; None where it could not be read.
        """
        differ: frozenset[int | None] = frozenset({None})
        if other is not None and (other.height, other.width) == (self.height, self.width):
            differ = changed_classes(self.drawing.shapes, other.drawing.shapes) | other.drawing.lost
        lost, told = self.drawing.lost | differ, self.drawing.told - differ
        slips = frozenset(k for k in self.drawing.slips if k not in differ)
        return replace(self, drawing=replace(self.drawing, lost=lost, told=told, slips=slips))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers of all formats need.

    Attributes:
        src: What to read.
        classes: As `--classes` gives them, None for all.
        folder: Where images lie.
        report: Gets failures, and what is odd.
        refused: Gets the names of frames that could not be read.
    """

    src: Path
    classes: Given | None
    folder: Images
    report: Report
    refused: set[str] = field(default_factory=set)

    def refuse(self, name: str, error: BrokenInput) -> None:
        """Tell that a frame could not be read, and keep its name: another one may have it too."""
        self.report.fail(error)
        self.refused.add(as_file(name))

    def names(self, labels: Sequence[str], *, tell: bool = True) -> IndexNames:
        """The classes wanted, of the labels that there are; the others are noted, unless the reader tells them itself.

        Raises:
            UsageError: None of the labels is wanted.
        """
        seen_labels(labels)
        names = IndexNames(self.classes or distinct(labels) or None)
        if self.classes is not None:
            check_known(labels, names)
            for label in distinct(labels) if tell else ():
                if names.index_of(label) is None:
                    self.report.note(f"label {label!r} is no class (left out)", self.src.name)
        return names

    def lost(self, labels: tuple[str | None, ...], names: IndexNames) -> frozenset[int | None]:
        """The indices of labels that lost something; those that are not wanted take nothing away."""
        found = {None if label is None else names.index_of(label) for label in labels}
        return frozenset(k for k in found if k is not None) | ({None} if None in labels else frozenset())


def bytes_of(path: Path) -> bytes:
    """What a file holds. Raises BrokenInput."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check its permissions") from error
