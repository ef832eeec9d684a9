"""The one way in which functions report progress."""

from __future__ import annotations

from typing import Protocol


class Tell(Protocol):
    """Called with the part of the work, how many more are done, how many there are (None if unknown), and a note.

    If the total is a `pace.Share`, only percents are shown.
    """

    def __call__(self, what: str, more: int, of: int | None, note: str = "") -> None:
        """Report progress."""


def silent(what: str, more: int, of: int | None, note: str = "") -> None:
    """A `Tell` for work that nobody watches."""
