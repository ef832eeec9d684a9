"""One thing that is wrong in a workspace: where, what, how to repair it, and what `--repair` does about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from ..errors import DmrError

Mend = Literal[
    "row", "unknown", "remove", "said", "lost", "derived", "index", "version", "journal",
    "blob", "misnamed", "aside", "frame", "sheet", "temporary", "",
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

    def beside(self, other: Fault) -> Fault:
        """What is told of one place where two things are wrong: what comes nearer to the cause, and can be mended.

        A row that the journal does not know may be an older program's, and is taken in; if anything else is wrong with
        it, it is none.
        """
        for one, another in ((self, other), (other, self)):
            if one.mend == "unknown" and another.mend in ("", "said"):
                return replace(one, what=another.what, mend="remove", remedy=REPAIR)
            if one.mend == "unknown" and another.mend == "derived":
                return another
        return other if other.mend and not self.mend else self

    def error(self) -> DmrError:
        """As it is told."""
        return DmrError(self.where, self.what, self.remedy)
