"""Frames of another format, and what their readers need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenInput
from ..formats.drawing import Drawing
from ..hiding import seen_labels
from ..report import Report
from .files import Images
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
    """

    name: str
    drawing: Drawing
    height: int
    width: int
    source: Path


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers of all formats need.

    Attributes:
        src: What to read.
        classes: As `--classes` gives them, None for all.
        folder: Where images lie.
        report: Gets failures, and what is odd.
    """

    src: Path
    classes: Given | None
    folder: Images
    report: Report

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
