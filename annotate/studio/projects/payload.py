"""Annotations <-> Label Studio's payload: the regions that are drawn. Pure.

Label Studio gives points in percent of the image. Its polygons have one ring and no groups, so a seam joins a hole to
its outline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ...classes import Classes
from ...geometry.crossings import MOST_CROSSINGS, crosses_too_often, filled_area
from ...geometry.parts import outlines_with_holes
from ...geometry.raster import polygons_to_mask
from ...geometry.seam import join_holes, seam_to_shapes
from ...shapes import Point, Ring, Shape, lies_outside
from ...wording import quoted
from ..answers.figures import KEYS, figure_mask, figure_ring
from ..answers.records import StudioRegion
from ..interface.config import IMAGE, Interface

OUTLINE: Final = "polygonlabels"

# Percent to pixels and back is off by some 1e-13 px. Drawn points need no more digits than these.
_DIGITS = 6
_LEAST_AREA = 1e-6  # px²; a smaller outline is a line without area
_LINE: Final = "vectorlabels"


@dataclass(frozen=True, slots=True)
class DraftRegion:
    """One polygon as it is sent to Label Studio, and its shapes: an outline and its holes."""

    region: StudioRegion
    shapes: tuple[Shape, ...]


def shapes_to_regions(
    shapes: Sequence[Shape], *, interface: Interface, order: Sequence[int], height: int, width: int, key: str
) -> list[DraftRegion]:
    """Polygons for Label Studio. Inner classes come first: of two regions, a click picks the one that was sent first.

    Args:
        shapes: Outlines and holes. Classes that the interface lacks are left out.
        interface: The project's labelling interface.
        order: Class ids, the lowest layer first.
        height: Rows of the frame.
        width: Columns of the frame.
        key: Makes the regions' ids, by which they are recognised later. The same key gives the same ids.
    """
    regions = []
    for place, parts in enumerate(_parts(shapes, order)):
        outline, *holes = parts
        if outline.class_id not in interface.labels:
            continue
        ring = join_holes(outline.points, [hole.points for hole in holes]) if holes else outline.points
        region = StudioRegion(
            id=region_id(key, place),
            kind=OUTLINE,
            labels=(interface.labels[outline.class_id],),
            points=tuple((100 * x / width, 100 * y / height) for x, y in ring),
            width=width,
            height=height,
        )
        regions.append(DraftRegion(region, tuple(parts)))
    return regions[::-1]


def region_to_json(region: StudioRegion, *, interface: Interface) -> dict[str, Any]:
    """A region as Label Studio's JSON."""
    return {
        "id": region.id,
        "type": region.kind,
        "from_name": interface.control,
        "to_name": interface.image,
        "original_width": region.width,
        "original_height": region.height,
        "image_rotation": 0,
        "value": {
            "points": [list(point) for point in region.points],
            "closed": True,
            region.kind: list(region.labels),
        },
    }


def region_id(key: str, place: int) -> str:
    """The id of a region to send: ten characters of a hash."""
    return hashlib.sha256(f"{key} {place}".encode()).hexdigest()[:10]


class RegionError(ValueError):
    """A region that cannot be converted without losing something.

    Attributes:
        lost: The ids of its classes; None stands for one that nobody can tell.
        remedy: What to do with it in Label Studio.
        elsewhere: What else helps; empty if nothing does.
    """

    def __init__(
        self, what: str, *, lost: Iterable[int | None], remedy: str = "Correct it", elsewhere: str = ""
    ) -> None:
        super().__init__(what)
        self.lost = frozenset(lost)
        self.remedy = remedy
        self.elsewhere = elsewhere


def regions_to_shapes(
    regions: Iterable[StudioRegion],
    *,
    classes: Classes,
    height: int,
    width: int,
    sent: Sequence[DraftRegion] = (),
    image: str = IMAGE,
) -> tuple[Shape, ...]:
    """Submitted regions as shapes. A polygon that nobody changed gives exactly the shapes that were sent.

    Args:
        regions: The regions of an annotation.
        classes: The workspace's classes.
        height: Rows of the frame.
        width: Columns of the frame.
        sent: The regions that were sent as a pre-label.
        image: The name of the frame's image in the project.

    Raises:
        RegionError: A region cannot be converted without losing something; the text names its label.
    """
    untouched = {draft.region.id: draft for draft in reversed(sent)}
    places = {number: place for place, number in enumerate(untouched)}  # as before they were sent
    shapes: list[Shape] = []
    group = 1
    for region in sorted(regions, key=lambda region: places.get(region.id, len(places))):
        class_id = _class_of(region, classes)
        if (odd := _oddity(region, height=height, width=width, image=image)) is not None:
            raise RegionError(odd, lost=[class_id])
        draft = untouched.get(region.id)
        if draft is not None and (draft.region.points, draft.region.labels) == (region.points, region.labels):
            own = group if len(draft.shapes) > 1 else None
            parts = [replace(s, group=own) for s in draft.shapes]
        else:
            odd, parts = _drawn_parts(region, class_id, group=group, height=height, width=width)
            if odd:
                raise RegionError(f"an outline of {quoted(region.label)} {odd}", lost=[class_id])
        group = max([group, *((part.group or 0) + 1 for part in parts)])
        shapes += parts
    return tuple(shapes)


