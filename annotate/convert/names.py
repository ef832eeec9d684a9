"""The classes of `dmr convert`: indices, names and spellings from `--classes`, or `class_n`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from ..classes import canonical_label
from ..errors import BrokenInput, UsageError
from ..formats.labelme import read_labelme
from ..formats.labelme_holes import is_unnamed
from ..formats.lost import lost_labels
from ..hiding import seen_labels
from ..shapes import Shape
from .files import Job

_MOST_CLASSES = 255
_NUMBERED = re.compile(r"class_([1-9][0-9]{0,2})")
_SHOWN = 8  # labels shown in an error


Given = tuple[str | tuple[str, ...], ...]
"""Classes in the order of their indices, from 1. Each is a name and its other spellings in the files."""


class IndexNames:
    """Classes by index: the name that is written, and the spellings by which they are found.

    Args:
        given: The classes; None for `class_n`. Case and outer spaces of labels do not count.

    Attributes:
        given: The names, None for `class_n`.

    Raises:
        UsageError: A name is empty or stands for two classes, or there are too many classes for a byte.
    """

    def __init__(self, given: Given | None) -> None:
        self.given: tuple[str, ...] | None = None
        self._indices: dict[str, int] = {}
        if given is None:
            return
        classes = [tuple(name.strip() for name in ((c,) if isinstance(c, str) else c)) for c in given]
        if not classes or not all(name for names in classes for name in names):
            value = ",".join("=".join(names) for names in classes)
            raise UsageError("--classes", f"a name is empty in {value!r}", "Give names such as nerve=shenjing,muscle")
        for index, names in enumerate(classes, start=1):
            for name in names:
                if self._indices.setdefault(canonical_label(name), index) != index:
                    raise UsageError("--classes", f"{name!r} is given twice", "Give each name to one class")
        if len(classes) > _MOST_CLASSES:
            raise UsageError("--classes", f"names {len(classes)} classes", f"Give at most {_MOST_CLASSES}")
        self.given = tuple(names[0] for names in classes)

    def index_of(self, label: str) -> int | None:
        """The index of a label in any of its spellings; None if it is no class."""
        if self.given is not None:
            return self._indices.get(canonical_label(label))
        match = _NUMBERED.fullmatch(label.strip())
        return int(match[1]) if match and int(match[1]) <= _MOST_CLASSES else None

    def label(self, index: int) -> str:
        """The name of the class with this index."""
        return f"class_{index}" if self.given is None else self.given[index - 1]

    def labels_of(self, shapes: Iterable[Shape]) -> dict[int, str]:
        """The names of the classes that are drawn."""
        return {index: self.label(index) for index in sorted({shape.class_id for shape in shapes})}


def check_numbered(jobs: Iterable[Job]) -> None:
    """Check that all labels of Labelme files are `class_n`, before anything is written.

    Raises:
        UsageError: Some labels are not; the error names them.
    """
    numbered = IndexNames(None)
    found: dict[str, None] = {}
    for job in jobs:
        try:
            file = read_labelme(job.source)
        except BrokenInput:
            continue  # told when its turn comes
        named = (shape.label for shape in file.shapes if not is_unnamed(shape.label))
        found.update(dict.fromkeys(label for label in named if numbered.index_of(label) is None))
    if found:
        labels = sorted(found)
        seen_labels(labels)
        shown = ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
        raise UsageError("SRC", f"its labels are {shown}, and they have no numbers yet", _remedy(labels))


def names_of_files(jobs: Iterable[Job], classes: Given | None) -> IndexNames:
    """The given classes, or else all labels of Labelme files in alphabetical order.

    Raises:
        UsageError: `classes` is invalid, or names none of the labels.
    """
    if classes is not None:
        names = IndexNames(classes)
        check_some_known(jobs, names)
        return names
    found: set[str] = set()
    for job in jobs:
        with suppress(BrokenInput):  # told when its turn comes
            file = read_labelme(job.source)
            found.update(shape.label for shape in file.shapes)
            lost = (*file.without_area_aside.lost, *lost_labels(file.extra))
            found.update(label for label in lost if label is not None)
    labels = distinct(found)
    seen_labels(labels)
    if len(labels) > _MOST_CLASSES:
        raise UsageError("SRC", f"has {len(labels)} labels", f"Name at most {_MOST_CLASSES} of them with --classes")
    return IndexNames(labels or None)


def distinct(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels in alphabetical order. Of labels that differ only by case, accents' form or outer spaces, the first.

    An empty label is none, and `_background_` means a hole.
    """
    first: dict[str, str] = {}
    for label in sorted(label.strip() for label in labels):
        first.setdefault(canonical_label(label), label)
    return tuple(label for label in first.values() if not is_unnamed(label))


def check_some_known(jobs: Iterable[Job], names: IndexNames) -> None:
    """Check that some label of Labelme files is among the given names, so that not all masks become empty.

    Raises:
        UsageError: None is; it names them.
    """
    found: set[str] = set()
    for job in jobs:
        try:
            labels = {shape.label for shape in read_labelme(job.source).shapes}
        except BrokenInput:
            continue
        if any(names.index_of(label) is not None for label in labels):
            return  # usually after the first file
        found |= labels
    check_known(found, names)


def check_known(labels: Iterable[str], names: IndexNames) -> None:
    """Check that at least one label is among the given names, if there are labels.

    Raises:
        UsageError: None is; it names them.
    """
    found = sorted(labels)
    if found and all(names.index_of(label) is None for label in found):
        seen_labels(found)
        what = f"names none of the labels in SRC: {', '.join(found[:_SHOWN])}"
        raise UsageError("--classes", what, "Spell them as in SRC, or rename one with NAME=LABEL")


def _remedy(labels: list[str]) -> str:
    """The option to type. Its order is alphabetical, because no better one is known."""
    return "Say which label is 1, 2 and so on, for example --classes " + ",".join(labels[:_SHOWN])
