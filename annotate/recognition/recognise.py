"""Before an import: how many outlines belong to a class, and which lines of `dmr.toml` would make more belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ..classes import Classes, canonical_label
from ..errors import BrokenInput, DmrError
from ..formats.index_mask import MOST_VALUES, read_index_mask
from ..formats.labelme_holes import BACKGROUND
from ..formats.labelme_reading import read_labels
from ..hiding import seen_labels
from ..progress.tell import Tell, silent
from ..settings.model import SETTINGS_NAME, Settings
from ..settings.template import toml_value
from ..wording import counted
from .structures import guess_class, plain, structure_of

_VALUES_SHOWN = 10
_LABELS_SHOWN = 40  # labels shown of perhaps thousands: those drawn most
_WHITE = 255
READING: Final = "Reading labels"


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of many files.

    Attributes:
        shapes: Number of shapes with each label.
        together: Number of files for each set of labels.
        unread: Files that cannot be read.
    """

    shapes: Counter[str] = field(default_factory=Counter)
    together: Counter[frozenset[str]] = field(default_factory=Counter)
    unread: list[Path] = field(default_factory=list)

    def files(self, labels: Iterable[str]) -> int:
        """The number of files that have at least one of these labels."""
        wanted = frozenset(labels)
        return sum(n for drawn, n in self.together.items() if drawn & wanted)


def count_labels(files: Iterable[Path], *, tell: Tell = silent) -> Labels:
    """Count the labels in Labelme files. Images are not read, and one file is in memory at a time."""
    found = Labels()
    for path in files:
        try:
            # JSON can hold half a character (a lone surrogate); a settings file cannot.
            texts = [text.strip() for text in read_labels(path)]
            # A `_background_` shape is a hole, and no label that dmr.toml should know.
            texts = [text for text in texts if text.casefold() != BACKGROUND]
            labels = [text.encode("utf-8", "replace").decode() for text in texts]
            seen_labels(labels)
            found.shapes.update(labels)
            found.together[frozenset(labels)] += 1
        except BrokenInput:
            found.unread.append(path)
        tell(READING, 1, None)
    return found


@dataclass(frozen=True, slots=True)
class Recognised:
    """How many of the drawn structures belong to a class.

    Attributes:
        what: The thing counted: shapes, or structures in masks.
        all: Their number.
        known: Number that belong to a class.
        ignored: Number that the settings leave out.
        unknown: Number for each other label or mask value.
        advice: Lines that say how to make the rest known.
    """

    what: str
    all: int
    known: int
    ignored: int
    unknown: Counter[str]
    advice: tuple[str, ...] = ()

    def refusal(self, *, forced: bool) -> DmrError | None:
        """The reason not to import; None if at least half is known, or something is and `forced` is set.

        Args:
            forced: Import what is known, however little.
        """
        if 2 * (self.known + self.ignored) >= self.all:
            return None
        if forced and self.known:
            return None
        if forced:
            return DmrError(
                "import",
                f"none of {self.all} {self.what} belongs to a class, so nothing was changed",
                "Make the changes below and import again",
            )
        also = ", or import only the known ones with --yes" if self.known else ""
        found = f"{self.known + self.ignored} of {self.all} {self.what}"
        what = f"{SETTINGS_NAME} knows {found}, fewer than half, so nothing was changed"
        return DmrError("import", what, f"Make the changes below and import again{also}")

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {"of": self.all, "known": self.known, "ignored": self.ignored, "unknown": dict(self.unknown)}


def recognise_labels(labels: Labels, settings: Settings) -> Recognised:
    """Compare the labels of Labelme files with a workspace's classes."""
    known = ignored = 0
    unknown: Counter[str] = Counter()
    for label, n in labels.shapes.items():
        found = settings.classes.find(label)
        if found is not None and not found.retired:
            known += n
        elif found is not None or settings.imports.ignores(label):  # retired classes are left out on purpose
            ignored += n
        else:
            unknown[label] += n
    advice = tuple(_lines_to_paste(labels, unknown, settings))
    return Recognised("shapes", labels.shapes.total(), known, ignored, unknown, advice)


