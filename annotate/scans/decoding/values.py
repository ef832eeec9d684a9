"""What a decoder says of a scan file and of each of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...shapes import Frame

Box = tuple[int, int, int, int]
"""A rectangle of pixels: first column, first row, and the column and row behind the last."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which frames of a file are wanted.

    Attributes:
        first: The first one, from 0.
        every: Every how many frames from there one is wanted.
    """

    first: int = 0
    every: int = 1

    def of(self, count: int) -> range:
        """The wanted ones among so many frames."""
        return range(self.first, count, self.every)

    def holds(self, index: int) -> bool:
        """Whether a frame is wanted."""
        return index >= self.first and (index - self.first) % self.every == 0


ALL: Final = Span()


@dataclass(frozen=True, slots=True)
class Source:
    """What a scan file says of itself, beside its pixels.

    The texts name people and places as the file has them: they are made into keyed pseudonyms, and never kept.

    Attributes:
        kind: The kind of file, such as `DICOM`.
        sha256: SHA-256 of the file, 64 hex digits.
        frames: Number of frames that the file says it has; None if only decoding tells.
        patient: The patient's number; empty if the file names none.
        acquired: When it was recorded, `YYYYMMDDHHMMSS` or a part of it from the left; empty if unknown.
        device: The device that recorded it; empty if unknown.
        site: Where it was recorded; empty if unknown.
        regions: The ultrasound regions that passed the checks.
        spacing_mm: `(row, column)` millimetres per pixel; None if unknown.
        removed: Names of the fields with personal data that are left behind, without their values.
        notes: Oddities, a short phrase each.
    """

    kind: str
    sha256: str
    frames: int | None = None
    patient: str = ""
    acquired: str = ""
    device: str = ""
    site: str = ""
    regions: tuple[Box, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_clip(self) -> bool:
        """Whether its frames are a clip of their own."""
        return self.frames is None or self.frames > 1


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One decoded frame.

    Attributes:
        source: What its file says.
        frame: The frame.
        coloured: Share of its pixels that are clearly coloured, 0 to 1.
    """

    source: Source
    frame: Frame
    coloured: float = 0.0
