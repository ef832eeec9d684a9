"""Random JSON, and the places of a value where it can stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "\ud800", "\x1b[31m", "choices", 10**400, 2**63])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to every value inside a value, outermost first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, own in inner:
        yield (*path, name)
        yield from places(own, (*path, name))


def replaced(value: Any, path: Path, odd: Any) -> Any:
    """A copy with another value in one place."""
    made = json.loads(json.dumps(value))  # without parts that two annotations share
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = odd
    return made
