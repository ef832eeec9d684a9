"""The classes of a workspace: names, aliases, colours, painting order, what lies inside what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

# Okabe and Ito's palette, told apart by colour-blind readers: https://jfly.uni-koeln.de/color/
PALETTE = (  # Okabe and Ito's eight for colour-blind eyes, then eight of Tol's muted ones
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#999999"),
    *("#882255", "#44AA99", "#DDCC77", "#332288", "#AA4499", "#117733", "#88CCEE", "#EE6677"),
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class ClassDef:
    """One class of structure.

    Attributes:
        id: Never reused; 1 or more, 0 is background.
        name: Letters, digits, `_` and `-`.
        aliases: Other spellings met in files.
        color: `#RRGGBB`.
        z: Painting order in a class-index mask: higher covers lower.
        inside: Name of the class whose structures contain this class's structures, or None.
        retired: No longer drawn or predicted.

    Example:
        >>> dmr.ClassDef(2, "lumbar_plexus", aliases=("plexus",), inside="psoas_major").name
        'lumbar_plexus'
    """

    id: int
    name: str
    aliases: tuple[str, ...] = ()
    color: str = "#999999"
    z: int = 0
    inside: str | None = None
    retired: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.aliases, str):
            raise ValueError(f"aliases {self.aliases!r} of class {self.name}: expected several texts, not one")
        if not 1 <= self.id <= 254:  # 0 is background, 255 marks ignored pixels in a training target
            raise ValueError(f"class id {self.id}: expected 1 to 254")
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"class name {self.name!r}: letters, digits, '_' and '-', a letter first")
        if not _COLOR.fullmatch(self.color):
            raise ValueError(f"color {self.color!r} of class {self.name}: expected '#RRGGBB'")


class Classes(Sequence[ClassDef]):
    """The workspace's classes in the order of their ids, found by id, name or alias.

    Raises:
        ValueError: Two classes share an id, name or alias, or an `inside` names no class or goes in a circle.

    Example:
        >>> classes = dmr.Classes([dmr.ClassDef(1, "nerve", aliases=("shenjing",)), dmr.ClassDef(2, "muscle")])
        >>> classes.class_id("Shenjing")
        1
    """

    def __init__(self, classes: Sequence[ClassDef]) -> None:
        self._classes = tuple(sorted(classes, key=lambda c: c.id))
        self._by_id = {c.id: c for c in self._classes}
        if len(self._by_id) != len(self._classes):
            raise ValueError("two classes have the same id")
        self._by_text: dict[str, ClassDef] = {}
        for c in self._classes:
            for text in {canonical_label(t) for t in (c.name, *c.aliases)}:
                if text in self._by_text:
                    raise ValueError(f"the name or alias {text!r} stands for two classes")
                self._by_text[text] = c
        for c in self._classes:
            self._check_inside(c)

    def _check_inside(self, start: ClassDef) -> None:
        seen, c = {start.name}, start
        while c.inside is not None:
            parent = next((p for p in self._classes if p.name == c.inside), None)
            if parent is None:
                raise ValueError(f"class {c.name} lies inside {c.inside!r}, which is no class")
            if parent.name in seen:
                raise ValueError(f"class {start.name} lies inside itself by way of {parent.name!r}")
            seen.add(parent.name)
            c = parent

    def __len__(self) -> int:
        return len(self._classes)

    @overload
    def __getitem__(self, index: int) -> ClassDef: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ClassDef]: ...

    def __getitem__(self, index: int | slice) -> ClassDef | Sequence[ClassDef]:
        return self._classes[index]

    def __iter__(self) -> Iterator[ClassDef]:
        return iter(self._classes)

    def by_id(self, class_id: int) -> ClassDef:
        """The class with this id. Raises KeyError."""
        return self._by_id[class_id]

    def find(self, text: str) -> ClassDef | None:
        """The class that has this name or alias, whatever the case and outer spaces; None if there is none."""
        return self._by_text.get(canonical_label(text))

    def class_id(self, label: str) -> int | None:
        """The id of the class that a label in a file stands for; None for unknown labels and for retired classes."""
        found = self.find(label)
        return None if found is None or found.retired else found.id

    @property
    def active(self) -> tuple[ClassDef, ...]:
        """The classes that are drawn and predicted now."""
        return tuple(c for c in self._classes if not c.retired)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of ids."""
        return tuple(c.name for c in self._classes)

    @property
    def predicted(self) -> dict[int, str]:
        """Name by id of the classes that a model learns: those not retired, in the order of their ids."""
        return {c.id: c.name for c in self.active}

    @property
    def contained(self) -> dict[int, frozenset[int]]:
        """Class id to the ids of all classes that lie inside it, for those that have any."""
        return {c.id: inside for c in self._classes if (inside := self.children(c.id))}

    def children(self, class_id: int) -> frozenset[int]:
        """Ids of all classes that lie inside this one, at any depth."""
        name = self.by_id(class_id).name
        direct = [c.id for c in self._classes if c.inside == name]
        return frozenset(direct).union(*(self.children(i) for i in direct))

    def paint_order(self) -> tuple[int, ...]:
        """Ids from the lowest layer to the highest: by `z`, then by id. A class never lies below its container."""
        return tuple(c.id for c in sorted(self._classes, key=self._height))

    def _height(self, c: ClassDef) -> tuple[int, int, int]:
        z, depth, start = c.z, 0, c
        while c.inside is not None:
            c = self._by_text[canonical_label(c.inside)]
            z, depth = max(z, c.z), depth + 1
        return z, depth, start.id


def parse_names(text: str) -> tuple[tuple[str, ...], ...]:
    """Parse the text of `--classes`, `name=spelling=spelling,name,...`: each class's name, then its other spellings."""
    return tuple(tuple(name.strip() for name in entry.split("=")) for entry in text.split(","))


def canonical_label(text: str) -> str:
    """The form in which labels, names and aliases are compared: lower case, no outer spaces, accents in one form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())
