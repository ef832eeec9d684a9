"""The counts of a conversion: files written, replaced and unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import BrokenInput
from ..report import Report
from .files import Job, judge_target

CONVERTING: Final = "Converting"
"""The name of a conversion in its progress."""

DRY_RUN: Final = "Dry run: nothing was written."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one conversion: files written, replaced, and unchanged.

    Attributes:
        report: Gets the counts.
        dry_run: Write nothing.
    """

    report: Report
    dry_run: bool

    def __post_init__(self) -> None:
        for word in ("written", "replaced", "unchanged"):
            self.report.count(word, 0)

    def wants(self, job: Job, data: bytes) -> bool:
        """Count a file, and say whether to write it.

        Raises:
            BrokenInput: A file is there that must not be replaced.
        """
        what = judge_target(job, data)
        self.report.count(what)
        return what != "unchanged" and not self.dry_run

    def wants_part(self, job: Job, data: bytes, *, lost: str) -> bool:
        """Whether a file that lacks something is to be written; it counts as failed, and never replaces another.

        Args:
            job: Of the file.
            data: What would be written.
            lost: What is missing in it, in words.

        Raises:
            BrokenInput: Something is there.
        """
        if judge_target(job, data) == "replaced":
            raise BrokenInput(job.name, f"{lost}; {job.target.name} was left as it is", "Mend it and convert again")
        self.report.fail(BrokenInput(job.name, lost, f"Mend it and convert again: {job.target.name} lacks it"))
        return self.wants(job, data)

    def end(self) -> None:
        """In a dry run, say that nothing was written."""
        if self.dry_run:
            self.report.say(DRY_RUN)
