"""Warnings switched for a moment: the switch is the whole process's, so one thread has it at a time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH = threading.RLock()


@contextmanager
def quietly(*errors: type[Warning], ignored: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings of a kind, and raise those of `errors`.

    Threads that each switched on their own would leave each other's setting behind.
    """
    with _SWITCH, warnings.catch_warnings():
        warnings.simplefilter("ignore", ignored)
        for error in errors:
            warnings.simplefilter("error", error)
        yield
