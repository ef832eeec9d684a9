"""Work done ahead in another thread, so that reading, computing and writing overlap."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from itertools import islice
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.1  # how long a thread may go on after nobody wants its items any more


def batched(items: Iterable[T], size: int) -> Generator[list[T]]:
    """Lists of up to `size` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def ahead(items: Iterable[T], *, depth: int = 2) -> Generator[T]:
    """The same items in the same order, taken from `items` by a thread that is up to `depth` of them ahead.

    What `items` raises is raised here, after the items before it. When this is closed, the thread ends.

    Args:
        items: Iterated in the other thread alone.
        depth: Items held at most, beside the one in hand and the one that is being made.
    """
    waiting: Queue[tuple[T | None, BaseException | None]] = Queue(depth)
    closed = threading.Event()

    def put(item: T | None, error: BaseException | None) -> None:
        while not closed.is_set():
            try:
                waiting.put((item, error), timeout=_POLL_S)
            except Full:
                continue
            break

    def work() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    return
        except BaseException as error:
            put(None, error)
        else:
            put(None, StopIteration())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error = waiting.get(timeout=_POLL_S)
            except Empty:  # so that Ctrl-C is heard on Windows too, where a wait without end is not interrupted
                continue
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # without an error there is an item
    finally:
        closed.set()
        thread.join()
