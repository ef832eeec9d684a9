"""The tissue at each sample of each beam: the subject's section on the scanner's grid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import LineString, Polygon
from shapely.affinity import scale
from shapely.geometry.base import BaseGeometry

from ..system.quiet import quietly
from .pose import Handling, Pose
from .scanner import SAMPLE_MM, View
from .subject import Subject
from .tissue import INDEX

Grid = NDArray[np.float32]
"""`(samples, beams)`."""

_Painted = tuple[BaseGeometry, int]

_PAINTED: Final = (  # later ones cover earlier ones
    "vessel",
    "kidney",
    "erector_spinae",
    "psoas_major",
    "quadratus_lumborum",
    "lumbar_plexus",
    "lamina",
    "vertebral_body",
    "transverse_process",
    "bowel",
)
_SHEATHED: Final = ("erector_spinae", "psoas_major", "quadratus_lumborum", "vessel")
_HARD: Final = frozenset({"lamina", "vertebral_body", "transverse_process", "bowel", "lumbar_plexus"})
_MADE_OF: Final = {"lamina": "vertebral_body"}
_SINUS: Final = (0.55, 0.45)  # share of the kidney's axes


class Plane:
    """The plane of the scan on a scanner's grid.

    Args:
        subject: The scanned subject.
        view: The scanner and its depth.
        handling: How the scanner is held; it shapes the abdominal wall under the probe.
    """

    def __init__(self, subject: Subject, view: View, handling: Handling) -> None:
        self.subject, self.view, self.handling = subject, view, handling

    def tissues(self, pose: Pose, section: Mapping[str, BaseGeometry]) -> NDArray[np.uint8]:
        """Index of the tissue at each sample, `(samples, beams)`.

        Args:
            pose: The probe's pose.
            section: Outlines in its plane by name, mm.
        """
        soft: list[_Painted] = []
        sheaths: list[_Painted] = []
        hard: list[_Painted] = []
        for name in _PAINTED:
            for part in shapely.get_parts(section[name]) if name in section else ():
                ring = self._ring(pose, part)
                painted = Polygon(ring), INDEX[_MADE_OF.get(name, name)]
                (hard if name in _HARD else soft).append(painted)
                if name in _SHEATHED:
                    sheaths.append((LineString(ring), INDEX["fascia"]))
                if name == "kidney":
                    soft.append((Polygon(self._ring(pose, scale(part, *_SINUS))), INDEX["sinus"]))
        wall, covered = self._wall()
        tissue = np.full_like(wall, INDEX["fat"])
        # Sheaths are painted after all muscles: each lies on its muscle's border, not under the neighbour.
        for shapes, touched in ((soft, False), (sheaths, True), (hard, False)):
            if shapes:
                with quietly():  # rasterio itself switches warnings off and on
                    rasterize(shapes, out=tissue, all_touched=touched)
        tissue[covered] = wall[covered]
        return tissue

    def places(self, pose: Pose) -> tuple[Grid, Grid]:
        """The place of each sample in the body: x and y in mm, `(samples, beams)` each."""
        down, across = pose.axes()
        u, v = self.fan
        x = np.float32(pose.skin[0]) + u * np.float32(across[0]) + v * np.float32(down[0])
        y = np.float32(pose.skin[1]) + u * np.float32(across[1]) + v * np.float32(down[1])
        return x, y

    @cached_property
    def fan(self) -> tuple[Grid, Grid]:
        """For each sample, mm across and mm down from the array's middle."""
        reach = self.view.scanner.radius + self.view.depths[:, None]
        angles = self.view.angles[None, :]
        return reach * np.sin(angles), reach * np.cos(angles) - np.float32(self.view.scanner.radius)

    def _ring(self, pose: Pose, part: BaseGeometry) -> NDArray[np.float64]:
        """An outline in beams and samples, `(n, 2)`. The centre of sample r of beam b is (b + 0.5, r + 0.5)."""
        u, v = pose.to_plane(shapely.get_coordinates(shapely.get_exterior_ring(part)))
        v = v + self.view.scanner.radius
        beam = (np.arctan2(u, v) - float(self.view.angles[0])) / self.view.angle_step + 0.5
        return np.column_stack([beam, (np.hypot(u, v) - self.view.scanner.radius) / SAMPLE_MM + 0.5])

    def _wall(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The layers of the abdominal wall from the skin, `(samples, beams)`, and where the wall is."""
        subject = self.subject
        angles, depths = self.view.angles, self.view.depths[:, None]
        bow = (1 - np.cos(angles)) * self.view.scanner.radius
        waves = np.stack([bow / 3, np.sin(3 * angles), np.cos(7 * angles)])
        ripples = self.handling.layers @ waves
        bottoms = np.cumsum([2.0 + subject.fat, *subject.wall])
        tissue = np.full((len(depths), len(angles)), INDEX["fat"], np.uint8)
        for k in (3, 2, 1):
            tissue[depths < bottoms[k] + ripples[k]] = INDEX["oblique"]
        tissue[depths < bottoms[0] + ripples[0]] = INDEX["subcutis"]
        for k in range(4):
            tissue[np.abs(depths - bottoms[k] - ripples[k]) < 0.28] = INDEX["fascia"]
        tissue[depths[:, 0] < 1.6] = INDEX["skin"]
        return tissue, tissue != INDEX["fat"]
