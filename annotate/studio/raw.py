"""An annotation's JSON as it is kept in `store/`: without labels that are none of ours, for they may name a patient."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..system.canonical import canonical_json

# The server changes these by itself: how long ago, and the pre-label after its predictions were replaced.
_VOLATILE: Final = ("created_ago", "parent_prediction")


def raw_json(answer: object, *, is_known: Callable[[str], bool]) -> bytes:
    """The JSON to keep. A label that is not known stands as `unknown 1`, in the order in which they come.

    Args:
        answer: As the server wrote it.
        is_known: Whether a label stands in `dmr.toml`.
    """
    if isinstance(answer, Mapping):
        own = {k: v for k, v in answer.items() if k not in _VOLATILE}
        labels = _Labels(is_known)
        try:
            answer = {k: labels.hidden(v, is_label=k == "result" or k.endswith("labels")) for k, v in own.items()}
        except RecursionError:
            answer = {k: v for k, v in own.items() if not isinstance(v, Mapping | list)}
    try:
        text = canonical_json(answer)
    except ValueError:  # Python reads NaN, which JSON does not have
        text = json.dumps(answer, sort_keys=True)
    return text.encode("utf-8", "surrogatepass")


class _Labels:
    """Numbers the unknown labels of one annotation."""

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self._is_known = is_known
        self._numbers: dict[str, int] = {}

    def hidden(self, value: Any, *, is_label: bool) -> Any:
        """A value of a result. Texts in the lists of labels are labels, and so are those that stand for a region."""
        if isinstance(value, Mapping):
            return {name: self.hidden(own, is_label=str(name).endswith("labels")) for name, own in value.items()}
        if isinstance(value, list):
            return [self.hidden(own, is_label=is_label) for own in value]
        if not is_label or not isinstance(value, str) or not value or self._is_known(value):
            return value
        return f"unknown {self._numbers.setdefault(value, len(self._numbers) + 1)}"
