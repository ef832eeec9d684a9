"""Work done ahead keeps order, errors and memory, and its thread ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from dmr.annotate.system.pipeline import ahead, batched, side_by_side


def test_items_come_in_their_order_from_another_thread() -> None:
    threads = set()

    def items() -> Iterator[int]:
        for k in range(50):
            threads.add(threading.get_ident())
            yield k

    assert list(ahead(items())) == list(range(50))
    assert threads.isdisjoint({threading.get_ident()})


def test_an_error_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third is broken")

    seen = []
    with pytest.raises(ValueError, match="third"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [1, 2]


def test_no_more_is_held_than_was_asked_for() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        for k in range(1000):
            made += 1
            yield k

    running = ahead(items(), depth=3)
    next(running)
    time.sleep(0.3)
    assert made <= 1 + 3 + 1
    running.close()


def test_closing_ends_the_thread_and_lets_the_source_clean_up() -> None:
    before, closed = threading.active_count(), []

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    running = ahead(items())
    next(running)
    running.close()
    assert threading.active_count() == before
    assert closed


def test_batches_are_full_but_the_last() -> None:
    assert list(batched(iter(range(7)), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_side_by_side_keeps_the_order_and_raises() -> None:
    assert side_by_side(lambda k: k * k, list(range(20))) == [k * k for k in range(20)]
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda k: 1 // k, [1, 0, 2])
