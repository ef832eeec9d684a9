"""How much better outlines are than the ellipses in the same boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...annotate.geometry.raster import polygons_to_mask
from ..data.dataset import Sample
from .prompt import Box, Click
from .refiner import Refiner, ellipse_mask
from .simulate import deepest_error
from .structures import sample_structures, structure_box

MOVED: Final = 0.05  # how far each side of a box is moved at most, as a share of its length


@dataclass(frozen=True, slots=True)
class Answered:
    """One structure of a physician, and what came for a box around it.

    Attributes:
        patient: The patient.
        class_id: The structure's class.
        ellipse: Dice of the ellipse in the box.
        network: Dice of the network's outline.
        clicked: Dice after one click, two clicks, and so on; the last one again where nothing was left to click.
    """

    patient: str | None
    class_id: int
    ellipse: float
    network: float
    clicked: tuple[float, ...] = ()


def answered(
    refiner: Refiner,
    samples: Iterable[Sample],
    *,
    moved: float = MOVED,
    generator: np.random.Generator,
    clicks: int = 0,
) -> Iterator[Answered]:
    """Ask for all structures of samples.

    Args:
        refiner: Is asked.
        samples: Labelled frames of patients that the refiner has not learnt from.
        moved: How far each side of a box is moved at most, as a share of its length; 0 for tight boxes.
        generator: The source of all random numbers.
        clicks: Clicks into each structure, each into the deepest error that is left.
    """
    for sample in samples:
        height, width = sample.pixels.shape
        for parts in sample_structures(sample.annotation.shapes, refiner.class_ids):
            truth = polygons_to_mask(parts, height=height, width=width)
            if not truth.any():
                continue
            box = structure_box(parts).moved(generator.uniform(-moved, moved, 4).tolist())
            class_id = parts[0].class_id
            ellipse = dice(ellipse_mask(box, height=height, width=width), truth)
            first, *others = _in_turn(refiner, sample.pixels, box, class_id, truth, clicks)
            yield Answered(sample.patient, class_id, ellipse, first, tuple(others))


def _in_turn(
    refiner: Refiner, pixels: NDArray[np.uint8], box: Box, class_id: int, truth: NDArray[np.bool_], clicks: int
) -> Iterator[float]:
    """Dice without clicks, with one, and so on."""
    made: list[Click] = []
    height, width = pixels.shape
    for k in range(1 + clicks):
        shapes = refiner.refine(pixels, box=box, class_id=class_id, clicks=made)
        found = polygons_to_mask(shapes, height=height, width=width)
        yield dice(found, truth)
        if k < clicks and (error := deepest_error(found, truth)) is not None:
            made.append(Click(*error))


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Dice of two masks; 1 for two empty ones."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def by_class(rows: Sequence[Answered]) -> dict[int, tuple[float, float, int]]:
    """Mean Dice of ellipse and network, and the number of structures, of each class."""
    found: dict[int, list[Answered]] = {}
    for row in rows:
        found.setdefault(row.class_id, []).append(row)
    return {
        class_id: (float(np.mean([r.ellipse for r in own])), float(np.mean([r.network for r in own])), len(own))
        for class_id, own in sorted(found.items())
    }


def not_better(judged: Mapping[int, tuple[float, float, int]]) -> frozenset[int]:
    """The classes of which the ellipse is at least as good."""
    return frozenset(class_id for class_id, (ellipse, network, _) in judged.items() if network <= ellipse)
