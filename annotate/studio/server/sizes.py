"""Requests that are too large for a server are sent in smaller parts; one that cannot be parted is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from ...errors import StudioError
from .errors import TOO_LARGE, status_of

_MOST: Final = 100 * 2**20  # Label Studio answers 500 to a JSON of more than 250 MB
_CORNER: Final = 60  # bytes of a corner in JSON, no fewer than it takes

T = TypeVar("T")
R = TypeVar("R")


def in_parts(
    things: Sequence[T], send: Callable[[Sequence[T]], R], *, size: Callable[[T], int], most: int = _MOST
) -> Iterator[R]:
    """Send things in one request, or in halves of it while the server says that it is too large. The order is kept.

    A server that says so has read nothing, so nothing comes twice.

    Args:
        things: What is sent.
        send: Sends some of them in one request.
        size: About how many bytes one takes.
        most: How many bytes a request may take, whatever the server says.

    Raises:
        StudioError: The server refuses, or one thing alone is too large.
    """
    if len(things) < 2 or sum(map(size, things)) <= most:
        try:
            yield send(things)
            return
        except StudioError as error:
            if len(things) < 2 or status_of(error) != TOO_LARGE:
                raise
    middle = len(things) // 2
    yield from in_parts(things[:middle], send, size=size, most=most)
    yield from in_parts(things[middle:], send, size=size, most=most)


def json_size(thing: Mapping[str, Any]) -> int:
    """About how many bytes a task or a prediction takes, no fewer than it does."""
    predictions = thing.get("predictions") or (thing,)
    regions = [region for p in predictions for region in p.get("result") or ()]
    return 1000 + sum(500 + _CORNER * len(region.get("value", {}).get("points", ())) for region in regions)
