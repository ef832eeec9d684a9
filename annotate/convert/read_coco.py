"""A COCO data set as frames, as `to_labelme` takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from ..errors import BrokenInput
from ..formats.coco_reading import CocoImage, from_coco
from ..formats.drawing import Drawing
from ..formats.image_agreement import agreed_size
from ..formats.strict_json import unique_keys
from ..hiding import seen_labels
from ..scans.images import IMAGE_SUFFIXES
from ..wording import quoted
from .files import Images, as_file, check_name, stem_of, with_ending
from .foreign import Foreign, Reading
from .names import IndexNames, check_known
from .ours import MOST_BYTES


def read_coco(reading: Reading) -> tuple[IndexNames, Iterator[Foreign]]:
    """The categories and images of a COCO data set.

    Raises:
        BrokenInput: It is no COCO data set.
        UsageError: `--classes` names none of the categories.
    """
    beside = Images([reading.src.parent])

    def size_of(name: str, said: tuple[int | None, int | None]) -> tuple[int, int] | None:
        place = _inside(name)
        stem, there = stem_of(place), with_ending(place, "").as_posix()
        image = reading.folder.named(stem, place=there) or beside.named(stem, place=there)
        return None if image is None else agreed_size(said, image, where=name)

    data = from_coco(parsed(reading.src), where=reading.src, size_of=size_of)
    for failure in data.failures:
        reading.report.fail(failure)
    for place in map(_inside, data.refused):
        if place.name:
            reading.refused.add(as_file(with_ending(place, "").as_posix()))
    for note in data.notes:
        reading.report.note(note, reading.src.name)
    seen_labels(data.names.values())
    if reading.classes is None:
        names, images = IndexNames(tuple(data.names.values()) or None), data.images
    else:
        names = IndexNames(reading.classes)
        images = _renamed(data.names, data.images, names)

    def frames() -> Iterator[Foreign]:
        for number, image in enumerate(images, 1):
            try:
                place = _place(image.name, f"image {number}")
            except BrokenInput as error:
                reading.report.fail(error)
                continue
            try:
                if (picture := _beside(reading.src.parent, image.name)) is not None:
                    agreed_size((image.height, image.width), picture, where=place.as_posix())
                called = f"image {number}, {quoted(image.name)}"
                yield Foreign(place.as_posix(), image.drawing, image.height, image.width, reading.src, called)
            except BrokenInput as error:
                reading.refuse(place.as_posix(), error)

    return names, frames()


def _beside(folder: Path, name: str) -> Path | None:
    """An image of a name beside the data set: as the data set calls it, or the only one with another ending."""
    own = folder / _inside(name)
    if own.suffix.lower() in IMAGE_SUFFIXES and own.is_file():
        return own
    found = [path for ending in sorted(IMAGE_SUFFIXES) if (path := with_ending(own, ending)).is_file()]
    return found[0] if len(found) == 1 else None


def _place(name: str, what: str) -> Path:
    """Where the Labelme file of an image lies, without an ending. Raises BrokenInput where its name can be none."""
    place = _inside(name)
    check_name(place, what=what)
    if not place.stem:
        raise BrokenInput(what, f"has the name {quoted(name)}, which names no file", "Name the image's file")
    if not place.as_posix().isprintable():
        what_is_odd = f"has the name {quoted(name)}, with a character that cannot be printed"
        raise BrokenInput(what, what_is_odd, "Rename the image, in its folder and in the data set")
    return with_ending(place, "")


def _renamed(categories: Mapping[int, str], found: Sequence[CocoImage], names: IndexNames) -> list[CocoImage]:
    """The images with the classes of `names` instead of categories. Other categories are left out, with a note."""
    check_known(categories.values(), names)
    index = {k: names.index_of(category) for k, category in categories.items()}
    renamed = []
    for image in found:
        drawing = image.drawing
        ids = [(index[shape.class_id], shape) for shape in drawing.shapes]
        left_out = {categories[shape.class_id]: None for k, shape in ids if k is None}
        shapes = tuple(replace(shape, class_id=k) for k, shape in ids if k is not None)
        notes = (*drawing.notes, *(f"label {quoted(category)} is no class (left out)" for category in left_out))
        # A category that is not wanted takes nothing away.
        lost, told = (
            frozenset(k if k is None else index[k] for k in ids if k is None or index[k] is not None)
            for ids in (drawing.lost, drawing.told)
        )
        unread = frozenset(k if k is None else index[k] for k in drawing.unread)
        renamed.append(replace(image, drawing=Drawing(shapes, lost, notes, told=told - unread)))
    return renamed


def _inside(name: str) -> Path:
    """A name as a path below a folder, with either slash. Of a name that would lead out, only the last part."""
    path = PureWindowsPath(name)
    leads_out = bool(path.anchor) or ".." in path.parts
    return Path(path.name) if leads_out else Path(*path.parts)


def parsed(path: Path) -> object:
    """A data set as parsed JSON. Raises BrokenInput."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BrokenInput(path, "is larger than a GiB", "Check that it is a COCO data set")
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique_keys)
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check the path and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise BrokenInput(
            path, "is not JSON in UTF-8, or a key stands twice in it", "Give the file that holds images and annotations"
        ) from error
