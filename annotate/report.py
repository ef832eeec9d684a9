"""What a batch command did: counts, failures and oddities, and the exit code."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from .errors import DmrError
from .hiding import seen
from .oddities import failure_lines, kinds
from .wording import counted, shortened


@dataclass(slots=True)
class Report:
    """The outcome of one command.

    Attributes:
        command: The command's name, as typed.
        counts: How many of what was done. The keys are words in the plural, such as `"frames added"`.
        failures: One line for each file that failed: where, what, what to do.
        oddities: For each oddity, the places where it was found. The files were used all the same.
        words: Further lines for the reader, in order.
        data: Further data for `--json`, JSON values only.

    Example:
        >>> report = dmr.Report("import")
        >>> report.count("frames added", 3)
        >>> report.lines()
        ['import: 3 frames added']
    """

    command: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    oddities: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    words: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def count(self, what: str, n: int = 1) -> None:
        """Count `n` more of `what`; with 0 it appears in the summary."""
        self.counts[what] += n

    def fail(self, error: DmrError) -> None:
        """Record a file that failed; the batch goes on."""
        seen(error.where)
        self.failures.append(str(error))

    def fail_once(self, error: DmrError) -> None:
        """Record a failure that another step of the same command meets again."""
        if str(error) not in self.failures:
            self.fail(error)

    def note(self, oddity: str, where: str) -> None:
        """Record an oddity of one file that was used all the same."""
        self.oddities[oddity].append(where)

    def note_once(self, oddity: str, where: str) -> None:
        """Record an oddity that another step of the same command meets again."""
        if where not in self.oddities.get(oddity, ()):
            self.note(oddity, where)

    def say(self, line: str) -> None:
        """Add a line for the reader."""
        self.words.append(line)

    def say_unchanged(self) -> None:
        """Say that nothing was new, where what failed may well have been."""
        self.say("Nothing else is new." if self.failures else "Nothing new: nothing was changed.")

    @property
    def exit_code(self) -> int:
        """0 if all went well, 1 if some files failed."""
        return 1 if self.failures else 0

    def lines(self) -> list[str]:
        """The report for a person, without styling."""
        lines = [f"note: {_in_one(kind.line())}" for kind in kinds(self.oddities)]
        lines += [f"Error: {_in_one(line)}" for line in failure_lines(self.failures)]
        if self.counts or self.failures:
            parts = [counted(n, what) for what, n in self.counts.items()]
            if self.failures:
                parts.append(f"{len(self.failures)} failed")
            lines.append(f"{self.command}: " + ", ".join(parts))
        return lines + self.words

    def as_dict(self) -> dict[str, Any]:
        """The report for a program."""
        return {
            "command": self.command,
            "counts": dict(self.counts),
            "failures": self.failures,
            "oddities": dict(self.oddities),
            "oddity_kinds": {kind.text: len(kind.places) for kind in kinds(self.oddities)},
            "words": self.words,
            **self.data,
        }


def _in_one(text: str) -> str:
    """A text in one line: a name from outside may hold a line break, and must not look like a line of ours."""
    return shortened(text).replace("\r", "\\r").replace("\n", "\\n")
