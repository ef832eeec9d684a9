"""YOLO's outlines <-> shapes: a text file a frame, a line an outline, `class x y x y ...` in parts of the image.

Format: https://docs.ultralytics.com/datasets/segment/. Classes count from 0 in the order of `names` in `data.yaml`. A
line is one ring: holes, and with other programs all parts of a structure, are joined to their outline by a seam.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..errors import BrokenInput
from ..geometry.crossings import MOST_CROSSINGS, crosses_too_often
from ..geometry.parts import outlines_with_holes
from ..geometry.seam import join_holes, seam_to_shapes
from ..shapes import Point, Ring, Shape
from ..wording import counted, quoted
from .drawing import Drawing

if TYPE_CHECKING:
    import shapely

HEADER: Final = "# Written by dmr."
YOLO_LIST: Final = "classes.txt"
"""The names of the classes as other programs list them, where there is no `data.yaml`."""

_DIGITS: Final = 6  # of a pixel: what is drawn has no digits beyond these
_NEAREST, _FARTHEST = -1.0, 2.0  # in parts of an image; what lies a whole image outside of it was counted in pixels
_BOX: Final = 4  # numbers of a line of YOLO's boxes


def shapes_to_yolo(shapes: Sequence[Shape], *, numbers: Mapping[int, int], height: int, width: int) -> tuple[str, bool]:
    """The text of a frame.

    Args:
        shapes: Outlines and holes.
        numbers: YOLO's number of each class id; shapes of other classes are left out.
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        The text, and whether an outline had to be cut off at the frame's edge, which YOLO's programs demand.
    """
    lines = []
    cut = False
    for outline, *holes in outlines_with_holes([s for s in shapes if s.class_id in numbers]):
        rings = [join_holes(outline.points, [h.points for h in holes]) if holes else outline.points]
        if any(not (0 <= x <= width and 0 <= y <= height) for x, y in outline.points):
            cut = True
            rings = _cut(outline.points, [h.points for h in holes], height=height, width=width)
        for ring in rings:
            xy = " ".join(f"{x / width!r} {y / height!r}" for x, y in ring)
            lines.append(f"{numbers[outline.class_id]} {xy}\n")
    return "".join(lines), cut


def _cut(ring: Ring, holes: Sequence[Ring], *, height: int, width: int) -> list[Ring]:
    """What of an outline lies in the frame."""
    import shapely

    whole = shapely.make_valid(shapely.Polygon(ring)).intersection(shapely.box(0, 0, width, height))
    for hole in holes:
        whole = whole.difference(shapely.make_valid(shapely.Polygon(hole)))
    found = []
    for part in shapely.get_parts(whole):
        if isinstance(part, shapely.Polygon) and not part.is_empty:
            inner = [_corners(ring) for ring in part.interiors]
            found.append(join_holes(_corners(part.exterior), inner) if inner else _corners(part.exterior))
    return found


def _corners(ring: shapely.LinearRing) -> Ring:
    return tuple((float(x), float(y)) for x, y in ring.coords[:-1])


def yolo_to_drawing(
    text: str,
    *,
    class_ids: Sequence[int | None],
    height: int,
    width: int,
    nameless: frozenset[int] = frozenset(),
) -> Drawing:
    """The outlines of a frame's text; whatever one line holds, the others go on.

    Args:
        text: The content of the file.
        class_ids: The class of each of YOLO's numbers; None for one that is not wanted.
        height: Rows of the frame.
        width: Columns of the frame.
        nameless: Those of YOLO's numbers that have no name: of them nobody can tell the class.
    """
    shapes: list[Shape] = []
    lost: set[int | None] = set()
    notes: dict[str, None] = {}
    group = 1
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        label = int(words[0]) if words[0].isascii() and words[0].isdigit() and len(words[0]) < 10 else -1
        if not 0 <= label < len(class_ids):
            notes[f"line {number} is of class {quoted(words[0])}, which is not in the list of names (left out)"] = None
            lost.add(None)
            continue
        if (class_id := class_ids[label]) is None:
            if label in nameless:
                notes[f"line {number} is of class {label}, which has no name (left out)"] = None
                lost.add(None)
            continue
        points, why = _points(words[1:], height=height, width=width)
        if why is not None:
            notes[f"line {number} {why} (left out)"] = None
            lost.add(class_id)
            continue
        parts = seam_to_shapes(points, class_id=class_id, group=group)
        if not parts:
            notes[f"line {number} holds no area (left out)"] = None
            lost.add(class_id)
        group = max([group, *((part.group or 0) + 1 for part in parts)])
        shapes += parts
    return Drawing(tuple(shapes), frozenset(lost), tuple(notes))


def _points(words: Sequence[str], *, height: int, width: int) -> tuple[tuple[Point, ...], str | None]:
    """The points of a line in pixels, or what is wrong with it."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        return (), "has a coordinate that is no number"
    if (far := next((value for value in values if not _NEAREST <= value <= _FARTHEST), None)) is not None:
        remedy = "are these pixels? Divide x by the image's width and y by its height"
        return (), f"has the coordinate {far:g}, far outside 0 to 1: {remedy}"
    if len(values) == _BOX:
        return (), "is a box and no outline"
    if len(values) < 6 or len(values) % 2:
        return (), f"has {counted(len(values), 'numbers')}; an outline takes at least 6, and an even count"
    xy = zip(values[0::2], values[1::2], strict=True)
    points = tuple((round(x * width, _DIGITS), round(y * height, _DIGITS)) for x, y in xy)
    if points[0] == points[-1]:
        points = points[:-1]
    if len(set(points)) < 3:
        return (), f"has {counted(len(set(points)), 'different points')}"
    if crosses_too_often(points):
        return (), f"crosses itself more than {MOST_CROSSINGS} times"
    return points, None


