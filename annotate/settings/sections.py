"""A table of a settings file -> a frozen dataclass, whose fields give the keys and their types."""

from __future__ import annotations

import difflib
import json
import math
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import SettingsError

T = TypeVar("T")

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def read_section(cls: type[T], table: object, *, where: str, place: str) -> T:
    """Read one section as its dataclass, and check its keys, their types, and the rules of `__post_init__`.

    Args:
        cls: A dataclass of bool, int, float, str, Literal, optional ones, tuples, such dataclasses, and tuples of them.
            A field's metadata may give its `key` in the file, and `none`, the value that means None.
        table: The section's content in the file.
        where: The file's name for errors.
        place: The section as written in the file, such as `[select]`.

    Raises:
        SettingsError: A key is unknown or missing, or a value is invalid.
    """
    if not isinstance(table, Mapping):
        raise SettingsError(
            where, f"{place} is {_shown(table)}: expected a table", f"Write {place} on a line of its own"
        )
    known: dict[str, Field[Any]] = {f.metadata.get("key", f.name): f for f in fields(cls)}  # type: ignore[arg-type]
    refuse_unknown(table, known, where=where, place=place)
    hints = get_type_hints(cls)
    values = {}
    for key, f in known.items():
        if key in table:
            none = "none" in f.metadata and table[key] == f.metadata["none"]
            values[f.name] = None if none else _typed(table[key], hints[f.name], where=where, place=f"{place} {key}")
        elif f.default is MISSING:
            raise SettingsError(where, f"{place} has no key {key!r}", f"Add {key} = ...")
    try:
        return cls(**values)
    except ValueError as error:
        raise SettingsError(where, f"{place} {error}", "Correct it there") from None


def refuse_unknown(table: Mapping[str, object], known: Iterable[str], *, where: str, place: str) -> None:
    """Raise a SettingsError if a table has an unknown key; it names the most similar known key."""
    names = list(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            guess = f'Did you mean "{near[0]}"? ' if near else ""
            raise SettingsError(where, f'{place} has no key "{key}"', f"{guess}Its keys are {', '.join(names)}")


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise a ValueError with the value and the range if the value lies outside."""
    if not low <= value <= high:
        span = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
        raise ValueError(f"{name} is {value:g}: expected {span}")


def _typed(value: object, hint: Any, *, where: str, place: str, listed: bool = False) -> object:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _typed(value, next(a for a in inner if a is not types.NoneType), where=where, place=place)
    if origin is Literal:
        if value in inner:
            return value
        expected = "one of " + ", ".join(json.dumps(choice) for choice in inner)
    elif origin is tuple:
        many = inner[-1] is Ellipsis
        expected = "a list" if many else f"a list of {len(inner)} entries"
        if isinstance(value, list) and (many or len(value) == len(inner)):
            kinds = [inner[0]] * len(value) if many else inner
            return tuple(
                _typed(v, kind, where=where, place=place, listed=True) for v, kind in zip(value, kinds, strict=True)
            )
    elif hint in _WORDS:
        expected = _WORDS[hint]
        if hint is float and type(value) is int:
            value = float(value)
        if type(value) is hint and not (hint is float and not math.isfinite(value)):  # type: ignore[arg-type]
            return value  # the exact type counts: true is not a whole number
    else:
        inner_place = place.strip("[").replace("] ", ".")
        return read_section(hint, value, where=where, place=f"[[{inner_place}]]" if listed else f"[{inner_place}]")
    raise SettingsError(where, f"{place} is {_shown(value)}: expected {expected}", "Correct it there")


def _shown(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