def _lines_to_paste(labels: Labels, unknown: Counter[str], settings: Settings) -> Iterator[str]:
    """Lines of `dmr.toml` that would make the unknown labels known, with guesses where possible."""
    order = [label for label, _ in unknown.most_common() if label]
    guessed = {label: c for label in order if (c := guess_class(label, settings.classes)) is not None}
    if guessed:
        yield f"In {SETTINGS_NAME}, replace the aliases line of each [[class]] that is named after a # here:"
        for c in settings.classes:
            new = [label for label, its in guessed.items() if its.id == c.id]
            if new:
                yield f"aliases = {toml_value(_each_once([*c.aliases, *new]))}  # {c.name}"
    rest = [label for label in order if label not in guessed]
    if rest:
        yield (
            f"No class could be guessed for {counted(len(rest), 'labels')}. Put each among the aliases of its class in "
            f"{SETTINGS_NAME}, or make it a [[class]] with a new id:"
        )
        for label in rest[:_LABELS_SHOWN]:
            drawn = f"{counted(unknown[label], 'shapes')} in {counted(labels.files([label]), 'files')}"
            named = structure_of(label)
            guess = f" A new one, {named}?" if named and plain(label) != plain(named) else ""
            yield f"# aliases = {toml_value([label])}  # of which class?{guess} {drawn}"
        if len(rest) > _LABELS_SHOWN:
            yield f"# ... and {len(rest) - _LABELS_SHOWN:,} more labels"
    if rest or unknown[""]:
        if unknown[""]:
            yield f"{counted(unknown[''], 'shapes')} have no label."
        yield (
            "To leave out labels that are none of your classes, replace the ignore line under [import] by this one, "
            "without its first #:"
        )
        left_out = [*settings.imports.ignore, *rest[:_LABELS_SHOWN], *([""] if unknown[""] else [])]
        yield f"# ignore = {toml_value(_each_once(left_out))}"
    if 2 * sum(unknown[label] for label in rest) > labels.shapes.total():
        yield "If your classes are others, `dmr init FOLDER --from OUTLINES` makes a workspace with those of the files."


def _each_once(texts: Iterable[str]) -> list[str]:
    return list({canonical_label(text): text for text in texts}.values())


def recognise_masks(masks: Sequence[Path], classes: Classes, *, tell: Tell = silent) -> Recognised:
    """Compare the values of class-index masks with the ids of a workspace's classes.

    Args:
        masks: The masks' files; a file that cannot be read does not count.
        classes: The workspace's classes.
        tell: Gets the progress.
    """
    ids = {c.id for c in classes.active}
    values: Counter[int] = Counter()
    for path in masks:
        try:
            index = read_index_mask(path.read_bytes(), where=path)
            found = np.flatnonzero(np.bincount(index.ravel(), minlength=1)[1:]) + 1
            if found.tolist() == [_WHITE] and len(ids) == 1:  # black and white, and one class: see `read_class_mask`
                found = np.array(list(ids))
            if len(found) < MOST_VALUES:  # more are a picture's
                values.update(found.tolist())
        except (BrokenInput, OSError):
            pass
        tell(READING, 1, None)
    unknown = Counter({str(value): n for value, n in values.items() if value not in ids})
    advice = []
    if unknown:
        shown = ", ".join(f"{value} in {counted(n, 'masks')}" for value, n in unknown.most_common(_VALUES_SHOWN))
        more = f", and {len(unknown) - _VALUES_SHOWN} more" if len(unknown) > _VALUES_SHOWN else ""
        advice = [
            f"A value in a mask is the id of a class: {', '.join(f'{c.id} {c.name}' for c in classes.active)}.",
            f"These values are no class: {shown}{more}. Give the classes the ids of your masks in {SETTINGS_NAME}, or "
            "export the masks again.",
        ]
        if values[_WHITE] and _WHITE not in ids:
            advice.append(
                "255 is the white of a mask that shows one class. Put such masks into a folder with the class's name, "
                "LAYERS/CLASS/NAME.png. Then `dmr convert layers-to-labelme LAYERS OUTLINES` makes outlines of them."
            )
    all_ = values.total()
    return Recognised("structures in the masks", all_, all_ - unknown.total(), 0, unknown, tuple(advice))
