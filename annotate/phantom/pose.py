"""The pose of the probe, and how the scanner is set and held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pose:
    """The place and direction of the probe.

    Attributes:
        skin: x and y of the array's middle, mm.
        aim: Direction of the middle beam, radians from the inward normal of the flank, to the front of the body.
        z: Level of the plane, mm.
    """

    skin: tuple[float, float]
    aim: float
    z: float

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Unit vectors in the body: down the screen, and across the screen to the front of the body."""
        down = np.array([-np.cos(self.aim), np.sin(self.aim)])
        return down, np.array([np.sin(self.aim), np.cos(self.aim)])

    def to_plane(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert places in the body, `(n, 2)` mm, to mm across and mm down from the array's middle."""
        down, across = self.axes()
        relative = points - np.array(self.skin)
        return relative @ across, relative @ down


@dataclass(frozen=True, slots=True, eq=False)
class Handling:
    """How the scanner is set and held in one clip.

    Attributes:
        gain_db: Error of the overall gain.
        tgc_db: Errors of the time-gain sliders, from the skin to full depth, dB.
        penetration: Share of the mean attenuation that the time gain corrects.
        lost: Lost contact: side (-1 or 1), share of the field, and dB; None if there is none.
        layers: Bow and two waves of each boundary of the abdominal wall, `(4, 3)` mm.
    """

    gain_db: float
    tgc_db: NDArray[np.float64]
    penetration: float
    lost: tuple[int, float, float] | None
    layers: NDArray[np.float64]


def draw_handling(rng: np.random.Generator) -> Handling:
    """Draw at random how a clip is recorded."""
    lost = (int(rng.choice([-1, 1])), rng.uniform(0.08, 0.25), rng.uniform(10, 26)) if rng.random() < 0.3 else None
    return Handling(
        gain_db=rng.normal(0, 2.5),
        tgc_db=np.cumsum(rng.normal(0, 1.6, 8)),
        penetration=rng.uniform(0.88, 1.02),
        lost=lost,
        layers=rng.normal(0, 1, (4, 3)) * [1.0, 0.8, 0.5] + [3.0, 0, 0],
    )
