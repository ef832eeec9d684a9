"""A computer that refuses to write one file: a full disk, a failing one, or no permission."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

Call = Literal["open", "fsync", "replace"]


@contextmanager
def refusing(file: str, *, call: Call, number: int) -> Iterator[list[str]]:
    """Refuse a call at every file of a pattern; what was refused is listed.

    Args:
        file: Pattern of a path with slashes. Files are written aside and renamed, so that for `open` and `fsync` it is
            the folder that counts.
        call: Which one is refused.
        number: The system's error number.
    """
    refused: list[str] = []
    paths: dict[int, str] = {}
    pattern = re.compile(file if call == "replace" else file.rpartition("/")[0] + "/[^/]*")
    true_open, true_fsync, true_replace = os.open, os.fsync, os.replace

    def check(path: str, *, at: Call, name: bool) -> None:
        if call == at and pattern.search(Path(path).as_posix()):
            refused.append(path)
            raise OSError(number, os.strerror(number), *([path] if name else []))

    def opened(path: Any, flags: int, *more: Any, **options: Any) -> int:
        if flags & os.O_CREAT and Path(os.fspath(path)).suffix == ".tmp":
            check(os.fspath(path), at="open", name=True)
        descriptor = true_open(path, flags, *more, **options)
        paths[descriptor] = os.fspath(path)
        return descriptor

    def synced(descriptor: int) -> None:
        check(paths.get(descriptor, ""), at="fsync", name=False)  # as the system tells it: without a name
        true_fsync(descriptor)

    def replaced(source: Any, target: Any, **options: Any) -> None:
        check(os.fspath(target), at="replace", name=True)
        true_replace(source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", opened)
        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "replace", replaced)
        yield refused
