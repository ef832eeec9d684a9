"""What becomes of the files that a conversion writes: judged, counted and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..report import Report
from .files import Job, judge_target

CONVERTING: Final = "Converting"
"""What a conversion's progress is called."""

DRY_RUN: Final = "Dry run: nothing was written."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one conversion: files written, replaced, and unchanged.

    Attributes:
        report: Gets them.
        dry_run: Nothing is to be written.
    """

    report: Report
    dry_run: bool

    def __post_init__(self) -> None:
        for word in ("written", "replaced", "unchanged"):
            self.report.count(word, 0)

    def wants(self, job: Job, data: bytes) -> bool:
        """Whether a file is to be written; it is counted.

        Raises:
            BrokenInput: Something is there that is not ours to replace.
        """
        what = judge_target(job, data)
        self.report.count(what)
        return what != "unchanged" and not self.dry_run

    def end(self) -> None:
        """Say where nothing was written because that was not wanted."""
        if self.dry_run:
            self.report.say(DRY_RUN)
