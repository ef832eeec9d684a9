"""YOLO's outlines <-> shapes: a text file a frame, a line an outline, `class x y x y ...` in parts of the image.

Format: https://docs.ultralytics.com/datasets/segment/. Classes count from 0 in the order of `names` in `data.yaml`. A
line is one ring: holes, and with other programs all parts of a structure, are joined to their outline by a seam.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from ..errors import BrokenInput
from ..geometry.crossings import MOST_CROSSINGS, crosses_too_often
from ..geometry.parts import corners, outlines_with_holes
from ..geometry.seam import join_holes, seam_to_shapes
from ..shapes import Point, Ring, Shape
from ..wording import counted, quoted
from .drawing import Drawing

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
            inner = [corners(ring) for ring in part.interiors]
            found.append(join_holes(corners(part.exterior), inner) if inner else corners(part.exterior))
    return found


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
        BrokenInput: It has no names, not for each number from 0, or in a spelling of YAML that is not read here.
    """
    lines = _lines(text, where)
    starts = [k for k, line in enumerate(lines) if re.match(r"names\s*:", line)]
    if len(starts) > 1:
        raise BrokenInput(where, "has names twice", "Keep one list of names")
    found: dict[int, str] = {}
    for start in starts:
        inline = lines[start].partition(":")[2].strip()
        if inline and not inline.startswith("#"):
            found = dict(enumerate(_listed(inline, where)))
        else:
            found = _block(lines[start + 1 :], where)
    if not found or sorted(found) != list(range(len(found))):
        raise BrokenInput(where, "has no names for the numbers from 0", "Give each number a name, as 0: nerve")
    return [found[k] for k in range(len(found))]


def _block(lines: Sequence[str], where: object) -> dict[int, str]:
    """The names below `names:`, by number. Raises BrokenInput."""
    found: dict[int, str] = {}
    dashes = set()
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        listed = re.fullmatch(r"\s*-(?:\s+(.*))?", line)
        numbered = re.fullmatch(r"\s+(0|[1-9]\d{0,5})\s*:(?:\s+(.*))?", line)
        entry = listed or numbered
        if entry is None:
            if line[0].isspace():
                raise _odd(line, where)
            break
        number = len(found) if numbered is None else int(numbered[1])
        dashes.add(numbered is None)
        if number in found or len(dashes) > 1:
            raise _odd(line, where)
        found[number] = _bare(entry[entry.re.groups] or "", line, where)
    return found


def read_yolo_list(text: str, *, where: object) -> list[str]:
    """The names in a `classes.txt`, as Label Studio writes it: one a line, from number 0.

    Raises:
        BrokenInput: A line is empty, there is none, or it is no text in UTF-8.
    """
    names = [line.strip() for line in _lines(text.rstrip(), where)]
    if not all(names) or not names:
        raise BrokenInput(where, "has no name in some line", "Give each line a name")
    return names


def _lines(text: str, where: object) -> list[str]:
    """The lines of a text. Raises BrokenInput where it holds what no text in UTF-8 holds."""
    lines = text.replace("\r\n", "\n").split("\n")
    if "\ufffd" in text or not all(line.replace("\t", " ").isprintable() for line in lines):
        raise BrokenInput(where, "is no text in UTF-8, or holds characters that cannot be printed", "Save it as UTF-8")
    return lines


_DOUBLE: Final = r'"(?:[^"\\]|\\.)*"'
_SINGLE: Final = r"'(?:[^']|'')*'"
_START: Final = r"[^\s\[\]{},&*!|>%@`\"'#]"
_COMMENT: Final = r"\s*(?:(?<=\s)#.*)?"
_SCALAR: Final = re.compile(rf"({_DOUBLE}|{_SINGLE}|{_START}.*?|){_COMMENT}")
_ITEM: Final = re.compile(rf"\s*({_DOUBLE}|{_SINGLE}|{_START}[^\[\]{{}},]*?)\s*([,\]])")


def _listed(text: str, where: object) -> list[str]:
    """The names of a list in brackets. Raises BrokenInput where YAML may read it otherwise."""
    found = []
    place, ends = 1, text[:1] == "[" and re.match(r"\s*\]", text[1:]) is None
    while ends:
        item = _ITEM.match(text, place)
        if item is None or (" #" in item[1] and item[1][0] not in "\"'"):
            raise _odd(text, where)
        found.append(_bare(item[1], text, where))
        place = item.end()
        ends = item[2] == "," and re.match(r"\s*\]", text[place:]) is None
    if text[:1] != "[" or not re.fullmatch(rf"\s*\]?{_COMMENT}", text[place:]):
        raise _odd(text, where)
    return found


def _bare(text: str, line: str, where: object) -> str:
    """A text of YAML without its quotes and its comment. Raises BrokenInput where YAML may read it otherwise."""
    found = _SCALAR.fullmatch(text.strip())
    name = "" if found is None else found[1].strip()
    try:
        if name.startswith('"'):
            return str(json.loads(name))
    except ValueError:
        found = None
    if name.startswith("'"):
        return name[1:-1].replace("''", "'")
    if found is None or re.search(r":(?:\s|$)|^[-?](?:\s|$)", name):
        raise _odd(line, where)
    return name


def _odd(line: str, where: object) -> BrokenInput:
    what = f"has names in a spelling that dmr does not read: {quoted(line.strip())}"
    return BrokenInput(where, what, 'Write a name a line, as 0: "nerve"')
