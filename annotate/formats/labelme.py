"""Labelme JSON <-> Annotation. Labelme is never imported."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..shapes import Annotation, Point, Shape
from ..system.canonical import canonical_json
from ..wording import quoted
from .drawing import Drawing
from .labelme_holes import cut_in_moved_parts, is_unnamed, with_holes
from .labelme_image import find_image, image_name
from .labelme_outlines import TANGLED, outlines, ring_oddity
from .labelme_reading import LabelmeFile, LabelmeShape, parse_labelme, read_labelme
from .lost import LOST_KEY, lost_labels

__all__ = [
    "LABELME_VERSION",
    "LabelmeFile",
    "LabelmeShape",
    "annotation_to_labelme",
    "drawing_of",
    "drawn_json",
    "find_image",
    "image_name",
    "labelme_to_annotation",
    "labelme_to_drawing",
    "parse_labelme",
    "read_labelme",
    "without_labels",
]

LABELME_VERSION = "6.3.1"
"""Files are written in the format of this version, whose loader reads them in the tests."""

_RESERVED = ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")


def labelme_to_drawing(file: LabelmeFile, *, resolve: Callable[[str], int | None], height: int, width: int) -> Drawing:
    """Make a Labelme file's shapes outlines.

    Outlines that cross themselves or reach past the frame are kept as they are. Rectangles, circles and masks become
    polygons.

    Args:
        file: As read; `without_labels` takes the shapes out that are none of ours.
        resolve: A label's class id, None where it is no class.
        height: Rows of the frame.
        width: Columns of the frame.
    """
    read = with_holes(file, is_class=lambda label: resolve(label) is not None)
    notes = [note for note in read.notes if note not in file.notes]
    file = read
    shapes: list[Shape] = []
    told = {None if label is None else resolve(label) for label in (*file.without_area, *lost_labels(file.extra))}
    unread: set[int | None] = set()
    for label in file.without_area_aside.lost:
        foreign = label is not None and _is_foreign(label, resolve)
        (told if foreign else unread).add(None if label is None else resolve(label))
    slips: set[int] = set()
    moved: dict[tuple[int, int | None], set[int | None]] = defaultdict(set)
    # Each part with holes of a drawn mask needs a group that no other shape has.
    free_group = max((s.group_id for s in file.shapes if s.group_id is not None), default=0) + 1
    for drawn in file.shapes:
        class_id = resolve(drawn.label)
        if class_id is None:
            notes.append(f"label {quoted(drawn.label)} is no class (left out)")
            (unread if is_unnamed(drawn.label) else told).add(None)
            continue
        try:
            rings = outlines(drawn)
        except ValueError as error:
            notes.append(f"{error} (left out)")
            unread.add(class_id)
            continue
        groups: dict[int | None, int | None] = {None: drawn.group_id}
        for ring in rings:
            if ring.part not in groups:
                groups[ring.part] = free_group
                free_group += 1
            oddity, good = ring_oddity(ring.points, height=height, width=width)
            if oddity is not None:
                notes.append(oddity)
            if good:
                shapes.append(Shape(class_id, ring.points, hole=drawn.hole != ring.hole, group=groups[ring.part]))
            elif oddity == TANGLED:
                unread.add(class_id)  # something was meant, and nobody can tell what
            else:
                slips.add(class_id)
        if not drawn.hole:
            moved[class_id, drawn.group_id] |= {group for group in groups.values() if group != drawn.group_id}
    lost = unread | told
    return Drawing(
        cut_in_moved_parts(shapes, moved),
        frozenset(lost | slips),
        tuple(dict.fromkeys(notes)),
        slips=frozenset(slips - lost),
        told=frozenset(told - unread),
    ).on(height=height, width=width)


def _is_foreign(label: str, resolve: Callable[[str], int | None]) -> bool:
    """Whether a label is a name, and of none of our classes."""
    return resolve(label) is None and not is_unnamed(label)


def labelme_to_annotation(
    file: LabelmeFile, *, resolve: Callable[[str], int | None], height: int, width: int, covered: Iterable[int] = ()
) -> tuple[Annotation, tuple[str, ...]]:
    """Make a Labelme file's shapes an annotation; see `labelme_to_drawing`.

    Args:
        file: As read.
        resolve: A label's class id, None where it is no class.
        height: Rows of the frame.
        width: Columns of the frame.
        covered: The classes that somebody says are complete, beside those drawn; see `Drawing.covered`.

    Returns:
        The annotation, and what is odd about it, a short phrase each.
    """
    drawing = labelme_to_drawing(file, resolve=resolve, height=height, width=width)
    return drawing.annotation(height=height, width=width, asserted=covered), drawing.notes


SHAPES_IGNORED: Final = "shapes with ignored labels left out"


def without_labels(file: LabelmeFile, ignored: Callable[[str], bool]) -> LabelmeFile:
    """The file without the shapes whose labels are ignored; they are none of ours, so nothing is lost with them."""
    extra = dict(file.extra)
    if LOST_KEY in extra:
        extra[LOST_KEY] = [label for label in lost_labels(extra) if label is None or not ignored(label)]
    return replace(
        file,
        extra=extra,
        shapes=tuple(shape for shape in file.shapes if not ignored(shape.label)),
        lost=tuple(label for label in file.lost if label is None or not ignored(label)),
        without_area=tuple(label for label in file.without_area if label is None or not ignored(label)),
    )


def drawn_json(file: LabelmeFile, *, is_class: Callable[[str], bool]) -> bytes:
    """The drawing in a Labelme file as it came in: label, type, points, group, hole, pixels of a mask.

    Paths, embedded images, descriptions and unknown keys are left out, because they may hold a patient's name.
    """
    unknown: dict[str, int] = {}
    for shape in file.shapes:
        if not is_class(shape.label):
            unknown.setdefault(shape.label, len(unknown) + 1)
    drawn = [
        {
            "label": shape.label if is_class(shape.label) else f"unknown {unknown[shape.label]}",
            "shape_type": shape.shape_type,
            "points": [list(point) for point in shape.points],
            "group_id": shape.group_id if is_class(shape.label) else None,
            "hole": shape.hole,
            "mask": shape.extra.get("mask"),
        }
        for shape in file.shapes
    ]
    return canonical_json(drawn).encode("utf-8", errors="backslashreplace")


def drawing_of(shapes: Iterable[tuple[str, Sequence[Point], int | None, bool]]) -> str:
    """A hash of the shapes, each `(label, points, group, hole)`. It shows later whether a file was edited."""
    drawn = [[label, [list(point) for point in points], group, hole] for label, points, group, hole in shapes]
    return hashlib.sha256(json.dumps(drawn).encode("ascii")).hexdigest()


def annotation_to_labelme(
    annotation: Annotation,
    *,
    names: Mapping[int, str],
    image_path: str,
    flags: Mapping[str, bool] | None = None,
    shape_flags: Sequence[Mapping[str, bool]] = (),
    descriptions: Sequence[str] = (),
    shape_extras: Sequence[Mapping[str, Any]] = (),
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """Write an annotation in the format of Labelme 6.3.1: UTF-8 JSON, one line per shape, the same bytes every time.

    A hole is a polygon with the flag `hole`, joined to its structure by `group_id`.

    Args:
        annotation: The annotation to write. Labelme's format has no place for `covered`; use `extra` if it matters.
        names: The label of each class id.
        image_path: Path of the image, relative to the file's folder, POSIX.
        flags: Flags of the whole image, which Labelme shows as boxes to tick.
        shape_flags: One mapping for each shape, or none at all.
        descriptions: One text for each shape, or none at all.
        shape_extras: Further keys of each shape, or none at all; those of Labelme's own are left out.
        extra: Further keys of the file. Labelme keeps them.

    Raises:
        ValueError: A class has no name, `extra` has a key of Labelme's, or a list does not have one entry per shape.
    """
    if clash := set(extra or {}) & set(_RESERVED):
        raise ValueError(f"keys of Labelme's own: {sorted(clash)}")
    for given in (shape_flags, descriptions, shape_extras):
        if given and len(given) != len(annotation.shapes):
            raise ValueError(f"{len(given)} entries for {len(annotation.shapes)} shapes")
    lines = []
    for place, shape in enumerate(annotation.shapes):
        if shape.class_id not in names:
            raise ValueError(f"class id {shape.class_id} has no name")
        own = shape_flags[place] if shape_flags else {}
        description = descriptions[place] if descriptions else ""
        entry = _entry(shape, names[shape.class_id], flags=own, description=description)
        own_extra = shape_extras[place] if shape_extras else {}
        lines.append(f"    {_dump({**own_extra, **entry})}")
    content: dict[str, Any] = {
        "version": LABELME_VERSION,
        "flags": dict(flags or {}),
        "shapes": lines,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": annotation.height,
        "imageWidth": annotation.width,
        **(extra or {}),
    }
    parts = []
    for key, value in content.items():
        text = "[\n" + ",\n".join(lines) + "\n  ]" if key == "shapes" and lines else _dump(value)
        parts.append(f"  {_dump(key)}: {text}")
    # A file name that is not Unicode has lone surrogates in Python. JSON escapes them in the same spelling.
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("utf-8", errors="backslashreplace")


def _entry(shape: Shape, label: str, *, flags: Mapping[str, bool], description: str) -> dict[str, Any]:
    """A shape as an entry of the file."""
    own = {name: flag for name, flag in flags.items() if name != "hole"}
    return {
        "label": label,
        "points": [[float(x), float(y)] for x, y in shape.points],
        "group_id": shape.group,
        "description": description,
        "shape_type": "polygon",
        "flags": own | ({"hole": True} if shape.hole else {}),
        "mask": None,
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
