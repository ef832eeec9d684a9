"""Shapes in the groups that other formats know: an outline with its holes, or a whole instance. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..shapes import Shape


def outlines_with_holes(shapes: Sequence[Shape]) -> list[list[Shape]]:
    """Each outline with its holes: those of its class and group that lie in it."""
    import shapely

    holes: dict[tuple[int, int | None], list[Shape]] = {}
    for shape in shapes:
        if shape.hole:
            holes.setdefault((shape.class_id, shape.group), []).append(shape)
    found = []
    for shape in (s for s in shapes if not s.hole):
        own = holes.get((shape.class_id, shape.group), [])
        if own:
            area = shapely.Polygon(shape.points)
            own = [hole for hole in own if area.contains(shapely.Polygon(hole.points).representative_point())]
        found.append([shape, *own])
    return found


def instances(shapes: Sequence[Shape]) -> list[tuple[int, list[Shape]]]:
    """The instances of each class, with its id: the shapes of one class and group, or a shape without a group."""
    found: dict[tuple[int, int | None, int], list[Shape]] = {}
    for k, shape in enumerate(shapes):
        found.setdefault((shape.class_id, shape.group, k if shape.group is None else -1), []).append(shape)
    return [(class_id, parts) for (class_id, _, _), parts in found.items() if not all(s.hole for s in parts)]
