"""COCO's annotations <-> dmr's annotations. Pure.

Format: https://cocodataset.org/#format-data. A run-length encoding (RLE) goes down the columns, and its first run is of
zeros. As text, its runs are differences in groups of five bits (pycocotools' maskApi). COCO's polygons cannot have
holes, so an instance with holes is written as run lengths, and any other as outlines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenInput
from ..geometry.raster import polygons_to_mask
from ..geometry.trace import mask_to_shapes
from ..shapes import Annotation, Shape
from ..wording import counted

_MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        name: The `file_name` in the COCO file.
        annotation: The outlines. Class ids are COCO's category ids, and the drawn classes are covered.
        notes: Oddities, a short phrase each.
    """

    name: str
    annotation: Annotation
    notes: tuple[str, ...] = ()


def to_coco(frames: Iterable[tuple[str, Annotation]], names: Mapping[int, str], *, rle: bool = False) -> dict[str, Any]:
    """A COCO data set of annotated frames.

    Shapes of one class and group are one instance. Image and annotation ids count from 1.

    Args:
        frames: File names of the images, and their annotations.
        names: Category names by class id.
        rle: Write every instance as run lengths: exact, with the same pixels in any program.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, annotation) in enumerate(frames, 1):
        size = {"height": annotation.height, "width": annotation.width}
        images.append({"id": image_id, "file_name": name, **size})
        for class_id, parts in _instances(annotation.shapes):
            mask = polygons_to_mask(parts, **size)
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1] if len(rows) else [0] * 4
            whole = rle or any(s.hole for s in parts)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": class_id,
                    "segmentation": mask_to_rle(mask) if whole else [[c for xy in s.points for c in xy] for s in parts],
                    "area": int(mask.sum()),
                    "bbox": [int(v) for v in box],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": name} for i, name in sorted(names.items())]
    return {"images": images, "annotations": annotations, "categories": categories}


def from_coco(data: Any, *, where: object) -> tuple[dict[int, str], list[CocoImage]]:
    """Category names by id, and the images of a COCO data set with their annotations.

    Args:
        data: The parsed JSON.
        where: What to call the file in an error.

    Raises:
        BrokenInput: It is no COCO data set.
    """
    remedy = "Give the file that holds images, annotations and categories"
    if not isinstance(data, dict) or not all(isinstance(data.get(k), list) for k in ("images", "annotations")):
        raise BrokenInput(where, "is no COCO data set", remedy)
    try:
        names = {int(c["id"]): str(c["name"]) for c in data.get("categories") or []}
        images = {int(i["id"]): (str(i["file_name"]), int(i["height"]), int(i["width"])) for i in data["images"]}
        drawn: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for annotation in data["annotations"]:
            drawn[int(annotation["image_id"])].append(annotation)
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenInput(where, f"lacks {error} of an entry, or it is no number", remedy) from error
    if stray := sorted(set(drawn) - set(images)):
        raise BrokenInput(where, f"annotates image {stray[0]}, which it does not list", remedy)
    return names, [
        _image(name, height, width, drawn[k], names, where=where) for k, (name, height, width) in images.items()
    ]


def _image(
    name: str, height: int, width: int, drawn: Sequence[Mapping[str, Any]], names: Mapping[int, str], *, where: object
) -> CocoImage:
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise BrokenInput(where, f"says that {name} has {width} x {height} pixels", "Correct its height and width")
    shapes: list[Shape] = []
    notes: dict[str, None] = {}
    group = 1
    for entry in drawn:
        try:
            class_id = int(entry["category_id"])
            if class_id not in names or not 1 <= class_id <= 254:
                notes[f"category {class_id} is not listed, or is not 1 to 254 (left out)"] = None
                continue
            segmentation = entry.get("segmentation")
            if isinstance(segmentation, dict):
                mask = rle_to_mask(segmentation)
                if mask.shape != (height, width):
                    raise ValueError("its run lengths are of another size")
                parts = mask_to_shapes(mask, class_id=class_id, first_group=group)
            else:
                parts = tuple(_outlines(segmentation, class_id, group))
            if len(parts) > 1 and not any(s.hole for s in parts):
                parts = tuple(Shape(class_id, s.points, group=group) for s in parts)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            notes[f"annotation {entry.get('id')} cannot be read: {error} (left out)"] = None
            continue
        group = max([group, *((s.group or 0) + 1 for s in parts)])
        shapes += parts
    covered = frozenset(s.class_id for s in shapes)
    return CocoImage(name, Annotation(height, width, tuple(shapes), covered), tuple(notes))


def _outlines(segmentation: Any, class_id: int, group: int) -> Iterable[Shape]:
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError("it has no segmentation")
    for numbers in segmentation:
        if len(numbers) < 6 or len(numbers) % 2:
            raise ValueError(f"an outline of {counted(len(numbers), 'numbers')}")
        xy = [float(n) for n in numbers]
        points = tuple(zip(xy[0::2], xy[1::2], strict=True))
        yield Shape(class_id, points, group=group if len(segmentation) > 1 else None)


def _instances(shapes: Sequence[Shape]) -> Iterable[tuple[int, list[Shape]]]:
    found: dict[tuple[int, int | None, int], list[Shape]] = {}
    for k, shape in enumerate(shapes):
        found.setdefault((shape.class_id, shape.group, k if shape.group is None else -1), []).append(shape)
    return [(class_id, parts) for (class_id, _, _), parts in found.items() if not all(s.hole for s in parts)]


def mask_to_rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask as COCO's compressed run lengths: `{"size": [height, width], "counts": text}`."""
    flat = np.asarray(mask, np.bool_).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]]).astype(np.int64)
    counts = np.diff(edges).tolist()
    if flat.size and flat[0]:
        counts.insert(0, 0)
    text = []
    for k, count in enumerate(counts):
        left = count - counts[k - 2] if k > 2 else count
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5
            more = left != -1 if bits & 0x10 else left != 0
            text.append(chr(48 + (bits | 0x20 if more else bits)))
    return {"size": [int(n) for n in mask.shape], "counts": "".join(text)}


def rle_to_mask(rle: Mapping[str, Any]) -> NDArray[np.bool_]:
    """A mask from COCO's run lengths, compressed or not: `(height, width)` bool.

    Raises:
        ValueError: The run lengths are damaged.
    """
    height, width = (int(n) for n in rle["size"])
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise ValueError("run lengths of no size")
    counts = rle["counts"]
    runs = [int(n) for n in counts] if isinstance(counts, list) else _unpacked(str(counts))
    if any(n < 0 for n in runs) or sum(runs) != height * width:
        raise ValueError("run lengths that do not fill the image")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape((height, width), order="F"))


def _unpacked(text: str) -> list[int]:
    runs: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place == len(text):
                raise ValueError("run lengths that are cut off")
            bits = ord(text[place]) - 48
            if not 0 <= bits < 64:
                raise ValueError("run lengths with other characters")
            value |= (bits & 0x1F) << shift
            more, place, shift = bool(bits & 0x20), place + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
