"""Make an image from a plane of tissues, along the beams: scatter, interfaces, attenuation, beam, compression.

The model is the usual one of linear imaging: echoes of scatterers and interfaces are attenuated, convolved with a point
spread that widens with depth, then come envelope and logarithm (Szabo, "Diagnostic Ultrasound Imaging", 2014, ch.
8-10). Fully developed speckle is Rayleigh's. Echo strength that varies within muscle makes it pre-Rayleigh, with a
Nakagami parameter of 0.5 to 1 (Shankar, IEEE Trans. Med. Imaging 19:727, 2000). Strengths without a source were chosen
by eye.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from .beam import Beam
from .plane import Grid, Plane
from .pose import Handling, Pose
from .scanner import SAMPLE_MM, View
from .subject import Subject
from .tissue import GRAIN_MM, INDEX, TEXTURE_MM, TISSUES, Grain, at, table

Signal = NDArray[np.complex64]
"""`(samples, beams)`."""

_NEPER: Final = np.float32(np.log(10) / 20)  # nepers in one decibel
_SPECULAR: Final = 60.0  # strength of an interface relative to a muscle's scatter
_ROUGHNESS: Final = np.float32(0.45)  # texture of interfaces, nepers
_CORTEX: Final = np.float32(2.5)  # bone relative to other interfaces; rough, it also shows where it is hit aslant
_HARD_Z: Final = 3.0  # MRayl; tissues above are bone
_APERTURE: Final = 1.6  # number of beams over which the aperture sees around an obstacle
_MUSCLES: Final = ("oblique", "erector_spinae", "quadratus_lumborum", "psoas_major", "lumbar_plexus")
_SMOOTHING: Final = (0.8, 0.5)  # samples and beams; smoothing of the grey values, as scanners do
_MOST_GAIN_DB: Final = 88.0  # most gain against attenuation


class Imager:
    """Images one subject with one scanner. Whatever stays the same in a clip is computed once.

    Args:
        subject: The virtual subject.
        view: The scanner and its depth.
        handling: How it is set and held.
    """

    def __init__(self, subject: Subject, view: View, handling: Handling) -> None:
        self.subject, self.view, self.handling = subject, view, handling
        self.plane = Plane(subject, view, handling)
        self.beam = Beam(view)
        self.grain = Grain(subject.seed)

    def image(self, pose: Pose, section: Mapping[str, BaseGeometry], *, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The screen without its banner, `(SIDE, SIDE)` uint8.

        Args:
            pose: The probe's pose.
            section: Outlines in its plane by name, mm.
            rng: Random generator of the electronics' noise.
        """
        scanner = self.view.scanner
        envelope = self.envelope(pose, section)
        noise = np.abs(rng.standard_normal((*envelope.shape, 2), np.float32).view(np.complex64)[..., 0])
        heard = envelope + noise * np.float32(10 ** (scanner.noise_db / 20)) + np.float32(1e-7)
        level = np.float32(20) * np.log10(heard) + self._gain_db
        grey = ndimage.gaussian_filter(np.clip(1 + level / scanner.range_db, 0, 1), _SMOOTHING)
        return self.view.convert(np.float32(255) * grey ** np.float32(scanner.gamma))

    def envelope(self, pose: Pose, section: Mapping[str, BaseGeometry]) -> Grid:
        """The envelope without noise or gain, averaged over the looks; about 1 for muscle without attenuation."""
        x, y = self.plane.places(pose)
        tissue = self.plane.tissues(pose, section)
        left = self._left(tissue)
        scattered = self._strength(tissue, x, y) * at(self.grain.speckle(pose.z), x, y, GRAIN_MM)
        received = (scattered + self._interfaces(tissue, x, y)) * left + self._reverberation
        self._add_ringing(received, tissue, left)
        return self.beam.focus(received) * self._contact

    @cached_property
    def _echo(self) -> NDArray[np.float32]:
        """The scatter of each tissue in this subject, nepers."""
        echo = table("echo_db")
        echo[[INDEX[m] for m in _MUSCLES]] += self.subject.muscle_db
        echo[INDEX["lumbar_plexus"]] = echo[INDEX["psoas_major"]] + (self.subject.plexus_db or 0.0)
        return echo * _NEPER

    def _strength(self, tissue: NDArray[np.uint8], x: Grid, y: Grid) -> Grid:
        """The amplitude of the scatter, with each tissue's texture."""
        grain = self.grain
        across, depth = self.plane.fan[0], np.broadcast_to(self.view.depths[:, None], x.shape)
        lean = np.float32(0.5)  # radians; tilt of the fibres that run through the plane
        along, aside = x * np.cos(lean) + y * np.sin(lean), y * np.cos(lean) - x * np.sin(lean)
        patterns = {"fibre": (grain.fibre, along, aside), "layer": (grain.layer, across, depth)}
        patterns["lobule"] = (grain.lobule, x, y)
        nepers = self._echo[tissue]
        for kind, (field, first, second) in patterns.items():
            there = np.array([t.grain == kind for t in TISSUES])[tissue]
            nepers[there] += table("texture")[tissue[there]] * at(field, first[there], second[there], TEXTURE_MM)
        return np.exp(nepers)

    def _interfaces(self, tissue: NDArray[np.uint8], x: Grid, y: Grid) -> Grid:
        """Specular echoes: (Z2 - Z1) / (Z2 + Z1) along a beam, weaker if the beam hits an interface aslant."""
        z = table("impedance")[tissue]
        change = np.zeros_like(z)
        change[1:] = (z[1:] - z[:-1]) / (z[1:] + z[:-1])
        smooth = ndimage.uniform_filter(np.log(np.maximum(z, 1.0)), (7, 5))
        along = (smooth[2:, 1:-1] - smooth[:-2, 1:-1]) / np.float32(2 * SAMPLE_MM)
        step = (self.view.scanner.radius + self.view.depths[1:-1, None]) * np.float32(self.view.angle_step)
        aside = (smooth[1:-1, 2:] - smooth[1:-1, :-2]) / (2 * step)
        cosine = np.zeros_like(z)
        cosine[1:-1, 1:-1] = np.abs(along) / np.sqrt(along**2 + aside**2 + np.float32(1e-8))
        rough = np.exp(_ROUGHNESS * at(self.grain.lobule, x * 2, y * 2, TEXTURE_MM))
        bone = np.maximum(z, np.roll(z, 1, axis=0)) > _HARD_Z
        directed = np.where(bone, _CORTEX * (np.float32(0.12) + np.float32(0.88) * cosine**2), cosine**6)
        return np.asarray(_SPECULAR * change * directed * rough, np.float32)

    def _left(self, tissue: NDArray[np.uint8]) -> Grid:
        """The amplitude that is left after the way to each sample and back."""
        both_ways = np.float32(2 * SAMPLE_MM / 10 * self.view.scanner.mhz)
        lost = np.zeros(tissue.shape, np.float32)
        np.cumsum(table("attenuation")[tissue[:-1]] * both_ways, axis=0, out=lost[1:])
        left = np.exp(lost * -_NEPER)
        return np.asarray(ndimage.gaussian_filter1d(left, _APERTURE, axis=1, mode="nearest"), np.float32)

    def _add_ringing(self, received: Signal, tissue: NDArray[np.uint8], left: Grid) -> None:
        """Add the dirty grey behind gas, which rings."""
        gas = tissue == INDEX["bowel"]
        beams = np.flatnonzero(gas.any(axis=0))
        if not len(beams):
            return
        first = gas[:, beams].argmax(axis=0)
        behind = (np.arange(len(tissue))[:, None] - first) * np.float32(SAMPLE_MM)
        fading = np.exp(-np.maximum(behind, 0) / 16) * (0.85 + 0.15 * np.cos(behind * 1.9)) * (behind > 0)
        depth = np.broadcast_to(self.view.depths[:, None], behind.shape)
        speckle = at(self.grain.speckle(0.0), self.plane.fan[0][:, beams], depth, GRAIN_MM)
        received[:, beams] += (2.5 * fading * left[first, beams]).astype(np.float32) * speckle

    @cached_property
    def _reverberation(self) -> Grid:
        """Reverberation between skin and probe: bands that fade within a centimetre, `(samples, 1)`."""
        r = self.view.depths[:, None]
        return np.asarray(7 * np.exp(-r / 0.9) + 0.8 * np.exp(-r / 3) * (1 + np.cos(r * 3.1)), np.float32)

    @cached_property
    def _contact(self) -> Grid:
        """The amplitude that is left where a side of the probe has no contact, `(1, beams)`."""
        if self.handling.lost is None:
            return np.ones((1, len(self.view.angles)), np.float32)
        side, share, db = self.handling.lost
        place = np.linspace(-1, 1, len(self.view.angles)) * side
        off = 1 / (1 + np.exp(-(place - 1 + 2 * share) * 30))
        return np.asarray(10 ** (-db * off / 20), np.float32)[None]

    @cached_property
    def _gain_db(self) -> Grid:
        """Gain and time gain as a person would set them, dB, `(samples, 1)`. Muscle becomes a middle grey."""
        scanner, depths, handling = self.view.scanner, self.view.depths, self.handling
        fat = 2 + self.subject.fat
        per_mhz_cm = np.where(depths < fat, 0.6, np.where(depths < fat + sum(self.subject.wall), 1.1, 0.78))
        lost = np.cumsum(per_mhz_cm) * (2 * SAMPLE_MM / 10 * scanner.mhz)
        made_good = np.minimum(handling.penetration * lost, _MOST_GAIN_DB)
        sliders = np.interp(depths, np.linspace(0, self.view.depth, len(handling.tgc_db)), handling.tgc_db)
        middle = -0.66 * scanner.range_db
        return (made_good + sliders + handling.gain_db + middle).astype(np.float32)[:, None]
