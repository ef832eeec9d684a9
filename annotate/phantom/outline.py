"""The outlines of a subject in millimetres: rounded structures and bars that change along the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

_ANGLES: Final = np.linspace(0, 2 * np.pi, 72, endpoint=False)


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A rounded structure.

    Attributes:
        center: x and y in mm.
        half: Half-axes in mm.
        tilt: Angle of the first axis to x, radians, counterclockwise.
        square: Exponent of the superellipse: 2 is an ellipse, more is a rounded box.
        wobble: `(k, 4)`: harmonic order, relative amplitude, phase, and change of phase per mm along z.
    """

    center: tuple[float, float]
    half: tuple[float, float]
    tilt: float = 0.0
    square: float = 2.0
    wobble: NDArray[np.float64] | None = None

    def outline(self, z: float, *, grow: float = 1.0) -> Polygon:
        """The section at z, with half-axes multiplied by `grow`."""
        c, s = np.cos(_ANGLES), np.sin(_ANGLES)
        x = np.sign(c) * np.abs(c) ** (2 / self.square) * self.half[0] * grow
        y = np.sign(s) * np.abs(s) ** (2 / self.square) * self.half[1] * grow
        if self.wobble is not None:
            order, size, phase, drift = self.wobble.T
            waves = size[:, None] * np.cos(order[:, None] * _ANGLES + (phase + drift * z)[:, None])
            stretch = 1 + waves.sum(axis=0)
            x, y = x * stretch, y * stretch
        shape = Polygon(np.column_stack([x + self.center[0], y + self.center[1]]))
        return rotate(shape, self.tilt, origin=self.center, use_radians=True)


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A transverse process: a rounded bar from the vertebra outwards.

    Attributes:
        root: x and y in mm, in the vertebra.
        tip: x and y in mm.
        thick: Thickness at the tip, mm; the root is half as thick again.
        z: Its level, mm.
        half_height: Half its extent along z, mm.
    """

    root: tuple[float, float]
    tip: tuple[float, float]
    thick: float
    z: float
    half_height: float

    def outline(self, z: float) -> Polygon | None:
        """The section at z; None above and below the process."""
        level = (z - self.z) / self.half_height
        if abs(level) >= 1:
            return None
        reach = np.sqrt(1 - level**2)  # it narrows towards its upper and lower edge
        root, tip = np.array(self.root), np.array(self.tip)
        length = float(np.hypot(*(tip - root)))
        along = (tip - root) / length
        across = np.array([-along[1], along[0]])
        end = length * (0.35 + 0.65 * reach)
        thick = self.thick * (0.45 + 0.55 * reach)
        stations = np.linspace(-0.1, 1, 12) * (end - thick / 2)
        half = thick / 2 * (1 + 0.5 * np.clip(1 - stations / length, 0, 1) ** 2)
        upper = root + stations[:, None] * along + half[:, None] * across
        lower = root + stations[:, None] * along - half[:, None] * across
        turn = np.linspace(np.pi / 2, -np.pi / 2, 11)[1:-1, None]
        cap = upper[-1] - half[-1] * across + half[-1] * (np.cos(turn) * along + np.sin(turn) * across)
        return Polygon(np.vstack([upper, cap, lower[::-1]]))


def largest(shape: BaseGeometry) -> Polygon:
    """The largest part after a cut; an empty polygon if nothing is left."""
    parts = [p for p in shapely.get_parts(shape) if isinstance(p, Polygon)]
    return max(parts, key=lambda p: p.area, default=Polygon())


def draw_wobble(rng: np.random.Generator, size: float) -> NDArray[np.float64]:
    """Draw a random wobble of a `Blob`. `size` is the greatest relative amplitude of its lowest order."""
    orders = np.arange(2, 7)
    return np.column_stack(
        [
            orders,
            size * rng.uniform(0.3, 1, 5) * 2 / orders,
            rng.uniform(0, 2 * np.pi, 5),
            rng.normal(0, 0.03, 5),
        ]
    )
