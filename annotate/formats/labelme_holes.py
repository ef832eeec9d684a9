"""Holes as other programs write them into Labelme files, read as holes of ours.

Two conventions are in use beside our flag `hole`. A shape with the label `_background_` is cut out of the shapes that
it lies in, as labelme's own converter to VOC paints it. A shape marked `difficult` that lies in another one of its
label and group can only be a hole in it: painted, it would change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..classes import canonical_label
from ..geometry.crossings import crosses_too_often
from ..geometry.parts import share_area
from ..shapes import Shape
from .labelme_outlines import outlines
from .labelme_reading import LabelmeFile, LabelmeShape

BACKGROUND: Final = "_background_"


def is_unnamed(label: str) -> bool:
    """Whether a label names no structure: it is empty, or means a hole."""
    return canonical_label(label) in ("", BACKGROUND)


@dataclass(frozen=True, slots=True)
class _Read:
    """The shapes with their holes, the labels of shapes that lost something, and what is odd."""

    shapes: list[LabelmeShape]
    lost: list[str]
    notes: list[str]


def with_holes(file: LabelmeFile, *, is_class: Callable[[str], bool]) -> LabelmeFile:
    """The file with these conventions read as the flag `hole`; what cannot be read so is lost, with a note.

    Args:
        file: As read.
        is_class: Whether a label stands for a class; a class may be called `_background_`.
    """
    cut = [s for s in file.shapes if s.label.strip().casefold() == BACKGROUND and not is_class(s.label)]
    marked = [s for s in file.shapes if s.extra.get("difficult") == 1 and not s.hole and s not in cut]
    if not cut and not marked:
        return file
    read = _Read([s for s in file.shapes if s not in cut], [], [])
    for shape in marked:
        _read_marked(shape, read)
    for shape in cut:
        _cut(shape, read)
    notes = tuple(dict.fromkeys((*file.notes, *read.notes)))
    return replace(file, shapes=tuple(read.shapes), lost=(*file.lost, *read.lost), notes=notes)


def _read_marked(shape: LabelmeShape, read: _Read) -> None:
    """Make a shape marked `difficult` a hole, if it lies in another one of its label."""
    others = [s for s in read.shapes if s is not shape and s.label == shape.label and not s.hole]
    if any(s.group_id == shape.group_id is not None for s in _around(shape, others)):
        read.shapes[read.shapes.index(shape)] = replace(shape, hole=True)
        read.notes.append("a shape marked difficult lies in another one of its group (read as a hole)")
    elif _around(shape, others):
        read.shapes.remove(shape)
        read.lost.append(shape.label)
        read.notes.append("a shape marked difficult lies in another one: is it a hole? No group tells (left out)")


def _cut(shape: LabelmeShape, read: _Read) -> None:
    """Cut a `_background_` shape out of the shapes that it lies in."""
    outer = [s for s in read.shapes if not s.hole]
    around = _around(shape, outer)
    touched = [s for s in _touching(shape, outer) if s not in around]
    if touched:
        read.lost.extend(s.label for s in touched)
        read.notes.append(f"a {BACKGROUND} shape lies partly outside a shape (not cut out)")
    free = max((s.group_id for s in read.shapes if s.group_id is not None), default=0) + 1
    for whole in around:
        group = whole.group_id
        if group is None:
            group, free = free, free + 1
            read.shapes[read.shapes.index(whole)] = replace(whole, group_id=group)
        read.shapes.append(replace(shape, label=whole.label, group_id=group, hole=True))
    if around:
        read.notes.append(f"{BACKGROUND} shapes are cut out of the shapes that they lie in")


def _around(shape: LabelmeShape, others: Sequence[LabelmeShape]) -> list[LabelmeShape]:
    """Those of the others that a shape lies in."""
    inner = _area(shape)
    return [] if inner is None else [s for s in others if (area := _area(s)) is not None and area.covers(inner)]


def _touching(shape: LabelmeShape, others: Sequence[LabelmeShape]) -> list[LabelmeShape]:
    """Those of the others that share an area with a shape."""
    inner = _area(shape)
    if inner is None:
        return list(others)
    return [s for s in others if (area := _area(s)) is not None and area.intersection(inner).area > 0]


def _area(shape: LabelmeShape):  # type: ignore[no-untyped-def]  # shapely is loaded only for the rare files that need it
    """What a shape holds, or None where its pixels cannot be read."""
    import shapely

    try:
        rings = [ring.points for ring in outlines(shape) if not ring.hole]
    except ValueError:
        return None
    if any(crosses_too_often(ring) for ring in rings):
        return None
    return shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in rings])


def cut_in_moved_parts(
    shapes: Sequence[Shape], moved: Mapping[tuple[int, int | None], set[int | None]]
) -> tuple[Shape, ...]:
    """Shapes in which the holes of a group are cut out of its drawn masks too, whose parts have groups of their own.

    Args:
        shapes: As read.
        moved: The groups of a mask's parts, by the class and the group that they were drawn in.
    """
    found: list[Shape] = []
    for shape in shapes:
        parts = moved.get((shape.class_id, shape.group), set()) if shape.hole else set()
        touched = {
            other.group
            for other in shapes
            if parts and other.class_id == shape.class_id and not other.hole and share_area(other.points, shape.points)
        }
        groups = [shape.group] if shape.group in touched or not parts & touched else []
        found += [replace(shape, group=group) for group in (*groups, *sorted(parts & touched, key=str))]
    return tuple(found)
