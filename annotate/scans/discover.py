"""Find the files below folders, in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenInput
from ..report import Report
from .kinds import is_system_file


@dataclass(frozen=True, slots=True)
class Found:
    """A file that the user named, or that lies below a named folder.

    Attributes:
        path: The file's path.
        is_named: Whether the user named the file itself.
        is_system: Whether the system put it there; such files are not reported to people.
    """

    path: Path
    is_named: bool
    is_system: bool


def files_below(paths: Sequence[Path], suffixes: frozenset[str], *, without: Sequence[Path] = ()) -> list[Path]:
    """All files with these endings among `paths` and below its folders, without repeats, in the order of their names.

    Files that begin with a dot are left out, because systems leave such files behind (`.DS_Store`, `._p01.jpg`). Files
    in a folder of `without` are left out too.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if file.suffix.lower() not in suffixes or file.name.startswith("."):
                continue
            if not lies_in(file, without):
                found.setdefault(file, None)
    return list(found)


def lies_in(file: Path, folders: Sequence[Path]) -> bool:
    """Whether a file lies in one of these folders at any depth. Symbolic links are followed."""
    real = file.resolve() if folders else file
    return any(real.is_relative_to(folder) for folder in folders)


def walk(paths: Sequence[Path], *, report: Report, without: Sequence[Path] = ()) -> Iterator[Found]:
    """All files among `paths` and below its folders, without repeats. Within a folder, they are sorted by name.

    Args:
        paths: Files and folders.
        report: Gets the folders that cannot be opened.
        without: Folders that are not searched.
    """

    def fail(error: OSError) -> None:
        report.fail(BrokenInput(error.filename, f"cannot be opened ({error.strerror})", "Check its permissions"))

    seen: set[Path] = set()
    for root in paths:
        folder = root.is_dir()
        inside = (Path(parent, name) for parent, _, names in os.walk(root, onerror=fail) for name in names)
        for file in sorted(p for p in inside if p.is_file()) if folder else [root]:
            if file not in seen and not lies_in(file, without):
                seen.add(file)
                own = file.relative_to(root) if folder else Path(file.name)
                yield Found(file, is_named=not folder, is_system=is_system_file(own))
