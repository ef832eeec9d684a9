"""Acoustic values of tissues, and their grain: fields that are fixed in the body, so that neighbouring frames agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

GRAIN_MM: Final = 0.15  # distance between scatterers
TEXTURE_MM: Final = 0.3  # distance between texture samples
_SIDE: Final = 1024  # samples of a field; it repeats after 154 mm, too far to compare neighbouring speckle
_SLICE_MM: Final = 1.5  # distance along z after which speckle is new: about the slice's thickness


@dataclass(frozen=True, slots=True)
class Tissue:
    """One tissue.

    Attributes:
        name: Its name.
        echo_db: Scatter relative to muscle.
        attenuation: Attenuation, dB/cm/MHz, one way.
        impedance: Impedance, MRayl.
        texture: Standard deviation of the local echo strength, nepers. It sets how far speckle is from Rayleigh's.
        grain: Its pattern: `fibre`, `layer`, `lobule`, or `plain`.
    """

    name: str
    echo_db: float
    attenuation: float
    impedance: float
    texture: float = 0.0
    grain: str = "plain"


# Impedance and attenuation of fat, muscle, blood and bone: Szabo, "Diagnostic Ultrasound Imaging", 2nd ed. 2014,
# app. B, and ICRU Report 61 (1998). Echo strengths and textures are invented, and were judged by eye.
TISSUES: Final = (
    Tissue("fat", 6, 0.6, 1.38, 0.5, "lobule"),
    Tissue("skin", 12, 0.9, 1.6, 0.2, "layer"),
    Tissue("subcutis", -2, 0.6, 1.38, 0.75, "layer"),
    Tissue("oblique", 0, 1.1, 1.62, 0.6, "layer"),
    Tissue("erector_spinae", 1, 1.1, 1.62, 0.38, "fibre"),
    Tissue("quadratus_lumborum", 0, 1.1, 1.62, 0.38, "fibre"),
    Tissue("psoas_major", -1, 1.1, 1.62, 0.38, "fibre"),
    Tissue("lumbar_plexus", 3, 1.0, 1.63, 0.35, "fibre"),
    Tissue("vertebral_body", 18, 20, 7.8),
    Tissue("transverse_process", 18, 20, 7.8),
    Tissue("vessel", -26, 0.2, 1.61),
    Tissue("kidney", -1, 0.9, 1.62, 0.15, "lobule"),
    Tissue("sinus", 9, 0.7, 1.45, 0.5, "lobule"),
    Tissue("bowel", -8, 30, 0.0004),
    Tissue("fascia", 13, 1.2, 1.95, 0.5, "layer"),
)
INDEX: Final = {t.name: k for k, t in enumerate(TISSUES)}


def table(attribute: str) -> NDArray[np.float32]:
    """One attribute of all tissues, in order."""
    return np.array([getattr(t, attribute) for t in TISSUES], np.float32)


class Grain:
    """The grain of one subject's tissues.

    Args:
        seed: Random seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rng = np.random.default_rng([seed, 0])
        # The plane cuts bundles of muscle fibres across or aslant: short streaks, a few of them bright.
        self.fibre = _streaked(_noise(rng, 5.0, 1.4))
        self.layer = _streaked(_noise(rng, 16.0, 1.1))
        self.lobule = _noise(rng, 5.0, 3.0)
        self._slices = lru_cache(maxsize=3)(self._slice)

    def speckle(self, z: float) -> NDArray[np.complex64]:
        """Scatterers in the plane at z, `(n, n)` at `GRAIN_MM`: complex, with unit power, periodic."""
        place = z / _SLICE_MM
        below = int(np.floor(place))
        turn = (place - below) * np.pi / 2
        mixed = np.float32(np.cos(turn)) * self._slices(below) + np.float32(np.sin(turn)) * self._slices(below + 1)
        return mixed.astype(np.complex64)

    def _slice(self, number: int) -> NDArray[np.complex64]:
        rng = np.random.default_rng([self._seed, 1, number + 2**20])
        parts = rng.standard_normal((_SIDE, _SIDE, 2), np.float32)
        return parts.view(np.complex64)[..., 0] * np.float32(np.sqrt(0.5))


_Field = TypeVar("_Field", np.float32, np.complex64)


def at(field: NDArray[_Field], x: NDArray[np.float32], y: NDArray[np.float32], mm: float) -> NDArray[_Field]:
    """The nearest values of a periodic field at x and y in mm. Its samples are `mm` apart."""
    side = len(field)
    columns = np.floor(x * np.float32(1 / mm)).astype(np.int32) & (side - 1)
    rows = np.floor(y * np.float32(1 / mm)).astype(np.int32) & (side - 1)
    values: NDArray[_Field] = field.ravel()[rows * side + columns]
    return values


def _noise(rng: np.random.Generator, along: float, across: float, side: int = 512) -> NDArray[np.float32]:
    """Periodic smooth noise with zero mean and unit variance. Correlation lengths are in mm, along x and across."""
    white = rng.standard_normal((side, side), np.float32)
    k = fft.fftfreq(side, TEXTURE_MM).astype(np.float32) * np.float32(2 * np.pi)
    low = np.exp(-0.25 * ((k[None, :] * along / 2) ** 2 + (k[:, None] * across / 2) ** 2))
    smooth = fft.ifft2(fft.fft2(white) * low).real
    return _standard(smooth)


def _streaked(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """The field skewed to the bright side: a few streaks stand out from many dark bundles."""
    skewed = np.minimum(noise + 0.55 * np.maximum(noise - 0.8, 0) ** 2, 3.2)
    return _standard(skewed)


def _standard(field: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The field with zero mean and unit variance."""
    return np.asarray((field - field.mean()) / field.std(), np.float32)
