"""A COCO data set read into drawings: whatever one entry holds, the others go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import BrokenInput
from ..geometry.crossings import MOST_CROSSINGS, crosses_too_often
from ..geometry.trace import mask_to_shapes
from ..shapes import Annotation, Shape
from ..wording import counted, id_of_file
from .coco_entries import FARTHEST, Categories, Images, SizeOf, entry_id
from .coco_rle import rle_to_mask
from .drawing import Drawing

_SHOWN: Final = 5  # images named in an error


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        name: `file_name`, as written there.
        height: Rows.
        width: Columns.
        drawing: What is drawn on it; class ids are those of `CocoData.names`.
        key: Its id in the file.
    """

    name: str
    height: int
    width: int
    drawing: Drawing
    key: Hashable = None

    @property
    def annotation(self) -> Annotation:
        """What is drawn on it; it covers what is drawn and lost nothing."""
        return self.drawing.annotation(height=self.height, width=self.width)

    @property
    def notes(self) -> tuple[str, ...]:
        """Oddities, a short phrase each."""
        return self.drawing.notes


@dataclass(frozen=True, slots=True)
class CocoData:
    """A COCO data set as far as it was understood.

    Attributes:
        names: The categories, numbered from 1 as they are listed: COCO's own ids may be any numbers. Two spellings of
            a label are one.
        images: Those that can be used, in the order of the file.
        failures: What stands in the file and could not be taken: an entry without an id, an id that comes twice.
        notes: Oddities of the whole file, a short phrase each.
        refused: The names of images that cannot be used.
    """

    names: dict[int, str]
    images: list[CocoImage]
    failures: list[BrokenInput] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def _nowhere(*_: object) -> None:
    return None


def from_coco(data: Any, *, where: object, size_of: SizeOf = _nowhere) -> CocoData:
    """The images of a COCO data set with what is drawn on them.

    Args:
        data: The parsed JSON.
        where: What to call the file in an error.
        size_of: Gives the size of an image where the file does not say it.

    Raises:
        BrokenInput: It is no COCO data set.
    """
    if not isinstance(data, dict) or not all(isinstance(data.get(k), list) for k in ("images", "annotations")):
        raise BrokenInput(where, "is no COCO data set", "Give the file that holds images, annotations and categories")
    failures: list[BrokenInput] = []
    categories = Categories.read(data.get("categories"), where, failures)
    images = Images.read(data["images"], where, failures, categories, size_of)
    drawn: dict[Hashable, list[_Entry]] = defaultdict(list)
    notes: dict[str, None] = {}
    unlisted: list[Hashable] = []
    everywhere: set[int | None] = set()  # lost, and nobody can tell on which image
    for place, item in enumerate(data["annotations"], 1):
        entry = _Entry.of(place, item)
        image = entry_id(entry.content.get("image_id"))
        if image is None:
            notes[f"{entry.name} names no image (left out)"] = None
            everywhere |= categories.meant(entry_id(entry.content.get("category_id")))
        elif image in images.sizes:
            drawn[image].append(entry)
        elif image not in images.unusable:
            unlisted.append(image)
            everywhere |= categories.meant(entry_id(entry.content.get("category_id")))
    if unlisted:
        shown = ", ".join(f"image {id_of_file(image)}" for image in dict.fromkeys(unlisted[:_SHOWN]))
        what = f"has {counted(len(unlisted), 'annotations')} on images that are not listed: {shown}"
        failures.append(BrokenInput(where, what, "List these images, or take the annotations out"))
    found = []
    for key, (name, height, width) in images.sizes.items():
        drawing = _drawing(drawn[key], categories, height=height, width=width)
        unread = drawing.lost | everywhere | images.lost[key]
        told = images.told[key] - unread
        odd = ("height and width are no whole numbers (those of the image are taken)",) if key in images.guessed else ()
        drawing = Drawing(drawing.shapes, unread | told, (*odd, *drawing.notes), told=told)
        found.append(CocoImage(name, height, width, drawing, key))
    return CocoData(categories.names, found, failures, tuple(notes), tuple(images.refused))


