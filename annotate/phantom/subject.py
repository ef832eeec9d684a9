"""Virtual subjects: the anatomy around L4 as outlines in millimetres, cut by a plane that slides and tilts.

Axes: the origin lies on the midline, x points to the scanned flank, y to the front, z to the feet, all in mm.

Sizes follow the anatomy of the Shamrock view. The arrangement is from Sauter et al., "Lumbar plexus block using a novel
Shamrock technique" (2013); the plexus in the posterior third of the psoas, medially, is from Kirchmair et al., Anesth
Analg 93:477 (2001) and 97:1414 (2003). The spread between subjects, the wobble of outlines and the changes along z are
invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from .outline import Blob, Process, draw_wobble, largest

_GAP: Final = 0.35  # mm between each muscle and its neighbours, for the fascia
_SMALLEST: Final = 6.0  # mm²; a smaller rest of a structure is not visible, and not drawn


@dataclass(frozen=True, slots=True, eq=False)
class Fascicle:
    """A part of the lumbar plexus.

    Attributes:
        place: Place in the psoas, sideways and front to back, in half-axes from -1 to 1.
        half: Half-axes, mm.
        tilt: Tilt, radians.
        drift: Movement along z: x and y, mm per mm.
    """

    place: tuple[float, float]
    half: tuple[float, float]
    tilt: float
    drift: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One virtual subject, within reach of the view.

    Attributes:
        side: The scanned side, `left` or `right`.
        body: The vertebral body.
        process: The transverse process.
        lamina: The bone behind it, with the joints; not labelled.
        psoas: The psoas major.
        quadratus: The quadratus lumborum.
        erector: The erector spinae.
        fascicles: The parts of the lumbar plexus.
        plexus_db: Echo of the plexus relative to the psoas, dB; None if the plexus is not visible in it.
        vessel: Vena cava (right) or aorta (left); not labelled.
        kidney: The kidney's lower pole; not labelled; None if it ends higher up.
        kidney_z: Level of the lower pole, mm; below it, there is no kidney.
        bowel: The place where bowel gas begins; not labelled; None for no gas.
        fat: Thickness of the fat under the skin, mm.
        wall: Thickness of the three muscles of the abdominal wall from outside, mm.
        skin_x: Place where the probe touches the flank, mm from the midline.
        muscle_db: Echo of muscle relative to usual, dB; old people's muscle is brighter.
        seed: Random seed of its tissue.
    """

    side: str
    body: Blob
    process: Process
    lamina: Blob
    psoas: Blob
    quadratus: Blob
    erector: Blob
    fascicles: tuple[Fascicle, ...]
    plexus_db: float | None
    vessel: Blob
    kidney: Blob | None
    kidney_z: float
    bowel: Blob | None
    fat: float
    wall: tuple[float, float, float]
    skin_x: float
    muscle_db: float
    seed: int

    def section(self, z: float) -> dict[str, BaseGeometry]:
        """Outlines in the plane at z by name, mm, of labelled and other structures. Absent structures are left out.

        Muscles end where bone begins, with a fascia's width between them. The plexus lies within the psoas.
        """
        body = self.body.outline(z)
        process = self.process.outline(z)
        lamina = self.lamina.outline(z)
        bone = shapely.union_all([body, lamina] + ([] if process is None else [process]))
        quadratus = self.quadratus.outline(z, grow=1 - 0.004 * z)
        psoas = self.psoas.outline(z, grow=1 + 0.006 * z)
        erector = self.erector.outline(z)
        quadratus_own = shapely.difference(quadratus, bone.buffer(0.6))
        psoas_own = shapely.difference(psoas, shapely.union(bone.buffer(0.8), quadratus.buffer(2 * _GAP)))
        behind = shapely.union_all([bone.buffer(0.8), quadratus.buffer(2 * _GAP), psoas.buffer(2 * _GAP)])
        parts: dict[str, BaseGeometry | None] = {
            "erector_spinae": shapely.difference(erector, shapely.union(behind, self._hidden())),
            "quadratus_lumborum": quadratus_own,
            "psoas_major": psoas_own,
            "vertebral_body": body,
            "lamina": lamina,
            "transverse_process": None if process is None else shapely.difference(process, shapely.union(body, lamina)),
            "vessel": self.vessel.outline(z),
            "kidney": self.kidney.outline(z, grow=_pole(z, self.kidney_z))
            if self.kidney and z < self.kidney_z
            else None,
            "bowel": self.bowel.outline(z) if self.bowel else None,
        }
        found: dict[str, BaseGeometry] = {name: largest(part) for name, part in parts.items() if part is not None}
        found["lumbar_plexus"] = self._plexus(found["psoas_major"], z)
        return {name: part for name, part in found.items() if part.area >= _SMALLEST}

    def _hidden(self) -> BaseGeometry:
        """The region behind the lamina, where no sound arrives and nobody draws."""
        return shapely.box(-100, -100, self.lamina.center[0] + self.lamina.half[0] / 2, 0)

    def _plexus(self, psoas: BaseGeometry, z: float) -> BaseGeometry:
        within = psoas.buffer(-0.5)
        cx, cy = self.psoas.center
        parts = []
        for k, f in enumerate(self.fascicles):
            x = cx + f.place[0] * self.psoas.half[0] + f.drift[0] * z
            y = cy + f.place[1] * self.psoas.half[1] + f.drift[1] * z
            waves = np.array([[3, 0.07, 1.3 * k, 0.05], [4, 0.05, 2.1 * k, -0.04]])
            piece = Blob((x, y), f.half, f.tilt, 2.2, waves).outline(z)
            parts.append(largest(shapely.intersection(piece, within)))
        return shapely.union_all([p for p in parts if p.area >= _SMALLEST])