def yolo_names(names: Sequence[str]) -> str:
    """`data.yaml` of a data set whose text files lie in `labels/` and whose images in `images/`."""
    lines = [HEADER, "path: .", "train: images", "val: images", "names:"]
    return "\n".join([*lines, *(f"  {k}: {json.dumps(name)}" for k, name in enumerate(names))]) + "\n"


def read_yolo_names(text: str, *, where: object) -> list[str]:
    """The names in a `data.yaml`: a list in brackets, a list of dashes, or numbers with names.

    Raises:
        BrokenInput: It has no names, or not for each number from 0.
    """
    found: dict[int, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if (start := re.fullmatch(r"names\s*:\s*(.*)", line)) is None:
            continue
        if inline := re.fullmatch(r"\[(.*)\]\s*(?:#.*)?", start[1].strip()):
            found = dict(enumerate(_bare(part) for part in inline[1].split(",")))
            break
        for entry in lines:
            if not entry.strip() or entry.lstrip().startswith("#"):
                continue
            if listed := re.fullmatch(r"\s*-\s+(.*)", entry):
                found[len(found)] = _bare(listed[1])
            elif numbered := re.fullmatch(r"\s+(\d{1,6})\s*:\s*(.*)", entry):
                found[int(numbered[1])] = _bare(numbered[2])
            else:
                break
        break
    if not found or sorted(found) != list(range(len(found))):
        raise BrokenInput(where, "has no names for the numbers from 0", "Name the classes with --classes")
    return [found[k] for k in range(len(found))]


def read_yolo_list(text: str, *, where: object) -> list[str]:
    """The names in a `classes.txt`, as Label Studio writes it: one a line, from number 0.

    Raises:
        BrokenInput: A line is empty, or there is none.
    """
    names = [line.strip() for line in text.rstrip().splitlines()]
    if not all(names) or not names:
        raise BrokenInput(where, "has no name in some line", "Name the classes with --classes")
    return names


def _bare(text: str) -> str:
    """A text of YAML without its quotes."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text.partition(" #")[0].strip()
