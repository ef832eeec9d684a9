"""Work in other threads, so that reading, computing and writing overlap."""

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
_POLL_S = 0.1  # how long a thread may go on after it is told to end


def batched(items: Iterable[T], size: int) -> Generator[list[T]]:
    """The items in order, in lists of up to `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def batched_by_weight(items: Iterable[T], size: int, *, weight: Callable[[T], int], most: int) -> Generator[list[T]]:
    """Lists of up to `size` items that together weigh up to `most`, or of one that is heavier; in order.

    An error in `items` is raised after the items before it.
    """
    batch: list[T] = []
    total = 0
    try:
        for item in items:
            own = weight(item)
            if batch and (len(batch) == size or total + own > most):
                yield batch
                batch, total = [], 0
            batch.append(item)
            total += own
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def side_by_side(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Do `work` on each item, one thread per core. It helps if libraries that let other threads run do the work."""
    count = min(len(items), os.cpu_count() or 1, _MOST_THREADS)
    if count < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))


def ahead(items: Iterable[T], *, depth: int = 2) -> Generator[T]:
    """The same items in the same order. A thread takes them from `items`, up to `depth` items ahead.

    An error in `items` is raised here, after the items before it. When this generator is closed, the thread ends.

    Args:
        items: Only the other thread iterates over them.
        depth: Most items in store, without the one in use and the one being made.
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
            except Empty:  # with a time limit, because on Windows Ctrl-C does not interrupt an endless wait
                continue
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # without an error there is an item
    finally:
        closed.set()
        thread.join()
