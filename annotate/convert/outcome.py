"""The counts of a conversion: files written, replaced and unchanged; and which of them are fit to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import BrokenInput
from ..report import Report
from .files import Job, judge_target
from .ours import can_say, would_lose

CONVERTING: Final = "Converting"
"""The name of a conversion in its progress."""

DRY_RUN: Final = "Dry run: nothing was written."
MEND: Final = "Mend it and convert again; --incomplete writes it all the same"
"""What a user can do about a frame that is not written, because its format cannot say what is missing."""
LACKS_MORE: Final = "lacks something that what is there has"
MEND_OR_MOVE: Final = "Mend it and convert again, or move away what is there"

SHOWN_AS_ABSENT: Final = "{} is wholly hidden under other classes, and the mask shows it as absent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one conversion: files written, replaced, and unchanged.

    Attributes:
        report: Gets the counts.
        dry_run: Write nothing.
        is_truth: What is written is what the workspace holds, and replaces what an earlier export wrote, whatever it
            lacks.
    """

    report: Report
    dry_run: bool
    is_truth: bool = False

    def __post_init__(self) -> None:
        for word in ("written", "replaced", "unchanged"):
            self.report.count(word, 0)

    def wants(self, job: Job, data: bytes, *, unread: str | None = None) -> bool:
        """Count a file that is the only one of its frame, and say whether to write it.

        A file of which something could not be read counts as failed. One that lacks something replaces none that has
        it, whether it could not be read or the source itself says so.

        Args:
            job: Of the file.
            data: What would be written.
            unread: What could not be read of it, in words; None if it is whole.

        Raises:
            BrokenInput: A file is there that must not be replaced.
        """
        what = judge_target(job, data)
        if what == "replaced" and self.stays({job.target: data}, lacking=unread is not None):
            left = f"{unread or LACKS_MORE}; {job.target.name} was left as it is"
            raise BrokenInput(job.name, left, MEND_OR_MOVE)
        if unread is not None:
            self.report.fail(BrokenInput(job.name, unread, f"Mend it and convert again: {job.target.name} lacks it"))
        return self.counts(what)

    def stays(self, files: Mapping[Path, bytes], *, lacking: bool) -> bool:
        """Whether what is there has something that the new files of a frame lack, so that it stays.

        Args:
            files: Contents by path.
            lacking: Those that cannot say it lack something.
        """
        saying = lacking or any(map(can_say, files))
        return saying and not self.is_truth and would_lose(files, lacking=lacking) > 0

    def counts(self, what: str) -> bool:
        """Count a file, and say whether to write it.

        Args:
            what: Becomes of it, as `judge_target` says.
        """
        self.report.count(what)
        return what != "unchanged" and not self.dry_run

    def end(self) -> None:
        """In a dry run, say that nothing was written."""
        if self.dry_run:
            self.report.say(DRY_RUN)
