"""Annotations <-> Label Studio's payload: labelling interface, regions, payload of a task. Pure.

Label Studio gives points in percent of the image, has one ring a polygon and no groups: holes go out by a seam.
"""

from __future__ import annotations

import hashlib
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from ..classes import Classes
from ..geometry.seam import join_holes, split_seam
from ..shapes import Ring, Shape, ring_area

CONTROL: Final = "label"
IMAGE: Final = "image"
INSTRUCTIONS: Final = (
    "<p>Correct the outlines that are drawn already: move, add or delete corners, delete what is not there, draw what "
    "is missing. Then <b>Submit</b>. A structure that you leave out counts as absent.</p>"
    "<p><b>Skip</b> a frame that cannot be judged. The sentence above the image says why the frame is worth a look.</p>"
    "<p>The outlines are drafts of an annotation assistant for research and quality work, for review by a qualified "
    "physician. Not a medical device; not for diagnosis, needle guidance or unsupervised use.</p>"
)

# Percent to pixels and back is off by some 1e-13 px; what is drawn has no digits beyond these.
_DIGITS = 6
_LEAST_AREA = 1e-6  # px²: below it an outline holds nothing at all


@dataclass(frozen=True, slots=True)
class Interface:
    """What a project's labelling interface offers.

    Attributes:
        control: Name of its polygon labels.
        image: Name of the image that they belong to.
        labels: Class id to the label's value, for the labels that are classes.
        strangers: Values of labels that are no class.
    """

    control: str
    image: str
    labels: Mapping[int, str]
    strangers: tuple[str, ...]


def label_config(classes: Classes) -> str:
    """The labelling interface of a new project: the classes with their colours, inner ones last."""
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
        known = classes.find(value)
        if known is None or known.retired:
            strangers.append(value)
        else:
            labels[known.id] = value
    return Interface(found.get("name", CONTROL), found.get("toName", IMAGE), labels, tuple(strangers))


@dataclass(frozen=True, slots=True)
class Region:
    """One polygon as it goes to Label Studio, and the shapes that it stands for: an outline and its holes."""

    payload: Mapping[str, Any]
    shapes: tuple[Shape, ...]


def shapes_to_regions(
    shapes: Sequence[Shape], *, interface: Interface, order: Sequence[int], height: int, width: int, key: str
) -> list[Region]:
    """Polygons for Label Studio, those of inner classes last so that they can be clicked on.

    Args:
        shapes: Outlines and holes; those of classes that the interface lacks are left out.
        interface: The project's.
        order: Class ids, the lowest layer first.
        height: Rows of the frame.
        width: Columns of the frame.
        key: Goes into the regions' ids, so that they tell later what was sent: the same key, the same ids.
    """
    regions = []
    for place, parts in enumerate(_parts(shapes, order)):
        outline, *holes = parts
        if outline.class_id not in interface.labels:
            continue
        ring = join_holes(outline.points, [hole.points for hole in holes]) if holes else outline.points
        payload = {
            "id": region_id(key, place),
            "type": "polygonlabels",
            "from_name": interface.control,
            "to_name": interface.image,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "points": [[100 * x / width, 100 * y / height] for x, y in ring],
                "closed": True,
                "polygonlabels": [interface.labels[outline.class_id]],
            },
        }
        regions.append(Region(payload, tuple(parts)))
    return regions


def region_id(key: str, place: int) -> str:
    """The id of a region that is sent: ten characters of a hash."""
    return hashlib.sha256(f"{key} {place}".encode()).hexdigest()[:10]


