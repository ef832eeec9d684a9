"""Errors put into outlines on purpose: a structure under another class's name, deleted, or shifted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dmr.annotate.shapes import Annotation, Shape

SHARE: Final = 0.05  # of the structures
SHIFT_PX: Final = 15.0  # of the frame as it was read
KINDS: Final = ("swapped", "deleted", "shifted")
MISTAKEN: Final = {1: (3,), 3: (1, 4), 4: (3,)}  # nerve and artery, artery and vein: class id -> what it is taken for


@dataclass(frozen=True, slots=True)
class Corruption:
    """One error.

    Attributes:
        frame: Row of the frame.
        kind: One of `KINDS`.
        classes: Ids of the classes whose outlines are wrong now: two where a class was swapped.
    """

    frame: int
    kind: str
    classes: tuple[int, ...]


def corrupt(
    drawn: Sequence[Annotation], *, generator: np.random.Generator
) -> tuple[list[Annotation], list[Corruption]]:
    """Spoil `SHARE` of the structures, at most one a frame; a structure is all that is drawn of a class in a frame.

    Returns:
        The annotations, and what was done; the three kinds are equally frequent.
    """
    structures = [(i, c) for i, a in enumerate(drawn) for c in sorted({s.class_id for s in a.shapes})]
    wanted = round(SHARE * len(structures))
    spoiled, done = list(drawn), list[Corruption]()
    for at in generator.permutation(len(structures)):
        frame, class_id = structures[at]
        kind = KINDS[len(done) % len(KINDS)]
        if any(d.frame == frame for d in done) or (kind == "swapped" and class_id not in MISTAKEN):
            continue
        if len(done) == wanted:
            break
        spoiled[frame], other = _spoil(drawn[frame], class_id, kind, generator)
        done.append(Corruption(frame, kind, (class_id, *other)))
    return spoiled, done


def _spoil(
    drawn: Annotation, class_id: int, kind: str, generator: np.random.Generator
) -> tuple[Annotation, tuple[int, ...]]:
    if kind == "deleted":
        return replace(drawn, shapes=tuple(s for s in drawn.shapes if s.class_id != class_id)), ()
    if kind == "swapped":
        other = int(generator.choice(MISTAKEN[class_id]))
        renamed = (replace(s, class_id=other) if s.class_id == class_id else s for s in drawn.shapes)
        return replace(drawn, shapes=tuple(renamed)), (other,)
    own = [s for s in drawn.shapes if s.class_id == class_id]
    for _ in range(50):  # until it stays within the frame
        angle = generator.uniform(0, 2 * math.pi)
        moved = [_moved(s, SHIFT_PX * math.cos(angle), SHIFT_PX * math.sin(angle)) for s in own]
        if all(0 <= x <= drawn.width and 0 <= y <= drawn.height for s in moved for x, y in s.points):
            break
    new = iter(moved)
    return replace(drawn, shapes=tuple(next(new) if s.class_id == class_id else s for s in drawn.shapes)), ()


def _moved(shape: Shape, dx: float, dy: float) -> Shape:
    return replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points))
