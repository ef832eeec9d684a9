"""`[studio]` of `dmr.toml`: Label Studio and its queues."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final, Literal

from .sections import within

Purpose = Literal["correct", "audit", "second-reading", "adjudication", "repeat"]
SHARE: Final = 0.1  # of the frames that were read: few enough that a physician hardly notices
AFTER_DAYS: Final = 14  # nobody remembers an outline for so long


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """One project in Label Studio.

    Attributes:
        name: The queue's name.
        purpose: What it is for.
        reader: E-mail of the person whose queue it is; None for anybody.
        share: Share of the frames to read a second time or to repeat; None for `SHARE`.
        after_days: Days after which a reader may get a frame again; None for `AFTER_DAYS`.
    """

    name: str
    purpose: Purpose = "correct"
    reader: str | None = None
    share: float | None = None
    after_days: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty: expected a word")
        if self.reader is not None and "@" not in self.reader:
            raise ValueError(f'reader "{self.reader:.80}" is no e-mail: expected the one by which they log in')
        if self.share is not None:
            within("share", self.share, 0, 1)
            if self.purpose not in ("second-reading", "repeat"):
                raise ValueError(f'share belongs to "second-reading" and "repeat", not to "{self.purpose}"')
        if self.after_days is not None:
            within("after_days", self.after_days, 0, math.inf)
            if self.purpose != "repeat":
                raise ValueError(f'after_days belongs to "repeat", not to "{self.purpose}"')
        if self.purpose == "repeat" and not (self.reader or "").strip():
            raise ValueError("reader is missing: a repeat needs the e-mail of the one who reads again")


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """The address of Label Studio (None without one) and its queues. A token is never here.

    `retrain_after`: new outlines after which `dmr serve` starts a `dmr retrain` by itself; 0 for never.
    """

    url: str | None = None
    retrain_after: int = 0
    queues: tuple[QueueSettings, ...] = field(default=(), metadata={"key": "queue"})

    def __post_init__(self) -> None:
        if self.url is not None and not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", self.url):
            raise ValueError("url: expected http:// or https:// and a host, without a user or token")
        within("retrain_after", self.retrain_after, 0, math.inf)
        names = [queue.name.strip().casefold() for queue in self.queues]
        if len(set(names)) != len(names):
            raise ValueError("two queues have the same name")
