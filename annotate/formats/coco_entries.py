"""The categories and images of a COCO data set, each entry checked on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..classes import canonical_label
from ..errors import BrokenInput
from ..wording import id_of_file, quoted
from .coco_rle import MOST_PIXELS
from .lost import lost_labels

FARTHEST: Final = 1_000_000
"""A number beyond it is no place in a picture, nor its size."""
_MOST_ID: Final = 10**40
_MOST_DIGITS: Final = 12  # of a size that is written as text
_REMEDY: Final = "Correct the entry, or export the data set anew"

SizeOf = Callable[[str, tuple[int | None, int | None]], tuple[int, int] | None]
"""Rows and columns of the image of a name, None where it is not there. Raises BrokenInput if it has others."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories: our number by COCO's id, what else an id may stand for, and the names."""

    numbers: dict[Hashable, int | None] = field(default_factory=dict)
    doubtful: dict[Hashable, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, entries: object, where: object, failures: list[BrokenInput]) -> Categories:
        """The categories of a data set.

        Args:
            entries: The list of the file.
            where: What to call the file in an error.
            failures: Gets the entries that cannot be used.
        """
        self = cls()
        if entries is not None and not isinstance(entries, list):
            failures.append(BrokenInput(where, "its categories are no list", _REMEDY))
            return self
        by_text: dict[str, int] = {}
        for place, item in enumerate(entries or [], 1):
            entry = item if isinstance(item, dict) else {}
            key, name = entry_id(entry.get("id")), entry.get("name")
            if key is None or not isinstance(name, str):
                lacks = "id that is a number or text" if key is None else "name"
                failures.append(BrokenInput(where, f"category {place} of the file has no {lacks}", _REMEDY))
                continue
            number: int | None = None  # an empty label is no class
            if text := canonical_label(name):
                number = by_text.setdefault(text, len(by_text) + 1)
                self.names.setdefault(number, name.strip())
            if key in self.numbers:
                names = f"as {self._name(key)} and as {quoted(name)}"
                what = f"category id {id_of_file(key)} comes twice, {names} (the first is taken)"
                failures.append(BrokenInput(where, what, "Give each category an id of its own"))
                if number != self.numbers[key]:
                    self.doubtful[key] |= {number, self.numbers[key]}
                continue
            self.numbers[key] = number
        return self

    def _name(self, key: Hashable) -> str:
        number = self.numbers[key]
        return quoted("" if number is None else self.names[number])

    def meant(self, key: Hashable | None) -> set[int | None]:
        """Our numbers that an id may stand for; None for one that nobody can tell."""
        return {self.numbers.get(key), *self.doubtful.get(key, ())}

    def lost(self, labels: Iterable[str | None]) -> frozenset[int | None]:
        """Our numbers of labels."""
        numbers = {canonical_label(name): number for number, name in self.names.items()}
        return frozenset(None if label is None else numbers.get(canonical_label(label)) for label in labels)


@dataclass(frozen=True, slots=True)
class Images:
    """The images by id.

    Attributes:
        sizes: Name, height and width.
        told: What they say themselves that they lost.
        lost: What else was lost with them.
        guessed: Those whose size is no number in the file, and was taken from the image.
        unusable: Those left out.
        refused: The names of entries that cannot be used.
    """

    sizes: dict[Hashable, tuple[str, int, int]] = field(default_factory=dict)
    told: dict[Hashable, frozenset[int | None]] = field(default_factory=dict)
    lost: dict[Hashable, frozenset[int | None]] = field(default_factory=dict)
    guessed: set[Hashable] = field(default_factory=set)
    unusable: set[Hashable] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        entries: Sequence[Any],
        where: object,
        failures: list[BrokenInput],
        categories: Categories,
        size_of: SizeOf,
    ) -> Images:
        """The images of a data set.

        Args:
            entries: The list of the file.
            where: What to call the file in an error.
            failures: Gets the entries that cannot be used.
            categories: Those that what an image says that it lost is looked up in.
            size_of: Gives the size of an image where the file does not say it.
        """
        self = cls()
        for place, item in enumerate(entries, 1):
            entry = item if isinstance(item, dict) else {}
            key, name = entry_id(entry.get("id")), entry.get("file_name")
            if key is None:
                what = f"image {place} of the file has no id that is a number or text"
                failures.append(BrokenInput(where, what, _REMEDY))
                self._refuse(name)
                continue
            said = entry.get("height"), entry.get("width")
            try:
                sized: tuple[str, int, int] | BrokenInput = _sized(
                    name, said, f"image {id_of_file(key)}", where, size_of
                )
            except BrokenInput as error:
                sized = error
            if key in self.sizes:
                first = quoted(self.sizes[key][0])
                what = f"image id {id_of_file(key)} comes twice, first as {first} (the first is taken)"
                failures.append(BrokenInput(where, what, "Give each image an id of its own"))
                if self.sizes[key] != sized:
                    self.lost[key] |= {None}  # which of the two was drawn on, nobody can tell
                    self._refuse(name)
            elif isinstance(sized, BrokenInput):
                failures.append(sized)
                self.unusable.add(key)
                self._refuse(name)
            else:
                self.sizes[key] = sized
                self.told[key] = categories.lost(lost_labels(entry))
                self.lost[key] = frozenset({None} if key in self.unusable else ())
                if any(value is not None and _whole(value) is None for value in said):
                    self.guessed.add(key)
        return self

    def _refuse(self, name: object) -> None:
        if isinstance(name, str) and name.strip():
            self.refused.append(name)


def _sized(
    name: object, said: tuple[object, object], what: str, where: object, size_of: SizeOf
) -> tuple[str, int, int]:
    """An image's name, height and width. Raises BrokenInput."""
    if not isinstance(name, str) or not name.strip():
        raise BrokenInput(where, f"{what} has no file_name", _REMEDY)
    height, width = (_whole(value) for value in said)
    if height is None or width is None:
        size = size_of(name, (height, width))
        if size is None:
            lacks = (
                f"{what} ({quoted(name)}) has no height and width that are whole numbers, and the image is not there"
            )
            raise BrokenInput(where, lacks, "Put it beside the file, or name its folder with --images")
        height, width = size
    if height * width > MOST_PIXELS:
        raise BrokenInput(where, f"{what} says that {quoted(name)} has {width!s:.40} x {height!s:.40} pixels", _REMEDY)
    return name, height, width


def _whole(value: object) -> int | None:
    """A number of pixels, also one that is written as text; or None."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < _MOST_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= FARTHEST:
        return None
    return int(value) if value == int(value) else None


def entry_id(value: object) -> int | str | None:
    """An id as it is compared, or None: a whole number, or a text."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 40 else text or None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST_ID:
        return None
    return int(value) if value == int(value) else None
