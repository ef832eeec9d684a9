"""The counts of a conversion: files written, replaced and unchanged; and which of them are fit to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import BrokenInput
from ..report import Report
from .files import Job, judge_target
from .ours import would_lose

CONVERTING: Final = "Converting"
"""The name of a conversion in its progress."""

DRY_RUN: Final = "Dry run: nothing was written."
MEND: Final = "Mend it and convert again; --incomplete writes it all the same"
"""What a user can do about a frame that is not written, because its format cannot say what is missing."""

SHOWN_AS_ABSENT: Final = "{} is wholly hidden under other classes, and the mask shows it as absent"


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

    def wants(self, job: Job, data: bytes, *, unread: str | None = None) -> bool:
        """Count a file, and say whether to write it.

        A file that lacks something counts as failed. It replaces none that has it.

        Args:
            job: Of the file.
            data: What would be written.
            unread: What could not be read of it, in words; None if it is whole.

        Raises:
            BrokenInput: A file is there that must not be replaced.
        """
        what = judge_target(job, data)
        if unread is not None:
            if what == "replaced" and would_lose({job.target: data}):
                raise BrokenInput(
                    job.name, f"{unread}; {job.target.name} was left as it is", "Mend it and convert again"
                )
            self.report.fail(BrokenInput(job.name, unread, f"Mend it and convert again: {job.target.name} lacks it"))
        self.report.count(what)
        return what != "unchanged" and not self.dry_run

    def end(self) -> None:
        """In a dry run, say that nothing was written."""
        if self.dry_run:
            self.report.say(DRY_RUN)
