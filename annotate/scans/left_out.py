"""Count the files in folders that a command did not read, by kind, and report them in one line without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..report import Report
from .discover import walk
from .kinds import SYSTEM, Kind, kind_of_file

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
        """A line such as "3 PDF, 1 text file"; empty if there is nothing to report."""
        return ", ".join(f"{n} {kind.name if n == 1 else kind.plural}" for kind, n in self.told.most_common())

    def tell(self, report: Report) -> None:
        """Add to the report: a line for people if there is something to say, and all counts for `--json`."""
        if line := self.line():
            report.say(f"Left out: {line}.")
        counts = self.told + self.expected
        report.data["left_out"] = {kind.name: n for kind, n in sorted(counts.items(), key=lambda item: item[0].name)}


def what_is_there(paths: Sequence[Path], *, without: Sequence[Path] = ()) -> str:
    """What is in folders that hold none of the files that were looked for, in the words of `LeftOut.line`."""
    there = LeftOut()
    for item in walk(paths, report=Report(""), without=without):
        kind = SYSTEM if item.is_system else item.unread or kind_of_file(item.path)
        there.add(_ANY_IMAGE if kind.is_read else kind)
    return there.line()
