"""What `dmr convert` calls the indices of a mask: the names given, or `class_n`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .convert_files import Job
from .errors import BrokenInput, UsageError
from .labelme import read_labelme
from .shapes import Shape

_MOST_CLASSES = 255
_NUMBERED = re.compile(r"class_([1-9][0-9]{0,2})")
_SHOWN = 8  # labels named in an error


class IndexNames:
    """Labels and the indices that they stand for.

    Args:
        given: Labels in the order of their indices, from 1; None for `class_n`. Case and outer spaces do not count.

    Raises:
        UsageError: A name is empty or stands twice, or there are more than a byte holds.
    """

    def __init__(self, given: tuple[str, ...] | None) -> None:
        self.given = None if given is None else tuple(name.strip() for name in given)
        self._indices: Mapping[str, int] = {}
        if self.given is not None:
            if not self.given or not all(self.given):
                raise UsageError("--classes", "a name is empty", "Give names with commas between them: nerve,muscle")
            self._indices = {name.casefold(): index for index, name in enumerate(self.given, start=1)}
            if len(self._indices) != len(self.given):
                raise UsageError("--classes", "a name stands twice", "Give each class once, in the order of its index")
            if len(self.given) > _MOST_CLASSES:
                raise UsageError("--classes", f"names {len(self.given)} classes", f"Give at most {_MOST_CLASSES}")

    def index_of(self, label: str) -> int | None:
        """The index of a label, None where it is no class."""
        if self.given is not None:
            return self._indices.get(label.strip().casefold())
        match = _NUMBERED.fullmatch(label.strip())
        return int(match[1]) if match and int(match[1]) <= _MOST_CLASSES else None

    def label(self, index: int) -> str:
        """The label of an index."""
        return f"class_{index}" if self.given is None else self.given[index - 1]

    def labels_of(self, shapes: Iterable[Shape]) -> dict[int, str]:
        """The labels of the classes that are drawn."""
        return {index: self.label(index) for index in sorted({shape.class_id for shape in shapes})}


def check_numbered(jobs: Iterable[Job]) -> None:
    """Make sure that all labels of Labelme files are `class_n`, before anything is written.

    Raises:
        UsageError: Some are not; it names them.
    """
    numbered = IndexNames(None)
    found: dict[str, None] = {}
    for job in jobs:
        try:
            file = read_labelme(job.source)
        except BrokenInput:
            continue  # told when its turn comes
        found.update(dict.fromkeys(shape.label for shape in file.shapes if numbered.index_of(shape.label) is None))
    if found:
        labels = sorted(found)
        shown = ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
        raise UsageError("SRC", f"its labels are {shown}, and no index is known for them", _remedy(labels))


def check_some_known(jobs: Iterable[Job], names: IndexNames) -> None:
    """Make sure that some label of Labelme files is among the names given, before masks without anything are written.

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
            return  # mostly with the first file
        found |= labels
    if found:
        labels_shown = ", ".join(sorted(found)[:_SHOWN])
        raise UsageError("--classes", f"names none of the labels there are: {labels_shown}", "Spell them as they are")


def _remedy(labels: list[str]) -> str:
    """The option to type, in the order of the alphabet for want of a better one."""
    return "Say which is 1, 2 and so on, for example --classes " + ",".join(labels[:_SHOWN])
