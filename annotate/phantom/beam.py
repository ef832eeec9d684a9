"""The beam: the point spread that turns received echoes into an envelope."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .plane import Grid
from .scanner import SAMPLE_MM, View

_PAD: Final = 24  # beams beyond the field, so that the beam does not wrap around
_STEER: Final = 1.1  # of the outer looks, in units of the beam's own band: their speckle is nearly another
_SIDE_LOBES: Final = (0.02, 7.0)  # amplitude, and width against the main lobe; by looking


class Beam:
    """A scanner's point spread, applied in the frequency domain.

    Along the beam, it is a Gaussian pulse. Across, it is a Gaussian that is narrowest at the focus, with weak side
    lobes that put a haze into shadows. Each look of spatial compounding is steered, and sees the same place with other
    speckle.

    Args:
        view: The scanner and its depth.
    """

    def __init__(self, view: View) -> None:
        self.view = view

    def focus(self, received: NDArray[np.complex64]) -> Grid:
        """The envelope, averaged over the looks. Scatter of unit power gives unit power.

        Args:
            received: `(samples, beams)`.
        """
        rows, beams = received.shape
        padded = np.pad(received, ((0, 0), (_PAD, _PAD)), mode="edge")
        along = fft.ifft(fft.fft(padded, self._samples, axis=0) * self._pulse, axis=0)[:rows]
        across = fft.fft(along, axis=1)
        total = np.zeros((rows, beams), np.float32)
        for look in self._looks:
            total += np.abs(fft.ifft(across * look, axis=1)[:, _PAD : _PAD + beams])
        return total / np.float32(len(self._looks))

    @property
    def _samples(self) -> int:
        return int(fft.next_fast_len(len(self.view.depths) + 16))

    @cached_property
    def _pulse(self) -> Grid:
        """Gains of unit power along the beam, `(samples, 1)`."""
        k = 2 * np.pi * fft.fftfreq(self._samples, SAMPLE_MM)
        pulse = np.exp(-0.5 * (k * self.view.scanner.pulse) ** 2)
        return np.asarray(pulse / np.sqrt((pulse**2).mean()), np.float32)[:, None]

    @cached_property
    def _looks(self) -> list[Grid]:
        """For each look, gains of unit power across the beams at each depth, `(samples, beams)`."""
        scanner, depths = self.view.scanner, self.view.depths
        step = (scanner.radius + depths) * self.view.angle_step
        width = scanner.width * np.sqrt(1 + ((depths - scanner.focus) / scanner.spread) ** 2)
        sigma = (width / step)[:, None]  # in beams
        q = 2 * np.pi * fft.fftfreq(len(self.view.angles) + 2 * _PAD)[None]
        strength, wider = _SIDE_LOBES
        haze = strength * np.exp(-0.5 * (wider * sigma * q) ** 2)
        looks = []
        for steer in np.linspace(-1, 1, scanner.looks) if scanner.looks > 1 else (0.0,):
            main = np.exp(-0.5 * (sigma * q - _STEER * steer) ** 2)
            looks.append(((main + haze) / np.sqrt((main**2).mean(axis=1, keepdims=True))).astype(np.float32))
        return looks
