"""Find the files below folders, in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenInput
from ..hiding import seen as seen_name
from ..report import Report
from ..system.places import is_no_file
from .kinds import DEAD_LINK, LINK, NO_FILE, Kind, is_system_file


@dataclass(frozen=True, slots=True)
class Found:
    """A file that the user named, or that lies below a named folder.

    Attributes:
        path: The file's path.
        is_named: Whether the user named the file itself.
        is_system: Whether the system put it there; such files are not reported to people.
        unread: Why it is never opened: it is a link to a place outside everything that was named, a link that leads
            nowhere, or a pipe, a socket or a device. None if it is a file to read.
    """

    path: Path
    is_named: bool
    is_system: bool
    unread: Kind | None = None


Places = str | Path | Sequence[str | Path]
"""A file or folder, or several, as programs name them."""


def as_paths(places: Places) -> list[Path]:
    """Files and folders as paths."""
    return [Path(places)] if isinstance(places, str | Path) else [Path(place) for place in places]


def files_below(
    paths: Sequence[Path], suffixes: frozenset[str], *, without: Sequence[Path] = (), report: Report | None = None
) -> list[Path]:
    """All files with these endings among `paths` and below its folders, without repeats, in the order of their names.

    Files that begin with a dot are left out, because systems leave such files behind (`.DS_Store`, `._p01.jpg`). Files
    in a folder of `without`, links to a place outside `paths`, and what is no file, such as a pipe, are left out too.

    Args:
        paths: Files and folders.
        suffixes: Lower case.
        without: Folders to leave alone.
        report: Gets the folders that cannot be opened, the links, and what is no file. None where a `walk` of the same
            folders tells.
    """
    found: list[Path] = []
    for item in walk(paths, report=report or Report(""), without=without):
        if item.path.suffix.lower() not in suffixes or item.path.name.startswith("."):
            continue
        if item.unread is None:
            found.append(item.path)
        elif report is not None:
            what = "a link to another place" if item.unread is LINK else item.unread.phrase
            report.note(f"{what} (left out)", item.path.name)
    return found


def lies_in(file: Path, folders: Sequence[Path]) -> bool:
    """Whether a file lies in one of these folders at any depth. Symbolic links are followed."""
    real = _real(file) if folders else file
    return any(real.is_relative_to(folder) for folder in folders)


def walk(paths: Sequence[Path], *, report: Report, without: Sequence[Path] = ()) -> Iterator[Found]:
    """All files among `paths` and below its folders, without repeats. Within a folder, they are sorted by name.

    A link below a folder is followed only within `paths`: whoever can write there could name any file of the computer.

    Args:
        paths: Files and folders.
        report: Gets the folders that cannot be opened.
        without: Folders that are not searched.
    """

    def fail(error: OSError) -> None:
        report.fail(BrokenInput(error.filename, f"cannot be opened ({error.strerror})", "Check its permissions"))

    places = [_real(path) for path in paths]
    seen: set[Path] = set()
    for root in paths:
        folder = root.is_dir()
        for file in sorted(_inside(root, fail)) if folder else [root]:
            if file in seen or lies_in(file, without):
                continue
            seen.add(file)
            own = file.relative_to(root) if folder else Path(file.name)
            leads_out = folder and _is_link(file) and not lies_in(file, places)
            unread = LINK if leads_out else _no_file(file)
            if unread is None and not _is_file(file):
                continue  # gone meanwhile, or a link to a folder that is searched anyway
            seen_name(file, own.as_posix())
            yield Found(file, is_named=not folder, is_system=is_system_file(own), unread=unread)


def _inside(root: Path, fail: Callable[[OSError], None]) -> Iterator[Path]:
    """All that is no folder below a folder; of the links to folders too, which are not gone into."""
    for parent, folders, names in os.walk(root, onerror=fail):
        yield from (Path(parent, name) for name in names)
        yield from (path for name in folders if _is_link(path := Path(parent, name)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # it is there and may not be looked at: whoever reads it says so
        return True


def _no_file(path: Path) -> Kind | None:
    if is_no_file(path):
        return NO_FILE
    return DEAD_LINK if _is_link(path) and not os.path.exists(path) else None  # noqa: PTH110  (it never raises)


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114  (`Path.is_symlink` raises where it may not look)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # of links that lead in a circle `Path.resolve` raises
