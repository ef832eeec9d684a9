"""Virtual scanners: probe, beam, grey curve, screen. Names and looks are invented; sizes fit a curved array."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 512  # width and height of a screen, pixels
SAMPLE_MM: Final = 0.2  # distance between samples along a beam


@dataclass(frozen=True, slots=True)
class Scanner:
    """A make of scanner with its curved array.

    Attributes:
        name: Its name, for `--scanner` and in the banner.
        radius: Radius of the array, mm.
        field: Opening angle, degrees.
        beams: Number of beams in the field.
        mhz: Centre frequency.
        pulse: Standard deviation of the pulse along the beam, mm.
        focus: Depth of the focus, mm.
        width: Standard deviation of the beam at the focus, mm.
        spread: Depth from the focus at which the beam is wider by a factor of 1.4, mm.
        range_db: Range of the logarithmic compression.
        gamma: Gamma of the grey curve; above 1, contrast is harder.
        looks: Number of looks of spatial compounding, which are averaged.
        noise_db: Noise of the electronics, in dB below a muscle near the probe.
        margin: Pixels of the screen that are free for the banner: above, below, left, right.
        background: Grey of the screen outside the sector.
        writing: Grey of the text there.
        ticks: Whether there is a depth scale on the right.
    """

    name: str
    radius: float
    field: float
    beams: int
    mhz: float
    pulse: float
    focus: float
    width: float
    spread: float
    range_db: float
    gamma: float
    looks: int
    noise_db: float
    margin: tuple[int, int, int, int]
    background: int
    writing: int
    ticks: bool


SCANNERS: Final = {
    s.name: s
    for s in (
        Scanner("aster", 60, 62, 320, 3.5, 0.32, 80, 0.55, 60, 60, 1.15, 2, -92, (34, 26, 6, 24), 0, 200, True),
        Scanner("birch", 50, 68, 288, 3.0, 0.42, 70, 0.62, 50, 58, 1.15, 2, -86, (40, 12, 4, 4), 12, 160, False),
        Scanner("cedar", 55, 65, 352, 4.0, 0.26, 85, 0.50, 60, 65, 1.25, 3, -100, (24, 40, 20, 34), 0, 230, True),
        Scanner("dune", 58, 60, 256, 2.5, 0.50, 80, 0.72, 55, 54, 1.1, 1, -76, (18, 18, 2, 30), 6, 120, True),
    )
}
"""The four scanners by name. They differ enough to use one as another domain."""


@dataclass(frozen=True)
class View:
    """A scanner's screen at one depth: the place of each pixel among the beams, and in the plane.

    Attributes:
        scanner: The scanner.
        depth: Depth that is shown, mm from the skin.
        flipped: Whether the front of the body is on the left of the screen instead of the right.
    """

    scanner: Scanner
    depth: float
    flipped: bool

    @cached_property
    def depths(self) -> NDArray[np.float32]:
        """Depths of the samples of a beam, `(samples,)` mm."""
        return np.arange(0, self.depth, SAMPLE_MM, dtype=np.float32)

    @cached_property
    def angles(self) -> NDArray[np.float32]:
        """Angles of the beams, `(beams,)` radians; they grow towards the front of the body."""
        half = np.deg2rad(self.scanner.field) / 2
        return np.linspace(-half, half, self.scanner.beams, dtype=np.float32)

    @property
    def angle_step(self) -> float:
        """Angle between beams, radians."""
        return float(self.angles[1] - self.angles[0])

    @cached_property
    def mm_per_px(self) -> float:
        """Millimetres per pixel of the screen, the same for rows and columns."""
        above, below, left, right = self.scanner.margin
        half = np.deg2rad(self.scanner.field) / 2
        high = self.depth + self._rise
        wide = 2 * (self.scanner.radius + self.depth) * np.sin(half)
        return float(max(high / (SIDE - above - below), wide / (SIDE - left - right)))

    @cached_property
    def apex(self) -> tuple[float, float]:
        """The place where the array's middle touches the skin: column and row."""
        above, _, left, right = self.scanner.margin
        return left + (SIDE - left - right) / 2, above + self._rise / self.mm_per_px

    @property
    def _rise(self) -> float:
        """How much higher the array's ends are than its middle, mm."""
        return self.scanner.radius * (1 - float(np.cos(np.deg2rad(self.scanner.field) / 2)))

    def to_screen(self, across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels `(n, 2)`, column and row, for places in the plane: mm to the front and mm below the array's middle."""
        column, row = self.apex
        sign = -1.0 if self.flipped else 1.0
        return np.column_stack([column + sign * across / self.mm_per_px, row + down / self.mm_per_px])

    @cached_property
    def sector(self) -> NDArray[np.float64]:
        """Outline of the sector, `(n, 2)` pixels."""
        half = np.deg2rad(self.scanner.field) / 2
        turn = np.linspace(-half, half, 49)
        near, far = self.scanner.radius, self.scanner.radius + self.depth
        across = np.concatenate([near * np.sin(turn), far * np.sin(turn[::-1])])
        down = np.concatenate([near * np.cos(turn), far * np.cos(turn[::-1])]) - near
        return self.to_screen(across, down)

    @cached_property
    def sampling(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """Scan conversion: pixels inside the sector, the first of their four samples, and the four weights.

        Returns:
            `(n,)` places in the flat screen, `(n,)` places in the flat `(samples, beams)` grid, `(4, n)` weights of
            that sample, its right neighbour, the one below, and the one below right.
        """
        column, row = self.apex
        rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64) + 0.5
        sign = -1.0 if self.flipped else 1.0
        across = sign * (columns - column) * self.mm_per_px
        down = (rows - row) * self.mm_per_px + self.scanner.radius
        angle, depth = np.arctan2(across, down), np.hypot(across, down) - self.scanner.radius
        beam = (angle - self.angles[0]) / self.angle_step
        sample = depth / SAMPLE_MM
        samples, beams = len(self.depths), len(self.angles)
        inside = (beam >= 0) & (beam <= beams - 1) & (sample >= 0) & (sample <= samples - 1)
        b, s = beam[inside], sample[inside]
        b0, s0 = np.minimum(b.astype(np.intp), beams - 2), np.minimum(s.astype(np.intp), samples - 2)
        fb, fs = b - b0, s - s0
        weights = np.stack([(1 - fb) * (1 - fs), fb * (1 - fs), (1 - fb) * fs, fb * fs]).astype(np.float32)
        return np.flatnonzero(inside), s0 * beams + b0, weights

    def convert(self, grey: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Convert `(samples, beams)` grey values from 0 to 255 to a screen without banner, `(SIDE, SIDE)`."""
        places, first, weights = self.sampling
        flat, beams = grey.ravel(), len(self.angles)
        value = weights[0] * flat[first]
        for k, step in enumerate((1, beams, beams + 1), start=1):
            value += weights[k] * flat[first + step]
        screen = np.full(SIDE * SIDE, self.scanner.background, np.uint8)
        screen[places] = np.clip(value + 0.5, 0, 255).astype(np.uint8)
        return screen.reshape(SIDE, SIDE)
