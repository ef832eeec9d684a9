"""One thing that is wrong in a workspace: where, what, how to repair it, and what `--repair` does about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ..errors import DmrError

Mend = Literal[
    "row", "said", "lost", "derived", "index", "version", "journal", "blob", "misnamed", "aside", "frame",
    "temporary", "",
]  # fmt: skip
"""What `--repair` can try: see `repair.py`. Empty where nothing in the workspace can mend it."""

REPAIR: Final = "`dmr db verify --repair` mends it"
RESTORE: Final = "Restore it from a backup: `dmr db restore`"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong.

    Attributes:
        where: The file, or the row as `table key`.
        what: What is wrong, with the value.
        remedy: What the user can do.
        mend: What `--repair` tries.
        given: What that needs.
    """

    where: str
    what: str
    remedy: str = REPAIR
    mend: Mend = ""
    given: dict[str, Any] = field(default_factory=dict, compare=False)

    def error(self) -> DmrError:
        """As it is told."""
        return DmrError(self.where, self.what, self.remedy)
