"""Switch warnings for a moment. The switch is for the whole process, so one thread has it at a time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH = threading.RLock()


@contextmanager
def quietly(*errors: type[Warning], ignored: type[Warning] = Warning) -> Iterator[None]:
    """Ignore one kind of warning, and raise the kinds in `errors`.

    Without the lock, threads would restore each other's settings.
    """
    with _SWITCH, warnings.catch_warnings():
        warnings.simplefilter("ignore", ignored)
        for error in errors:
            warnings.simplefilter("error", error)
        yield
