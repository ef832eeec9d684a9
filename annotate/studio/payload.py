"""Annotations <-> Label Studio's payload: labelling interface and regions. Pure.

Label Studio gives points in percent of the image. Its polygons have one ring and no groups, so a seam joins a hole to
its outline.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from ..classes import Classes
from ..geometry.crossings import MOST_CROSSINGS, crosses_too_often
from ..geometry.parts import outlines_with_holes
from ..geometry.seam import join_holes, seam_to_shapes
from ..shapes import Point, Ring, Shape, lies_outside, ring_area
from .records import StudioRegion

CONTROL: Final = "label"
IMAGE: Final = "image"
OUTLINE: Final = "polygonlabels"
INSTRUCTIONS: Final = (
    "<p>Correct the outlines that are drawn already: move, add or delete corners, delete what is not there, draw what "
    "is missing. Then <b>Submit</b>. A structure that you leave out counts as absent.</p>"
    "<p><b>Skip</b> a frame that cannot be judged. The sentence above the image says why the frame is worth a look.</p>"
    "<p>The outlines are drafts of an annotation assistant for research and quality work, for review by a qualified "
    "physician. Not a medical device; not for diagnosis, needle guidance or unsupervised use.</p>"
)

# Percent to pixels and back is off by some 1e-13 px. Drawn points need no more digits than these.
_DIGITS = 6
_LEAST_AREA = 1e-6  # px²; a smaller outline is a line without area


@dataclass(frozen=True, slots=True)
class Interface:
    """A project's labelling interface: what can be drawn in it.

    Attributes:
        control: Name of its polygon labels.
        image: Name of the image that they belong to.
        labels: Class id to the label's value, for labels that are classes.
        strangers: Values of labels that are no class.
    """

    control: str
    image: str
    labels: Mapping[int, str]
    strangers: tuple[str, ...]


def label_config(classes: Classes) -> str:
    """The labelling interface of a new project: the classes with their colours, inner classes last."""
    lines = [
        "<View>",
        '  <Header value="$reason" size="5"/>',
        f'  <Image name="{IMAGE}" value="$image" zoom="true" zoomControl="true" brightnessControl="true" '
        'contrastControl="true"/>',
        f'  <PolygonLabels name="{CONTROL}" toName="{IMAGE}" strokeWidth="2" pointSize="small" opacity="0.25">',
    ]
    order = classes.paint_order()
    for place, c in enumerate(sorted(classes.active, key=lambda c: order.index(c.id)), 1):
        key = f' hotkey="{place}"' if place <= 9 else ""
        lines.append(f"    <Label value={quoteattr(c.name)} background={quoteattr(c.color)}{key}/>")
    return "\n".join([*lines, "  </PolygonLabels>", "</View>"])


def read_interface(config: str, *, classes: Classes) -> Interface:
    """Find the polygon labels of a project, which somebody may have changed.

    Raises:
        ValueError: It is no XML, or has no polygon labels.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise ValueError(f"its labelling interface is no XML ({error})") from None
    found = next(iter(root.iter("PolygonLabels")), None)
    if found is None:
        raise ValueError("its labelling interface has no PolygonLabels")
    labels: dict[int, str] = {}
    strangers = []
    for label in found.iter("Label"):
        value = label.get("value", "")
        known = classes.class_id(value)
        if known is None:
            strangers.append(value)
        else:
            labels[known] = value
    return Interface(found.get("name", CONTROL), found.get("toName", IMAGE), labels, tuple(strangers))


@dataclass(frozen=True, slots=True)
class DraftRegion:
    """One polygon as it is sent to Label Studio, and its shapes: an outline and its holes."""

    region: StudioRegion
    shapes: tuple[Shape, ...]


def shapes_to_regions(
    shapes: Sequence[Shape], *, interface: Interface, order: Sequence[int], height: int, width: int, key: str
) -> list[DraftRegion]:
    """Polygons for Label Studio. Inner classes come last, so that people can click on them.

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
    return regions


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


def regions_to_shapes(
    regions: Iterable[StudioRegion], *, classes: Classes, height: int, width: int, sent: Sequence[DraftRegion] = ()
) -> tuple[Shape, ...]:
    """Submitted regions as shapes. A polygon that nobody changed gives exactly the shapes that were sent.

    Args:
        regions: The regions of an annotation.
        classes: The workspace's classes.
        height: Rows of the frame.
        width: Columns of the frame.
        sent: The regions that were sent as a pre-label.

    Raises:
        ValueError: A region cannot be converted without losing something; the text names its label.
    """
    untouched = {draft.region.id: draft for draft in sent}
    shapes: list[Shape] = []
    group = 1
    for region in regions:
        class_id = _class_of(region, classes)
        _refuse_other_image(region, height=height, width=width)
        draft = untouched.get(region.id)
        if draft is not None and (draft.region.points, draft.region.labels) == (region.points, region.labels):
            own = group if len(draft.shapes) > 1 else None
            parts = [replace(s, group=own) for s in draft.shapes]
        else:
            ring = _pixels(region, height=height, width=width)
            if crosses_too_often(ring):
                raise ValueError(f"an outline of '{region.label}' crosses itself more than {MOST_CROSSINGS} times")
            parts = seam_to_shapes(ring, class_id=class_id, group=group)
            if ring_area(parts[0].points) < _LEAST_AREA:
                raise ValueError(f"an outline of '{region.label}' is a line without area")
            if any(lies_outside(part.points, height=height, width=width) for part in parts if not part.hole):
                raise ValueError(f"an outline of '{region.label}' lies outside the frame")
        group = max([group, *((part.group or 0) + 1 for part in parts)])
        shapes += parts
    return tuple(shapes)


def _parts(shapes: Sequence[Shape], order: Sequence[int]) -> list[list[Shape]]:
    """Each outline with its holes, those of the lowest layer first."""
    places = {class_id: place for place, class_id in enumerate(order)}
    return sorted(outlines_with_holes(shapes), key=lambda parts: places.get(parts[0].class_id, len(places)))


def _class_of(region: StudioRegion, classes: Classes) -> int:
    if region.kind != OUTLINE:
        raise ValueError(f"a region of '{region.label}' is of type {region.kind}, and dmr reads polygons")
    if not region.label:
        raise ValueError("an outline has no label")
    if len(region.labels) > 1:
        raise ValueError(f"an outline has {len(region.labels)} labels, {', '.join(map(repr, region.labels))}: keep one")
    class_id = classes.class_id(region.label)
    if class_id is None:
        raise ValueError(f"the label '{region.label}' is no class")
    return class_id


def _refuse_other_image(region: StudioRegion, *, height: int, width: int) -> None:
    if region.width not in (0, width) or region.height not in (0, height):
        seen = f"{region.width:g} x {region.height:g}"
        raise ValueError(f"'{region.label}' was drawn on an image of {seen} px, and the frame is {width} x {height}")
    if region.problem:
        raise ValueError(region.problem)
    if region.rotation:
        raise ValueError(f"'{region.label}' was drawn on the image turned by {region.rotation:g} degrees")
    if not region.is_closed:
        raise ValueError(f"an outline of '{region.label}' is not closed")


def _pixels(region: StudioRegion, *, height: int, width: int) -> Ring:
    points: list[Point] = []
    for x, y in region.points:
        point = (round(x / 100 * width, _DIGITS), round(y / 100 * height, _DIGITS))
        if not points or point != points[-1]:
            points.append(point)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if len(points) < 3:
        raise ValueError(f"an outline of '{region.label}' has {len(points)} corners; a polygon takes at least 3")
    return tuple(points)
