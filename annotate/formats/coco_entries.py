"""The categories and images of a COCO data set, each entry checked on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..classes import canonical_label
from ..errors import BrokenInput
from .coco_rle import MOST_PIXELS
from .lost import lost_labels

FARTHEST: Final = 1_000_000
"""A number beyond it is no place in a picture, nor its size."""
_MOST_ID: Final = 10**40
_REMEDY: Final = "Correct the entry, or export the data set anew"


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
                what = f"category id {key!s:.40} comes twice, as {self._name(key)} and as {name!r} (the first is taken)"
                failures.append(BrokenInput(where, what, "Give each category an id of its own"))
                if number != self.numbers[key]:
                    self.doubtful[key] |= {number, self.numbers[key]}
                continue
            self.numbers[key] = number
        return self

    def _name(self, key: Hashable) -> str:
        number = self.numbers[key]
        return repr("" if number is None else self.names[number])

    def meant(self, key: Hashable | None) -> set[int | None]:
        """Our numbers that an id may stand for; None for one that nobody can tell."""
        return {self.numbers.get(key), *self.doubtful.get(key, ())}

    def lost(self, labels: Iterable[str | None]) -> frozenset[int | None]:
        """Our numbers of labels."""
        numbers = {canonical_label(name): number for number, name in self.names.items()}
        return frozenset(None if label is None else numbers.get(canonical_label(label)) for label in labels)


@dataclass(frozen=True, slots=True)
class Images:
    """The images: name, height and width by id, what they say that they lost, and the ids of those left out."""

    sizes: dict[Hashable, tuple[str, int, int]] = field(default_factory=dict)
    lost: dict[Hashable, frozenset[int | None]] = field(default_factory=dict)
    unusable: set[Hashable] = field(default_factory=set)

    @classmethod
    def read(cls, entries: Sequence[Any], where: object, failures: list[BrokenInput], categories: Categories) -> Images:
        """The images of a data set.

        Args:
            entries: The list of the file.
            where: What to call the file in an error.
            failures: Gets the entries that cannot be used.
            categories: Those that what an image says that it lost is looked up in.
        """
        self = cls()
        for place, item in enumerate(entries, 1):
            entry = item if isinstance(item, dict) else {}
            key, name = entry_id(entry.get("id")), entry.get("file_name")
            if key is None:
                what = f"image {place} of the file has no id that is a number or text"
                failures.append(BrokenInput(where, what, _REMEDY))
                continue
            height, width = _whole(entry.get("height")), _whole(entry.get("width"))
            why = None
            if not isinstance(name, str) or not name.strip():
                why = "has no file_name"
            elif height is None or width is None:
                why = f"({name!r:.80}) has no height and width that are whole numbers"
            elif height < 1 or width < 1 or height * width > MOST_PIXELS:
                why = f"says that {name!r:.80} has {width!s:.40} x {height!s:.40} pixels"
            if key in self.sizes:
                what = f"image id {key!s:.40} comes twice, first as {self.sizes[key][0]!r:.80} (the first is taken)"
                failures.append(BrokenInput(where, what, "Give each image an id of its own"))
                if why is not None or self.sizes[key] != (name, height, width):
                    self.lost[key] |= {None}  # which of the two was drawn on, nobody can tell
            elif why is not None:
                failures.append(BrokenInput(where, f"image {key!s:.40} {why}", _REMEDY))
                self.unusable.add(key)
            else:
                assert isinstance(name, str) and height is not None and width is not None
                self.sizes[key] = (name, height, width)
                before: set[int | None] = {None} if key in self.unusable else set()
                self.lost[key] = categories.lost(lost_labels(entry)) | before
        return self


def _whole(value: object) -> int | None:
    """A whole number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
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