def _draw_erector(rng: np.random.Generator, *, front: float) -> Blob:
    deep = rng.uniform(30, 40) / 2
    return Blob(
        (rng.uniform(30, 36), front - 1.5 - deep + rng.uniform(0, 3)),
        (rng.uniform(29, 36), deep),
        rng.uniform(-0.12, 0.05),
        2.5,
        draw_wobble(rng, 0.02),
    )


def _draw_fascicles(rng: np.random.Generator) -> tuple[Fascicle, ...]:
    number = int(rng.integers(1, 4))
    fascicles = []
    for k in range(number):
        spread = (k - (number - 1) / 2) * 0.3
        fascicles.append(
            Fascicle(
                (rng.uniform(-0.62, -0.28) + spread, rng.uniform(-0.72, -0.48) + 0.12 * abs(spread)),
                (rng.uniform(3, 6), rng.uniform(1.5, 3)),
                rng.uniform(-0.4, 0.4),
                (rng.uniform(0, 0.12), rng.uniform(-0.06, 0.06)),
            )
        )
    return tuple(fascicles)


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draw a random virtual subject."""
    tip_x = float(np.clip(rng.normal(42, 5), 30, 55))
    tip_y = -15 - rng.uniform(-1, 6)
    thick = rng.uniform(5, 8)
    process = Process((20, -15), (tip_x, tip_y), thick, rng.uniform(-2, 2), rng.uniform(6.5, 10))
    along = np.array([tip_x - 20, tip_y + 15]) / np.hypot(tip_x - 20, tip_y + 15)

    psoas_half = (rng.uniform(17, 21), rng.uniform(20, 24))
    psoas_y = -15 + thick / 2 + 2 + psoas_half[1] * rng.uniform(0.97, 1.08)
    psoas = Blob((rng.normal(45, 1.5), psoas_y), psoas_half, rng.uniform(-0.15, 0.2), 2.6, draw_wobble(rng, 0.022))

    across, length = rng.uniform(10, 18) / 2, rng.uniform(35, 45) / 2
    lean = rng.uniform(0.25, 0.8)  # its front end is further out, along the psoas
    cap = (
        np.array([tip_x, tip_y]) + (across + 0.5) * along + rng.uniform(-2, 3) * np.array([np.sin(lean), np.cos(lean)])
    )
    quadratus = Blob(tuple(cap), (length, across), np.pi / 2 - lean, 2.3, draw_wobble(rng, 0.02))

    erector = _draw_erector(rng, front=-15 - thick / 2)
    body = Blob((0, 4), (rng.uniform(23, 27), rng.uniform(16, 19)), 0, 2.4, draw_wobble(rng, 0.015))

    fascicles = _draw_fascicles(rng)
    side = "right" if rng.random() < 0.5 else "left"
    vessel_size = rng.uniform(9, 12) if side == "right" else rng.uniform(8, 10)
    vessel = Blob((rng.uniform(10, 18), 4 + 19 + vessel_size), (vessel_size, vessel_size * rng.uniform(0.75, 1)))
    has_kidney, has_bowel = rng.random() < 0.5, rng.random() < 0.6
    skin_x = rng.uniform(112, 146)
    wall = (rng.uniform(6, 10), rng.uniform(8, 13), rng.uniform(3, 6))
    outermost = max(blob.outline(0).bounds[2] for blob in (psoas, quadratus, erector))
    kidney = Blob((rng.uniform(62, 70), rng.uniform(40, 48)), (19, 14), rng.uniform(-0.6, 0), 2, draw_wobble(rng, 0.02))
    bowel = Blob(
        (rng.uniform(70, 84), rng.uniform(60, 70)), (18, 11), rng.uniform(-0.9, -0.3), 2, draw_wobble(rng, 0.06)
    )
    return Subject(
        side=side,
        body=body,
        process=process,
        lamina=Blob(
            (rng.uniform(10, 14), -26), (rng.uniform(8, 11), rng.uniform(9, 12)), 0.3, 2.2, draw_wobble(rng, 0.04)
        ),
        psoas=psoas,
        quadratus=quadratus,
        erector=erector,
        fascicles=fascicles,
        plexus_db=None if rng.random() < 0.15 else rng.uniform(-2, 8),
        vessel=vessel,
        kidney=kidney if has_kidney else None,
        kidney_z=rng.uniform(-8, 12),
        bowel=bowel if has_bowel else None,
        fat=max(3.0, rng.uniform(0.4, 0.75) * (skin_x - sum(wall) - 4 - outermost)),
        wall=wall,
        skin_x=skin_x,
        muscle_db=rng.uniform(-4, 3),
        seed=int(rng.integers(2**31)),
    )


def _pole(z: float, end: float) -> float:
    return float(np.clip(np.sqrt(0.2 + (end - z) / 18), 0, 1))  # a blunt end
