"""Work done ahead in another thread, so that reading, computing and writing overlap."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from queue import Empty, Full, Queue
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
_MOST_THREADS = 8
_POLL_S = 0.1  # how long a thread may go on after nobody wants its items any more


def batched(items: Iterable[T], size: int) -> Generator[list[T]]:
    """Lists of up to `size` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def side_by_side(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """`work` on each item, by a thread a core: worth it where most of the work is in libraries that let others run."""
    count = min(len(items), os.cpu_count() or 1, _MOST_THREADS)
    if count < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))


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
