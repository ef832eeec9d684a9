"""Which frames of a clip are taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames of a clip are taken.

    Attributes:
        every: Every how many frames one is taken.
        all: Whether near-copies, and frames that look like no view of the anatomy, may be chosen for annotation too.

    Example:
        >>> dmr.Choice(every=5)
        Choice(every=5, all=False)
    """

    every: int = 1
    all: bool = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every {self.every}: expected 1 or more")


KEY_FRAMES: Final = Choice()
"""All frames are taken, and of near-copies within a clip the first may be chosen."""
