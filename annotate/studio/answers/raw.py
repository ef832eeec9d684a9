"""An annotation's JSON as it is kept in `store/`: only what dmr reads, for any other text may name a patient."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ...system.canonical import canonical_json
from ..interface.config import NOTHING, TICK
from .figures import KEYS, PICTURE
from .painted import kept_bitmask

_MOST: Final = 2**63 - 1  # the largest number that a database keeps
_SENT_ID: Final = re.compile(r"[0-9a-f]{10}")  # the id of a region that dmr sent; see `payload.region_id`
_LABELS: Final = "labels"
_DRAWN: Final = ("polygon", "brush", "bitmask", "rectangle", "ellipse", "keypoint", "vector", "hypertext")
_BESIDE: Final = ("choices", "taxonomy", "textarea", "rating", "number", "datetime", "pairwise", "ranker", "relation")
_TYPES: Final = frozenset((*_BESIDE, *_DRAWN, *(f"{kind}labels" for kind in _DRAWN), _LABELS))
_NAMES: Final = frozenset(("label", "image", NOTHING))  # in a project that dmr made

# Results that belong to the frame as a whole, join two others, or say something of an outline that stands beside them.
NO_REGION: Final = frozenset(_BESIDE)


def raw_json(answer: object, *, is_known: Callable[[str], bool], figures: Mapping[str, Sequence[str]] = KEYS) -> bytes:
    """The JSON to keep. A text that is none of ours stands as `unknown 1`, in the order in which they come.

    What the server changes by itself is left out too: how long ago it was, and the pre-label after its predictions were
    replaced. All that can be read stays as it is, so two annotations that are read otherwise are kept otherwise.

    Args:
        answer: As the server wrote it.
        is_known: Whether a text is a label of `dmr.toml`, or the name of the project's image.
        figures: What is read of each figure that is no polygon.
    """
    texts = _Texts(is_known, figures)
    try:
        kept = texts.annotation(answer) if isinstance(answer, Mapping) else texts.hidden(answer)
    except RecursionError:
        kept = None
    return canonical_json(kept).encode()


def kept_anew(kept: bytes, *, is_known: Callable[[str], bool]) -> bytes:
    """What an older dmr kept of an annotation, as it would be kept now."""
    try:
        return raw_json(json.loads(kept), is_known=is_known)
    except ValueError:
        return kept


def is_tick(result: object) -> bool:
    """Whether an entry of an annotation's `result` is the tick that nothing is to be seen."""
    if not isinstance(result, Mapping) or (result.get("type"), result.get("from_name")) != ("choices", NOTHING):
        return False
    value = result.get("value")
    chosen = value.get("choices") if isinstance(value, Mapping) else None
    return isinstance(chosen, list) and bool(chosen)


def as_kept_before(kept: bytes, *, is_known: Callable[[str], bool]) -> bytes:
    """What is kept of an annotation, as it was kept before dmr read ellipses, rectangles and painted masks."""
    return raw_json(json.loads(kept), is_known=is_known, figures={})


def further_keys(value: Mapping[str, Any], kind: str, figures: Mapping[str, Sequence[str]] = KEYS) -> list[str]:
    """What a region's value has beside corners and labels that may change its outline, such as `holes`, sorted."""
    read = ("points", "closed", PICTURE, kind, *figures.get(kind, ()))
    return sorted(
        str(name) for name, own in value.items() if name not in read and own and (name == "rotation" or _is_nested(own))
    )


def _is_nested(value: object) -> bool:
    """Whether a value can hold corners: it is an object, or a list of anything but texts."""
    is_list = isinstance(value, list) and not all(isinstance(own, str) for own in value)
    return is_list or isinstance(value, Mapping)


class _Texts:
    """Keeps the values of one annotation, and numbers the texts that are hidden."""

    def __init__(self, is_known: Callable[[str], bool], figures: Mapping[str, Sequence[str]]) -> None:
        self._is_known = is_known
        self._figures = figures
        self._numbers: dict[str, int] = {}

    def annotation(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        numbers = ("id", "task", "was_cancelled", "lead_time", "parent_annotation")
        kept = {name: self.number(answer[name]) for name in numbers if name in answer}
        if "completed_by" in answer:
            who = answer["completed_by"]
            kept["completed_by"] = self.number(who.get("id") if isinstance(who, Mapping) else who)
        if "updated_at" in answer:
            at = answer["updated_at"]
            kept["updated_at"] = at if _is_time(at) else self.hidden(at)
        if "result" in answer:
            results = answer["result"]
            kept["result"] = [self.region(r) for r in results] if isinstance(results, list) else self.hidden(results)
        return kept

    def region(self, result: object) -> Any:
        if not isinstance(result, Mapping):
            return self.hidden(result)
        numbers = ("original_width", "original_height", "image_rotation")
        kept = {name: self.number(result[name]) for name in numbers if name in result}
        for name, is_ours in (
            ("id", lambda text: _SENT_ID.fullmatch(text) is not None),
            ("type", _TYPES.__contains__),
            ("from_name", _NAMES.__contains__),
            ("to_name", lambda text: text in _NAMES or self._is_known(text)),
        ):
            if name in result:
                text = result[name]
                kept[name] = text if isinstance(text, str) and is_ours(text) else self.hidden(text)
        if "value" in result:
            value, kind = result["value"], result.get("type")
            own = isinstance(value, Mapping)
            kept["value"] = self.value(value, str(kind)) if own else self.hidden(value)
            if own and "choices" in value and (kind, result.get("from_name")) == ("choices", NOTHING):
                kept["value"]["choices"] = self.choices(value["choices"])
        return kept

    def value(self, value: Mapping[str, Any], kind: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        if "points" in value:
            kept["points"] = self.numbers(value["points"])
        if "closed" in value:
            kept["closed"] = self.number(value["closed"])
        for name in self._figures.get(kind, ()):
            if name in value:
                kept[name] = self.picture(value[name]) if name == PICTURE else self.numbers(value[name])
        if kind in value and kind in _TYPES and kind.endswith(_LABELS):
            kept[kind] = self.labels(value[kind])
        if further := further_keys(value, kind, self._figures):
            kept["further"] = [self.hidden(name) for name in further]
        return kept

    def picture(self, value: object) -> Any:
        """The pixels of a painted picture."""
        try:
            return kept_bitmask(value)
        except ValueError:
            return self.hidden(value)

    def number(self, value: object) -> Any:
        """A number, a truth value or null; anything else is hidden."""
        is_number = isinstance(value, int | float) and abs(value) <= _MOST and math.isfinite(value)
        return value if value is None or is_number else self.hidden(value)

    def numbers(self, value: object) -> Any:
        return [self.numbers(own) for own in value] if isinstance(value, list) else self.number(value)

    def labels(self, value: object) -> Any:
        if isinstance(value, list):
            return [self.labels(own) for own in value]
        is_own = isinstance(value, str) and (not value or self._is_known(value))
        return value if value is None or is_own else self.hidden(value)

    def choices(self, value: object) -> Any:
        """What was ticked of the one choice that is read."""
        if not isinstance(value, list):
            return self.hidden(value)
        return [own if own == TICK else self.hidden(own) for own in value]

    def hidden(self, value: object) -> Any:
        """What stands for a value that nobody reads; null for null."""
        if value is None:
            return None
        return f"unknown {self._numbers.setdefault(json.dumps(value, sort_keys=True), len(self._numbers) + 1)}"


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and value.isascii() and bool(datetime.fromisoformat(value))
    except ValueError:
        return False
