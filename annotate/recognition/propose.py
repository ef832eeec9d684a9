"""Propose a new workspace's classes, aliases and patient pattern from existing outlines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..classes import PALETTE, ClassDef, Classes, canonical_label
from ..errors import UsageError
from ..hiding import seen_labels
from ..progress.tell import Tell, silent
from ..scans.discover import files_below
from .name_patterns import choose_pattern, fit_pattern
from .recognise import Labels, count_labels
from .structures import STRUCTURES, guess_class, is_slip, plain, structure_of
from .told import RARE, class_lines, patient_lines, spelt

# A misspelt label is in few files, compared with the correct one.
_SLIP: Final = 10
_MOST_CLASSES: Final = 254
# Labelme's own labels that are no structure.
_NO_STRUCTURES: Final = frozenset({"_background_", "__ignore__"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_INSIDE: Final = {"lumbar_plexus": "psoas_major"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """The settings that the files suggest.

    Attributes:
        classes: The most frequent first.
        ignore: Labels that are too rare for a class.
        patient: The patient pattern; empty if none is plausible.
        lines: What was found and chosen, for the reader. They name no file and no patient.
        data: The same facts for `--json`.
    """

    classes: tuple[ClassDef, ...]
    ignore: tuple[str, ...]
    patient: str
    lines: tuple[str, ...]
    data: dict[str, object]


def propose_settings(
    outlines: Path,
    *,
    classes: Sequence[ClassDef] | None = None,
    patient: str | None = None,
    tell: Tell = silent,
) -> Proposal:
    """Read Labelme files and propose settings that fit them.

    Args:
        outlines: A Labelme file, or a folder of them.
        classes: Classes to keep. Labels that probably mean one of them become its aliases. None proposes classes.
        patient: A patient pattern to keep. None proposes one.
        tell: Gets the progress.

    Raises:
        UsageError: There is no Labelme file, none that can be read, or nothing drawn in them.
    """
    files = files_below([outlines], frozenset({".json"}))
    if not files:
        raise UsageError(outlines, "holds no Labelme file", "Name the folder that holds them")
    labels = count_labels(files, tell=tell)
    unread = set(labels.unread)
    read = [path for path in files if path not in unread]
    if not read:
        raise UsageError(outlines, "holds no Labelme file that can be read", "`dmr check` says what is wrong with each")
    if not any(labels.shapes):
        raise UsageError(outlines, "holds no outline with a label", "Name the folder of the files that are drawn on")
    if classes is None:
        found, ignore = _classes(labels)
    else:
        found, ignore = _with_aliases(classes, labels), ()
    if labels.shapes[""]:
        ignore = (*ignore, "")  # nobody can say of which class a shape without a label is
    names = [(path.parent.as_posix(), path.stem) for path in read]
    fit, verdict = choose_pattern(names) if patient is None else (fit_pattern(patient, names), "given")
    taken = patient if patient is not None else fit.pattern if fit and verdict != "a patient a file" else ""
    lines = (
        *class_lines(found, ignore, labels, len(files)),
        *patient_lines(fit, verdict, folders=len({folder for folder, _ in names})),
    )
    own = {c.name: [c.name, *c.aliases] for c in found}
    data: dict[str, object] = {
        "files": len(files),
        "unreadable": len(labels.unread),
        "classes": {name: labels.files(spelt(labels, texts)) for name, texts in own.items()},
        "ignore": list(ignore),
        "patient": taken or None,
        "patients": fit.patients if fit and taken else 0,
        "files with a patient": fit.explained if fit and taken else 0,
    }
    return Proposal(found, ignore, taken, lines, data)


def _classes(labels: Labels) -> tuple[tuple[ClassDef, ...], tuple[str, ...]]:
    """A class for each structure that is drawn often enough, and the labels of all others."""
    groups: dict[str, list[str]] = {}
    for label, _ in labels.shapes.most_common():
        if label and label not in _NO_STRUCTURES:
            groups.setdefault(structure_of(label) or plain(label), []).append(label)
    count = {key: labels.files(group) for key, group in groups.items()}
    for key in sorted(groups, key=lambda k: count[k]):
        meant = [k for k in groups if count[k] >= _SLIP * count[key] and is_slip(plain(k), plain(key))]
        if len(meant) == 1 and key not in STRUCTURES:
            groups[meant[0]] += groups.pop(key)
    order = sorted(groups, key=lambda k: -labels.files(groups[k]))
    drawn = sum(n for together, n in labels.together.items() if together)
    rare = [k for k in order if labels.files(groups[k]) * RARE < drawn]
    often = [k for k in order if k not in rare]
    if len(often) > _MOST_CLASSES:
        what = f"{len(often)} different labels; a workspace has at most {_MOST_CLASSES} classes"
        raise UsageError("--from", what, "Name the classes with --classes")
    names = _names({key: groups[key] for key in often})
    classes = []
    for number, key in enumerate(often, 1):
        name, known = names[key], STRUCTURES.get(key)
        classes.append(
            ClassDef(
                number,
                name,
                _aliases(name, groups[key]),
                PALETTE[(number - 1) % len(PALETTE)],
                known.z if known else 10,
                inside=outer if (outer := _INSIDE.get(key, "")) in often else None,
            )
        )
    return tuple(classes), tuple(_aliases("", [label for k in rare for label in groups[k]]))


def _names(groups: dict[str, list[str]]) -> dict[str, str]:
    """A class name for each group of labels: the structure's name, else a label that can be a name, else class_N."""
    names = {key: key if key in STRUCTURES else _own_name(group) for key, group in groups.items()}
    seen_labels(name for key, name in names.items() if name and key not in STRUCTURES)
    used = {canonical_label(name) for name in names.values() if name}
    for number, key in enumerate(groups, 1):
        if not names[key]:
            free = (f"class_{n}" for n in range(number, number + _MOST_CLASSES + len(used) + 1))
            names[key] = next(name for name in free if name not in used)
            used.add(names[key])
    return names


def _own_name(group: Sequence[str]) -> str:
    for label in group:
        text = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFKC", label)).strip("_-")
        if _NAME.fullmatch(text):
            return text
    return ""


def _aliases(name: str, group: Sequence[str]) -> tuple[str, ...]:
    """The spellings that the class's name does not match, without repeats."""
    texts = {canonical_label(label): label for label in reversed(group)}
    return tuple(sorted(label for key, label in texts.items() if key != canonical_label(name)))


def _with_aliases(given: Sequence[ClassDef], labels: Labels) -> tuple[ClassDef, ...]:
    """The given classes. Labels that probably mean one of them are added to its aliases."""
    classes = Classes(given)
    guessed: dict[int, dict[str, str]] = {c.id: {} for c in classes}
    for label, _ in labels.shapes.most_common():
        if label and classes.find(label) is None and (meant := guess_class(label, classes)) is not None:
            guessed[meant.id].setdefault(canonical_label(label), label)
    return tuple(replace(c, aliases=(*c.aliases, *guessed[c.id].values())) for c in classes)
