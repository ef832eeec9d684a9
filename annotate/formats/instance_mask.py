"""Instance masks: a PNG of 16 bits whose values number the instances, and a table of their classes beside it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import BrokenInput
from ..geometry.parts import instances
from ..geometry.raster import polygons_to_mask
from ..geometry.trace import mask_to_shapes
from ..scans.images import MOST_PIXELS
from ..shapes import Shape
from ..system.quiet import quietly
from ..wording import counted
from .drawing import Drawing
from .index_mask import check_upright
from .labelme_holes import is_unnamed
from .lost import lost_entry, lost_labels
from .strict_json import unique_keys

TABLE_ENDING: Final = ".instances.json"
TITLE: Final = "dmr instances"  # tells later that it may be replaced
_MOST: Final = 65_535
_MOST_OF_A_BYTE: Final = 255


def shapes_to_instances(
    shapes: Sequence[Shape], *, order: Sequence[int], height: int, width: int
) -> tuple[NDArray[np.uint16], list[int], int]:
    """Number the instances of a frame, those of higher classes over lower ones.

    Args:
        shapes: Outlines and holes.
        order: Class ids from the lowest to the highest; shapes of other classes are left out.
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        `(height, width)` uint16 with 0 for background, the class id of each instance from 1, and how many pixels are
        hidden under another instance.

    Raises:
        ValueError: There are more instances than 16 bits hold.
    """
    places = {class_id: place for place, class_id in enumerate(order)}
    found = sorted((i for i in instances(shapes) if i[0] in places), key=lambda i: places[i[0]])
    if len(found) > _MOST:
        raise ValueError(f"{len(found)} instances")
    numbers = np.zeros((height, width), np.uint16)
    painted = 0
    for number, (_, parts) in enumerate(found, 1):
        mask = polygons_to_mask(parts, height=height, width=width)
        painted += int(np.count_nonzero(mask))
        numbers[mask] = number
    return numbers, [class_id for class_id, _ in found], painted - int(np.count_nonzero(numbers))


def instance_png(numbers: NDArray[np.uint16]) -> bytes:
    """The PNG of instance numbers."""
    out, info = io.BytesIO(), PngInfo()
    info.add_text("Title", TITLE)
    Image.fromarray(numbers).save(out, format="PNG", pnginfo=info)
    return out.getvalue()


def instance_table(class_ids: Sequence[int], *, names: Mapping[int, str], lost: frozenset[int | None]) -> bytes:
    """The table beside the PNG: the class of each number, and what was left out."""
    rows = [{"number": number, "class": names[class_id]} for number, class_id in enumerate(class_ids, 1)]
    content = {"instances": rows, **lost_entry(lost, names)}
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8", errors="backslashreplace")


def read_instance_png(data: bytes, *, where: object) -> NDArray[np.uint16]:
    """The instance numbers of a PNG.

    Raises:
        BrokenInput: It is no grey PNG of 8 or 16 bits, is damaged, turned or too large.
    """
    try:
        with quietly(Image.DecompressionBombWarning), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError
            values = np.asarray(image)
            check_upright(image, where=where)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenInput(where, "is no PNG, is damaged or too large", "Export the instances anew") from error
    if values.ndim != 2 or values.dtype.kind not in "biu" or values.max(initial=0) > _MOST or values.min(initial=0) < 0:
        raise BrokenInput(where, "is no grey PNG of 8 or 16 bits", "Export the instances anew")
    return values.astype(np.uint16)


def has_few_values(data: bytes, *, most: int) -> bool:
    """Whether a PNG holds instance numbers: it is grey and of 16 bits, or has few values."""
    try:
        numbers = read_instance_png(data, where="")
    except BrokenInput:
        return False
    return numbers.max(initial=0) > _MOST_OF_A_BYTE or len(np.unique(numbers)) <= most


def read_instance_table(data: bytes, *, where: object) -> tuple[dict[int, str], tuple[str | None, ...], int]:
    """The label of each instance number, the labels that it says lost something, and how many rows cannot be read.

    Raises:
        BrokenInput: It is no table of instances.
    """
    try:
        content: Any = json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise BrokenInput(
            where, "is no JSON in UTF-8, or a key stands twice in it", "Export the instances anew"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("instances"), list):
        raise BrokenInput(where, "has no list 'instances'", "Export the instances anew")
    found: dict[int, str] = {}
    unread = 0
    for row in content["instances"]:
        number, label = (row.get("number"), row.get("class")) if isinstance(row, dict) else (None, None)
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(label, str) or number in found:
            unread += 1
        else:
            found[number] = label
    return found, lost_labels(content), unread


def instances_to_drawing(
    numbers: NDArray[np.uint16],
    labels: Mapping[int, str],
    *,
    resolve: Callable[[str], int | None],
    told: frozenset[int | None] = frozenset(),
    unread_rows: int = 0,
) -> Drawing:
    """Trace each instance exactly; each with several parts or holes is a group of its own.

    Args:
        numbers: `(height, width)`, 0 for background.
        labels: The label of each number.
        resolve: A label's class id, None where it is not wanted.
        told: The classes of which the table says that they are not complete.
        unread_rows: How many rows of the table cannot be read.
    """
    shapes: list[Shape] = []
    notes = [f"{counted(unread_rows, 'rows')} of its table cannot be read (left out)"] if unread_rows else []
    unread: set[int | None] = {None} if unread_rows else set()
    group = 1
    present = set(np.unique(numbers[numbers > 0]).tolist())
    for number in sorted(present):
        if number not in labels:
            notes.append(f"instance {number} has no class (left out)")
            unread.add(None)
            continue
        if (class_id := resolve(labels[number])) is None:
            if is_unnamed(labels[number]):
                notes.append(f"instance {number} has a class without a name (left out)")
                unread.add(None)
            continue
        parts = mask_to_shapes(numbers == number, class_id=class_id, first_group=group)
        if len(parts) > 1 and not any(s.hole for s in parts):
            parts = tuple(Shape(class_id, s.points, group=group) for s in parts)
        group = max([group, *((s.group or 0) + 1 for s in parts)])
        shapes += parts
    for label in dict.fromkeys(label for number, label in labels.items() if number not in present):
        # Another instance hides it, or its pixels were lost: it was drawn.
        if (class_id := resolve(label)) is not None or is_unnamed(label):
            notes.append("an instance of its table has no pixel")
            told |= {class_id}
    return Drawing(tuple(shapes), frozenset(unread | told), tuple(notes), told=told - unread)
