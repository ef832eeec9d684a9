"""How a function tells how far its work is: one protocol for all of them."""

from __future__ import annotations

from typing import Protocol


class Tell(Protocol):
    """Called with what is going on, how many more are done, how many there are if known, and a note.

    A total that is a `pace.Share` is shown in percents alone.
    """

    def __call__(self, what: str, more: int, of: int | None, note: str = "") -> None:
        """Show it."""


def silent(what: str, more: int, of: int | None, note: str = "") -> None:
    """A `Tell` for work that nobody watches."""
