"""Text and JSON of files from outside, read strictly."""

from __future__ import annotations

import json
from typing import Any

from ..errors import BrokenInput


def decoded(data: bytes, where: object) -> tuple[str, str]:
    """The text of a file in UTF-8 or GB18030, and its encoding. Raises BrokenInput."""
    encodings = ("utf-8-sig",) if data.startswith(b"\xef\xbb\xbf") else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise BrokenInput(where, "is text neither in UTF-8 nor in GB18030", "Save it again in Labelme")


class _RefusedError(ValueError):
    """JSON that Python's reader accepts and dmr does not."""


def unique_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for `json.loads`; a key that stands twice is a ValueError: one of its values would be lost."""
    found = dict(items)
    if len(found) != len(items):
        raise _RefusedError("a key stands twice in one object")
    return found


def parsed_json(text: str, where: object) -> Any:
    """The value of a JSON text. Raises BrokenInput also for NaN and for a key that comes twice."""

    def constant(name: str) -> float:
        raise _RefusedError(f"{name} is no number of JSON's")

    try:
        return json.loads(text, object_pairs_hook=unique_keys, parse_constant=constant)
    except json.JSONDecodeError as error:
        wrong = f"is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        reason = wrong if text.strip() else "is empty"
    except _RefusedError as error:
        reason = f"is refused: {error}"
    except RecursionError:
        reason = "is nested too deep"
    except ValueError:  # an integer of more digits than Python converts
        reason = "holds a number that is too long"
    raise BrokenInput(where, reason, "Take a copy that is whole, or draw it again in Labelme")