def _drawn_parts(
    region: StudioRegion, class_id: int, *, group: int, height: int, width: int
) -> tuple[str, list[Shape]]:
    """The shapes of a region that somebody drew, or what is wrong with it."""
    parts: list[Shape] = []
    if region.figure is not None and region.figure.painted:
        from ...geometry.trace import mask_to_shapes  # rasterio is slow to import, and few people paint

        try:
            mask = figure_mask(region.figure, region.kind, height=height, width=width)
        except ValueError as error:
            return str(error), []
        parts += mask_to_shapes(mask, class_id=class_id, first_group=group)
    else:
        ring = _pixels(region, height=height, width=width)
        if (odd := _unusable(ring)) is not None:
            return odd, []
        parts += seam_to_shapes(ring, class_id=class_id, group=group)
        if any(lies_outside(part.points, height=height, width=width) for part in parts if not part.hole):
            return "lies outside the frame", []
    if not polygons_to_mask(parts, height=height, width=width).any():
        return "leaves no pixel", []
    return "", parts


def _parts(shapes: Sequence[Shape], order: Sequence[int]) -> list[list[Shape]]:
    """Each outline with its holes, those of the lowest layer first."""
    places = {class_id: place for place, class_id in enumerate(order)}
    return sorted(outlines_with_holes(shapes), key=lambda parts: places.get(parts[0].class_id, len(places)))


def _class_of(region: StudioRegion, classes: Classes) -> int:
    """The class of a polygon. Raises RegionError."""
    ids = [classes.class_id(label) for label in region.labels]
    lost = ids or [None]
    if region.problem and not region.label:
        raise RegionError(region.problem, lost=lost)
    named = f"of {quoted(region.label)}" if region.label else "without a label"
    if region.kind == _LINE:
        what = f"a line {named} has no area"
        raise RegionError(what, lost=lost, remedy="Outline the structure by a polygon, or delete what marks it,")
    if region.kind != OUTLINE and region.kind not in KEYS:
        what = f"a region {named} is of type {quoted(region.kind)}, which dmr does not read"
        raise RegionError(what, lost=lost, remedy="Draw it as a polygon")
    if not region.label:
        raise RegionError("an outline has no label", lost=lost, remedy="Give it one")
    if len(region.labels) > 1:
        what = f"an outline has {len(region.labels)} labels, {', '.join(map(quoted, region.labels))}: keep one"
        raise RegionError(what, lost=lost)
    if ids[0] is None:
        what = f"the label {quoted(region.label)} is no class"
        raise RegionError(what, lost=lost, elsewhere="name the label in dmr.toml, as an alias or in [import] ignore")
    return ids[0]


def _oddity(region: StudioRegion, *, height: int, width: int, image: str) -> str | None:
    """Why a region's values cannot be used; None if they can."""
    if region.image not in ("", image):
        return f"{quoted(region.label)} was drawn on another image of the task, {quoted(region.image)}"
    if region.width not in (0, width) or region.height not in (0, height):
        seen = f"{region.width:g} x {region.height:g}"
        return f"{quoted(region.label)} was drawn on an image of {seen} px, and the frame is {width} x {height}"
    if region.problem:
        return region.problem
    if region.rotation % 360:
        return f"{quoted(region.label)} was drawn on the image turned by {region.rotation:g} degrees"
    return None if region.is_closed else f"an outline of {quoted(region.label)} is not closed"


def _unusable(ring: Ring) -> str | None:
    """Why an outline cannot be used; None if it can."""
    if len(ring) < 3:
        return f"has {len(ring)} corners; a polygon takes at least 3"
    if crosses_too_often(ring):
        return f"crosses itself more than {MOST_CROSSINGS} times"
    return "is a line without area" if filled_area(ring) < _LEAST_AREA else None


def _pixels(region: StudioRegion, *, height: int, width: int) -> Ring:
    """A region's corners in pixels, without those that repeat the one before."""
    corners = tuple((x / 100 * width, y / 100 * height) for x, y in region.points)
    if region.figure is not None:
        corners = figure_ring(region.figure, region.kind, height=height, width=width)
    points: list[Point] = []
    for x, y in corners:
        point = (round(x, _DIGITS), round(y, _DIGITS))
        if not points or point != points[-1]:
            points.append(point)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    return tuple(points)