@dataclass(frozen=True, slots=True)
class _Entry:
    """An annotation of the file: what to call it, and its keys."""

    name: str
    content: Mapping[str, Any]

    @classmethod
    def of(cls, place: int, item: object) -> _Entry:
        content = item if isinstance(item, dict) else {}
        own = entry_id(content.get("id"))
        return cls(f"annotation {place} of the file" if own is None else f"annotation {id_of_file(own)}", content)


def _drawing(entries: Sequence[_Entry], categories: Categories, *, height: int, width: int) -> Drawing:
    """What the annotations of one image draw."""
    shapes: list[Shape] = []
    lost: set[int | None] = set()
    notes: dict[str, None] = {}
    group = 1
    for entry in entries:
        key = entry_id(entry.content.get("category_id"))
        number = categories.numbers.get(key)
        lost |= categories.doubtful.get(key, set())
        if number is None:
            lost.add(None)
            if key is None:
                notes[f"{entry.name} has no category (left out)"] = None
            elif key in categories.numbers:
                notes["label '' is no class (left out)"] = None
            else:
                notes[f"{entry.name} is of category {id_of_file(key)}, which is not listed (left out)"] = None
            continue
        parts: list[Shape] = []
        for part, why in _parts(entry.content.get("segmentation"), number, group, height=height, width=width):
            if why is not None:
                lost.add(number)
                notes[f"{entry.name} has {why} (left out)"] = None
            parts += part
        if len(parts) > 1 and not any(s.hole for s in parts):
            parts = [Shape(number, s.points, group=group) for s in parts]
        elif len(parts) == 1:
            parts = [Shape(number, parts[0].points)]
        group = max([group, *((s.group or 0) + 1 for s in parts)])
        shapes += parts
    return Drawing(tuple(shapes), frozenset(lost), tuple(notes))


def _parts(
    segmentation: object, number: int, group: int, *, height: int, width: int
) -> Iterator[tuple[Sequence[Shape], str | None]]:
    """The outlines of an annotation a piece at a time, or what is wrong with a piece."""
    if isinstance(segmentation, dict):
        try:
            mask = rle_to_mask(segmentation)
        except ValueError as error:
            yield (), str(error)
            return
        if mask.shape != (height, width):
            yield (), "run lengths of another size"
        elif not mask.any():
            yield (), "run lengths without a pixel"
        else:
            yield mask_to_shapes(mask, class_id=number, first_group=group), None
        return
    if not isinstance(segmentation, list) or not segmentation:
        yield (), "no segmentation"
        return
    # Some programs write one ring as it is, without the list around it.
    rings = [segmentation] if all(isinstance(n, int | float) for n in segmentation) else segmentation
    for ring in rings:
        points, why = _ring(ring)
        yield ([Shape(number, points)] if why is None else ()), why


def _ring(numbers: object) -> tuple[tuple[tuple[float, float], ...], str | None]:
    """A ring's points, or what is wrong with it."""
    if not isinstance(numbers, list):
        return (), "an outline that is no list of numbers"
    # Some programs write pairs.
    if numbers and all(isinstance(n, list) and len(n) == 2 for n in numbers):
        numbers = [value for pair in numbers for value in pair]
    for value in numbers:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not abs(value) <= FARTHEST:  # NaN is not
            return (), "an outline with a coordinate that is no number below a million"
    if len(numbers) < 6 or len(numbers) % 2:
        return (), f"an outline of {counted(len(numbers), 'numbers')}"
    xy = [float(n) for n in numbers]
    points = tuple(zip(xy[0::2], xy[1::2], strict=True))
    if points[0] == points[-1]:
        points = points[:-1]  # closed twice
    if len(set(points)) < 3:
        return (), f"an outline of {counted(len(set(points)), 'different points')}"
    if crosses_too_often(points):
        return (), f"an outline that crosses itself more than {MOST_CROSSINGS} times"
    return points, None
