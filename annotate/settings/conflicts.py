"""`[conflict]` of `dmr.toml`: when two readers of a frame disagree, and what counts until that is settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from .sections import within

ConflictUse = Literal["leave-out", "consensus"]

AGREE_DICE: Final = 0.7
"""Experts of different hospitals reach 0.8 on muscles on average; see decision 30."""


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """A class with a least Dice of its own."""

    name: str
    agree_dice: float

    def __post_init__(self) -> None:
        within("agree_dice", self.agree_dice, 0, 1)


@dataclass(frozen=True, slots=True)
class ConflictSettings:
    """When readers disagree, and what counts until somebody has settled it.

    Attributes:
        agree_dice: The least Dice at which two outlines of a class agree.
        use: `leave-out`: a frame in conflict is in no training, validation or test set. `consensus`: the classes on
            which all readers agree count, as the first one drew them.
        classes: Classes with a least Dice of their own, such as small nerves.
    """

    agree_dice: float = AGREE_DICE
    use: ConflictUse = "leave-out"
    classes: tuple[ClassAgreement, ...] = field(default=(), metadata={"key": "class"})

    def __post_init__(self) -> None:
        within("agree_dice", self.agree_dice, 0, 1)
