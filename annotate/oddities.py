"""Oddities and failures that differ by a number or a name alone are one kind, told in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

_SHOWN: Final = 5  # places named after an oddity before "and N more"; --json has them all
_APART: Final = 3  # so many texts of one kind that differ by names have a line each
# A hash is a number too.
_NUMBER: Final = re.compile(r"(?<![\w#])(?:-?\d+(?:\.\d+)?|[0-9a-f]{12}|[0-9a-f]{64})(?!\w)")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_GAP: Final = "…"


@dataclass(frozen=True, slots=True)
class Kind:
    """Oddities of one kind.

    Attributes:
        text: What they say, with a gap for each value in which they differ.
        places: Where each was met, with its values.
        texts: What each of them says.
    """

    text: str
    places: tuple[str, ...]
    texts: frozenset[str]

    def line(self) -> str:
        """The line for a reader."""
        shown = ", ".join(self.places[:_SHOWN])
        more = f" and {len(self.places) - _SHOWN} more" if len(self.places) > _SHOWN else ""
        return f"{self.text}: {len(self.places)} ({shown}{more})"


def kinds(oddities: Mapping[str, Sequence[str]]) -> list[Kind]:
    """The kinds of a report's oddities, in the order of their texts.

    Texts that differ by numbers alone are one kind. Those that differ by quoted names are one where there are many of
    them, and else have a line each.

    Args:
        oddities: Places by text.
    """
    found: list[Kind] = []
    for texts in _alike(sorted(oddities), _QUOTED):
        apart = _alike(texts, _NUMBER)
        found += [_merged(group, oddities) for group in ([texts] if len(apart) > _APART else apart)]
    return sorted(found, key=lambda kind: kind.text)


def failure_lines(failures: Sequence[str]) -> list[str]:
    """Failures in their order, a line each; those of one kind are one line where there are many of them.

    The name of what would be written from a file is no difference: it is the file's own with another ending.

    Args:
        failures: Each as *where: what is wrong. What to do.*
    """
    parts = [failure.partition(": ") for failure in failures]
    where: dict[str, list[str]] = {}
    texts = [_without_name(text, place) for place, _, text in parts]
    for (place, _, _), text in zip(parts, texts, strict=True):
        where.setdefault(text, []).append(place)
    many = [kind for kind in kinds(where) if kind.text and len(kind.places) > _SHOWN]
    told: dict[str, None] = {}
    for failure, text in zip(failures, texts, strict=True):
        kind = next((kind for kind in many if text in kind.texts), None)
        told[failure if kind is None else Kind(kind.text.rstrip("."), kind.places, kind.texts).line()] = None
    return list(told)


def _without_name(text: str, place: str) -> str:
    """A text with a gap for the name of its place, where another ending follows."""
    path = PurePath(place.replace("\\", "/"))
    for name in (path.name, path.stem):
        if name:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?=\.\w)", _GAP, text)
    return text


def _alike(texts: Iterable[str], value: re.Pattern[str]) -> list[list[str]]:
    """The texts in groups: those that differ by values alone; a quoted name is a value together with all numbers."""
    groups: dict[tuple[str, int], list[str]] = {}
    for text in texts:
        key = value.sub(_GAP, text) if value is _NUMBER else _NUMBER.sub(_GAP, value.sub(_GAP, text))
        groups.setdefault((key, len(_values(text))), []).append(text)
    return list(groups.values())


def _merged(texts: Sequence[str], oddities: Mapping[str, Sequence[str]]) -> Kind:
    if len(texts) == 1:
        return Kind(texts[0], tuple(oddities[texts[0]]), frozenset(texts))
    values = [_values(text) for text in texts]
    constant = [len({one[k] for one in values}) == 1 for k in range(len(values[0]))]
    places = []
    for text, own in zip(texts, values, strict=True):
        told = ", ".join(value for value, same in zip(own, constant, strict=True) if not same)
        places += [f"{place}: {told}" for place in oddities[text]]
    k = iter(range(len(constant)))
    text = _VALUE.sub(lambda found: found[0] if constant[next(k)] else _GAP, texts[0])
    return Kind(text, tuple(places), frozenset(texts))


_VALUE: Final = re.compile(f"{_QUOTED.pattern}|{_NUMBER.pattern}")


def _values(text: str) -> list[str]:
    return [found[0] for found in _VALUE.finditer(text)]
