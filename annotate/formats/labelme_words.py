"""What somebody types or ticks in Labelme beside the outlines: it belongs to the revision and comes back.

It may hold a patient's name, so it stays in the catalogue and in `annotations/`: nothing else shows or sends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from ..shapes import Ring, Shape
from ..system.canonical import canonical_json
from ..system.store import sha256_hex
from .labelme_outlines import outlines
from .labelme_reading import LabelmeFile, LabelmeShape
from .labelme_typed import typed_beside, whole

OTHERS_KEY: Final = "dmr_others"
"""In a file that we wrote, what was said of shapes that are not in it, such as those with ignored labels."""

_READ: Final = frozenset({"description", "flags", "mask"})


@dataclass(frozen=True, slots=True)
class Said:
    """A description, flags, and what else was typed, of one shape or of the whole image.

    Attributes:
        description: The text.
        flags: The boxes, ticked or not.
        more: Other keys that hold something, such as the attributes of X-AnyLabeling.
    """

    description: str = ""
    flags: Mapping[str, bool] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        # Boxes that nobody ticked say nothing: Labelme writes them into every file that it saves.
        return bool(self.description.strip()) or any(self.flags.values()) or bool(self.more)

    @classmethod
    def of(cls, description: object, flags: object, more: Mapping[str, Any] | None = None) -> Self:
        """From what a file holds; `typed_beside` gives `more`."""
        text = description if isinstance(description, str) else ""
        ticks = flags if isinstance(flags, Mapping) else {}
        return cls(whole(text), {whole(str(name)): bool(tick) for name, tick in ticks.items()}, more or {})

    def as_json(self) -> list[Any]:
        """As it is kept."""
        return [self.description, dict(self.flags), *([dict(self.more)] if self.more else [])]

    def key(self) -> list[Any]:
        """What tells one from another."""
        if not self:
            return ["", []]
        ticked = sorted(name for name, tick in self.flags.items() if tick)
        return [self.description, ticked, *([dict(self.more)] if self.more else [])]


@dataclass(frozen=True, slots=True)
class Words:
    """All that was said on one frame.

    Attributes:
        image: Of the whole image.
        shapes: Of each shape of the annotation, in order; empty where nothing was said of any.
        others: Of shapes that are no part of the annotation, such as a slip of the mouse.
    """

    image: Said = Said()
    shapes: tuple[Said, ...] = ()
    others: tuple[Said, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """From `text`, which `canonical` made."""
        content = json.loads(text) if text is not None else {}
        shapes, others = ([Said.of(*pair) for pair in content.get(name, ())] for name in ("shapes", "others"))
        return cls(Said.of(*content.get("image", ("", {}))), tuple(shapes), tuple(others))

    def canonical(self) -> str | None:
        """Canonical JSON, None where nothing was said."""
        content: dict[str, Any] = {"image": self.image.as_json()} if self.image else {}
        for name, said in (("shapes", self.shapes), ("others", self.others)):
            if any(said):
                content[name] = [one.as_json() for one in said]
        return canonical_json(content) if content else None


NO_WORDS: Final = Words()


def words_of(file: LabelmeFile, shapes: Sequence[Shape], *, without: str) -> Words:
    """What was said in a file of which these shapes were made.

    Args:
        file: As read.
        shapes: What its drawing holds.
        without: The flag of the image that is no word, but a tick for us.
    """
    spoken = [(said, rings_of(shape)) for shape in file.shapes if (said := _said(shape))]
    left = dict(enumerate(spoken))
    found: list[Said] = []
    for shape in shapes:
        place = next((i for i, (_, rings) in left.items() if shape.points in rings), None)
        if place is None:  # a ring that is cut out of several shapes stands for one shape of the file
            found.append(next((said for said, rings in spoken if shape.points in rings), Said()))
        else:
            found.append(left.pop(place)[0])
    used = [said for said in found if said]
    others = (*_others(file), *(said for said, _ in left.values() if said not in used))
    return Words(
        _of_image(file, without),
        tuple(found) if used else (),
        tuple(one for k, one in enumerate(others) if one not in others[:k]),
    )


def words_key(image: Said, shapes: Iterable[Said]) -> str | None:
    """A hash of what a file says, to tell whether it was changed; None where it says nothing."""
    said = [image, *shapes]
    return sha256_hex(canonical_json([one.key() for one in said]).encode()) if any(said) else None


WORDS_KEY: Final = "dmr_words"
"""In a file that we wrote, the hash of what it says; absent if it says nothing."""


def has_other_words(file: LabelmeFile, *, without: str = "") -> bool:
    """Whether somebody typed or ticked something in a file since we wrote it."""
    said = words_key(_of_image(file, without), [*map(_said, file.shapes), *_others(file)])
    return said != file.extra.get(WORDS_KEY)


def _of_image(file: LabelmeFile, without: str) -> Said:
    flags = {name: tick for name, tick in file.flags.items() if name != without}
    return Said.of(file.extra.get("description"), flags, typed_beside(file.extra, known=_READ))


def _others(file: LabelmeFile) -> list[Said]:
    """What a file says of shapes that are not in it."""
    rows = file.extra.get(OTHERS_KEY)
    if not isinstance(rows, list):
        return []
    good = (row for row in rows if isinstance(row, list) and 2 <= len(row) <= 3)
    return [Said.of(row[0], row[1], row[2] if len(row) == 3 and isinstance(row[2], dict) else None) for row in good]


def _said(shape: LabelmeShape) -> Said:
    more = typed_beside(shape.extra, known=_READ)
    return Said.of(shape.extra.get("description"), shape.extra.get("flags"), more)


def rings_of(shape: LabelmeShape) -> list[Ring]:
    """The outlines of a shape; none where they cannot be read."""
    try:
        return [ring.points for ring in outlines(shape)]
    except ValueError:
        return []