def regions_to_shapes(
    regions: Iterable[Mapping[str, Any]],
    *,
    resolve: Callable[[str], int | None],
    height: int,
    width: int,
    sent: Sequence[Region] = (),
) -> tuple[Shape, ...]:
    """What a physician submitted, as shapes; a polygon that nobody moved is again exactly what was sent.

    Results that are no region, such as a choice or a comment, are passed over.

    Args:
        regions: An annotation's `result`.
        resolve: Class id of a label, None for none.
        height: Rows of the frame.
        width: Columns of the frame.
        sent: The regions that were sent as a pre-label.

    Raises:
        ValueError: A region cannot be taken over without losing something; told with its label and what to do.
    """
    untouched = {str(region.payload["id"]): region for region in sent}
    shapes: list[Shape] = []
    group = 0
    for item in regions:
        kind, value = str(item.get("type")), item.get("value")
        if not isinstance(value, Mapping) or "original_width" not in item:
            continue  # belongs to the frame as a whole
        class_id, label = _class_of(kind, value, resolve)
        if (item["original_width"], item["original_height"]) != (width, height):
            seen = f"{item['original_width']} x {item['original_height']}"
            raise ValueError(f"'{label}' was drawn on an image of {seen} px, and the frame is {width} x {height}")
        if item.get("image_rotation"):
            raise ValueError(f"'{label}' was drawn on the image turned by {item['image_rotation']} degrees")
        if not value.get("closed", True):
            raise ValueError(f"an outline of '{label}' is not closed")
        before = untouched.get(str(item.get("id")))
        if before is not None and _says_the_same(before, value):
            parts = [(s.class_id, s.points, s.hole) for s in before.shapes]
        else:
            outline, holes = split_seam(_pixels(value, label, height=height, width=width))
            if ring_area(outline) < _LEAST_AREA:
                raise ValueError(f"an outline of '{label}' is a line without area")
            parts = [(class_id, outline, False), *((class_id, hole, True) for hole in holes)]
        own = None
        if len(parts) > 1:
            group += 1
            own = group
        shapes += [Shape(i, points, hole=hole, group=own) for i, points, hole in parts]
    return tuple(shapes)


def _parts(shapes: Sequence[Shape], order: Sequence[int]) -> list[list[Shape]]:
    """Each outline with its holes: those of its class and group that lie in it."""
    import shapely

    holes: dict[tuple[int, int | None], list[Shape]] = {}
    for shape in shapes:
        if shape.hole:
            holes.setdefault((shape.class_id, shape.group), []).append(shape)
    places = {class_id: place for place, class_id in enumerate(order)}
    found = []
    for shape in sorted((s for s in shapes if not s.hole), key=lambda s: places.get(s.class_id, len(places))):
        own = holes.get((shape.class_id, shape.group), [])
        if own:
            area = shapely.Polygon(shape.points)
            own = [hole for hole in own if area.contains(shapely.Polygon(hole.points).representative_point())]
        found.append([shape, *own])
    return found


def _class_of(kind: str, value: Mapping[str, Any], resolve: Callable[[str], int | None]) -> tuple[int, str]:
    named = value.get(kind)
    label = str(named[0]) if isinstance(named, Sequence) and named else ""
    if kind != "polygonlabels":
        raise ValueError(f"a region of '{label}' is of type {kind}, and dmr reads polygons")
    if not label:
        raise ValueError("an outline has no label")
    class_id = resolve(label)
    if class_id is None:
        raise ValueError(f"the label '{label}' is no class")
    return class_id, label


def _says_the_same(before: Region, value: Mapping[str, Any]) -> bool:
    sent = before.payload["value"]
    return all(sent[key] == value.get(key) for key in ("points", "polygonlabels"))


def _pixels(value: Mapping[str, Any], label: str, *, height: int, width: int) -> Ring:
    points: list[tuple[float, float]] = []
    for x, y in value.get("points", ()):
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"an outline of '{label}' has a corner that is no number")
        point = (round(x / 100 * width, _DIGITS), round(y / 100 * height, _DIGITS))
        if not points or point != points[-1]:
            points.append(point)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if len(points) < 3:
        raise ValueError(f"an outline of '{label}' has {len(points)} corners; a polygon takes at least 3")
    return tuple(points)
