"""What each field of a model's card may hold. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...annotate.settings.model import NETWORK_SIZES

Check = Callable[[Any], bool]
Fields = Mapping[str, "Check | Fields"]

MOST_CLASSES: Final = 254  # 0 is background, 255 is ignored
_MANY: Final = 10**12
_SHOWN: Final = 40  # characters of an odd value


def whole(low: int, high: int = _MANY) -> Check:
    """A whole number in a range."""
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def number(low: float = -_MANY, high: float = _MANY) -> Check:
    """A finite number in a range."""
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high


def text(pattern: str = r"[^\0]*", most: int = 10_000) -> Check:
    """Text of a form."""
    return lambda v: isinstance(v, str) and len(v) <= most and re.fullmatch(pattern, v, re.DOTALL) is not None


def maybe(check: Check) -> Check:
    """Null, or what another check takes."""
    return lambda v: v is None or check(v)


def each(check: Check) -> Check:
    """A list whose items pass."""
    return lambda v: isinstance(v, list) and all(map(check, v))


def by_name(check: Check) -> Check:
    """An object whose values pass."""
    return lambda v: isinstance(v, dict) and all(map(check, v.values()))


def _pair(value: Any) -> bool:
    share = number(0, 1)
    return isinstance(value, list) and len(value) == 2 and share(value[0]) and share(value[1])


_LEARNT: Final[Fields] = {"frames": whole(0), "patients": whole(0), "frames_with": by_name(whole(0))}
_COUNT: Final = whole(0)
_DICE: Final = maybe(number(0, 1))

REQUIRED: Final[Fields] = {
    "id": text(r"[^\0\n/\\]{1,64}"),
    "size": lambda v: v in NETWORK_SIZES,
    "network": text(r"\w{1,64}"),
    "input": lambda v: whole(32, 1024)(v) and v % 32 == 0,
    "channels": by_name(whole(1, MOST_CLASSES)),
    "class_ids": by_name(whole(1, MOST_CLASSES)),
    "weights_sha256": text("[0-9a-f]{64}"),
}
"""In the order in which they are told."""

OPTIONAL: Final[Fields] = {
    "intended_use": text(),
    "run": text(),
    "trained_at": text(),
    "dataset": text("[0-9a-f]{64}"),
    "data": {"train": _LEARNT, "validation": _LEARNT},
    "settings": {},
    "steps": _COUNT,
    "minutes": number(0),
    "ended_early": lambda v: isinstance(v, bool),
    "parameters": _COUNT,
    "torch": text(),
    "limits": each(text()),
    "inside": by_name(text()),
    "how_measured": text(),
    "verdict": {"verdict": lambda v: v in ("good", "usable", "poor", "nothing", "unknown")},
    "validation": maybe(by_name(by_name(maybe(number())))),
    "validation_dice_while_training": _DICE,
}

CALIBRATION: Final[Fields] = {
    "curves": by_name(each(_pair)),
    "dice": {"slope": number(), "offset": number()},
}


def fault(content: Mapping[str, Any], fields: Fields, *, within: str = "") -> str | None:
    """What is wrong with the first odd field, as `its data.train.frames is "many"`; None where nothing is.

    Args:
        content: Of the card, or of a part of it.
        fields: What they may hold; those that are absent are passed over.
        within: The part's name.
    """
    for name, check in fields.items():
        if name not in content:
            continue
        value, path = content[name], f"{within}{name}"
        if callable(check):
            if not _passes(check, value):
                return f"its {path} is {shown(value)}"
        elif value is None:
            continue
        elif not isinstance(value, dict):
            return f"its {path} is {shown(value)}"
        elif (found := fault(value, check, within=f"{path}.")) is not None:
            return found
    return None


def _passes(check: Check, value: Any) -> bool:
    try:
        return check(value)
    except TypeError:  # a list is in no set of words
        return False


def shown(value: object) -> str:
    """An odd value, shortened."""
    told = json.dumps(value, ensure_ascii=True, default=str)
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}..."
