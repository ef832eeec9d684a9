"""A clip of a virtual subject: the probe slides and tilts, and every frame has exact outlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from ..settings.template import SHAMROCK_CLASSES
from ..shapes import Annotation, Ring, Shape
from .echo import Imager
from .pose import Pose, draw_handling
from .scanner import SCANNERS, SIDE, Scanner, View
from .subject import Subject, draw_subject

_IDS: Final = {c.name: c.id for c in SHAMROCK_CLASSES}
_ROUNDING: Final = 0.02  # px; precision of the outlines' points
_SEEN: Final = 4.0  # px²; a smaller piece of a structure at the sector's edge is not drawn


@dataclass(frozen=True, slots=True, eq=False)
class PhantomFrame:
    """One synthetic frame.

    Attributes:
        pixels: `(SIDE, SIDE)` uint8, without a banner.
        annotation: Its exact outlines; all classes are covered.
    """

    pixels: NDArray[np.uint8]
    annotation: Annotation


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One recording of one virtual subject.

    Attributes:
        subject: The virtual subject.
        view: The scanner and its depth.
        poses: The probe's pose in each frame.
        imager: The imager of this subject and scanner.
        seed: Random seed of the electronics' noise.
    """

    subject: Subject
    view: View
    poses: tuple[Pose, ...]
    imager: Imager
    seed: int

    def frames(self) -> Iterator[PhantomFrame]:
        """All frames in order."""
        for k, pose in enumerate(self.poses):
            section = self.subject.section(pose.z)
            pixels = self.imager.image(pose, section, rng=np.random.default_rng([self.seed, k]))
            yield PhantomFrame(pixels, annotate(self.view, pose, section))


def draw_clip(rng: np.random.Generator, *, frames: int, scanner: Scanner | None = None) -> Clip:
    """Draw a random subject and a recording of it.

    Args:
        rng: The random generator for everything.
        frames: Number of frames.
        scanner: The virtual scanner; None for any.
    """
    subject = draw_subject(rng)
    scanner = scanner or SCANNERS[str(rng.choice(sorted(SCANNERS)))]
    depth = float(np.clip(subject.skin_x + rng.uniform(-6, 14), 100, 160))
    view = View(scanner, depth, flipped=bool(rng.random() < 0.5))
    return Clip(
        subject,
        view,
        tuple(_sweep(rng, subject, frames)),
        Imager(subject, view, draw_handling(rng)),
        seed=int(rng.integers(2**31)),
    )


def _sweep(rng: np.random.Generator, subject: Subject, frames: int) -> Iterator[Pose]:
    """The poses of a hand's sweep over the transverse process and back, sliding and tilting, never quite still."""
    time = np.linspace(0, 1, frames) if frames > 1 else np.array([0.0])
    start, turns = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.1)
    slide = rng.uniform(9, 15) * np.sin(start + 2 * np.pi * turns * time) + rng.uniform(-3, 3)
    tilt = np.deg2rad(rng.uniform(1, 4)) * np.sin(rng.uniform(0, 6) + 2 * np.pi * 1.7 * time)
    y0 = rng.uniform(-14, 6)
    target = np.array([subject.process.tip[0], subject.process.tip[1] + rng.uniform(4, 16)])
    aim0 = np.arctan2(target[1] - y0, subject.skin_x - target[0])
    for k, t in enumerate(time):
        y = y0 + 2.5 * np.sin(1.3 * start + 4 * t)
        aim = aim0 + np.deg2rad(2.0) * np.sin(2.1 * start + 5 * t)
        reach = subject.skin_x - target[0]
        yield Pose((subject.skin_x, float(y)), float(aim), float(slide[k] + np.tan(tilt[k]) * reach))


def annotate(view: View, pose: Pose, section: dict[str, BaseGeometry]) -> Annotation:
    """The structures in the sector as outlines in pixels."""
    sector = Polygon(view.sector).buffer(-_ROUNDING)
    shapes: list[Shape] = []
    for name, class_id in _IDS.items():
        if name not in section:
            continue
        on_screen = shapely.transform(section[name], lambda points: view.to_screen(*pose.to_plane(points)))
        seen = [p for p in shapely.get_parts(on_screen & sector) if isinstance(p, Polygon) and p.area >= _SEEN]
        group = class_id if len(seen) > 1 or any(p.interiors for p in seen) else None
        for part in seen:
            shapes.append(Shape(class_id, _ring(part.exterior), group=group))
            shapes += [Shape(class_id, _ring(hole), hole=True, group=group) for hole in part.interiors]
    return Annotation(SIDE, SIDE, tuple(shapes), frozenset(_IDS.values()))


def _ring(line: BaseGeometry) -> Ring:
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in shapely.get_coordinates(line)[:-1])
