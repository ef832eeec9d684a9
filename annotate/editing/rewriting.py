"""A file that somebody may save at any moment is replaced only where it is what it was when it was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..report import Report
from ..system.exchange import exchange, place_new
from ..system.store import sha256_hex, write_many

SAVED_MEANWHILE: Final = "saved while its file was to be written (it stays, and the next `dmr import` takes it up)"
UNREADABLE: Final = "unreadable"
"""Stands for the hash of a file that is there and cannot be read."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written.

    Attributes:
        path: Where.
        data: What it is to hold.
        seen: Hash of what was there when it was decided to write it; None where nothing was.
    """

    path: Path
    data: bytes
    seen: str | None


def hash_of(path: Path) -> str | None:
    """Hash of what a file holds now, None where there is none."""
    try:
        return sha256_hex(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        return UNREADABLE


def rewrite(files: Iterable[NewFile], *, report: Report | None = None) -> int:
    """Write files, each whole or not at all; one that somebody saved since it was looked at stays as it is.

    Args:
        files: What to write; each is held against what is there at the moment when it is put in its place.
        report: Gets the files that stayed.

    Returns:
        How many were put in their places.
    """
    placing = _Placing()

    def pending() -> Iterable[tuple[Path, bytes]]:
        for file in files:
            placing.seen[file.path] = file.seen
            yield file.path, file.data

    written = write_many(pending(), place=placing.place)
    if report is not None:
        for path, words in placing.stayed.items():
            report.note(words, path.name)
    return written - len(placing.stayed)


@dataclass(slots=True)
class _Placing:
    """Puts files in their places.

    Attributes:
        seen: What was at each place; see `NewFile`.
        stayed: The files that stayed, with what to say of each.
    """

    seen: dict[Path, str | None] = field(default_factory=dict)
    stayed: dict[Path, str] = field(default_factory=dict)

    def place(self, new: Path, path: Path) -> None:
        seen = self.seen[path]
        if hash_of(path) != seen:
            new.unlink()
            self.stayed[path] = SAVED_MEANWHILE
        elif seen is None:
            if not place_new(new, path):
                new.unlink()
                self.stayed[path] = SAVED_MEANWHILE
        else:
            self._replace(new, path, seen)

    def _replace(self, new: Path, path: Path, seen: str) -> None:
        ours = hash_of(new)
        exchange(new, path)
        if hash_of(new) == seen:
            new.unlink()
            return
        exchange(new, path)  # a save in this very instant goes back to its place
        self.stayed[path] = SAVED_MEANWHILE
        if hash_of(new) == ours:
            new.unlink()
        else:  # and another one was there by then
            kept = _free(path)
            new.replace(kept)
            self.stayed[path] = f"saved twice while its file was to be written (both stay, one as {kept.name})"


def _free(path: Path) -> Path:
    """A name beside a file for what it held, which no other file has."""
    number = 1
    while (kept := path.with_name(f"{path.name}.kept{'' if number == 1 else f'-{number}'}")).exists():
        number += 1
    return kept


def remove_unless_changed(files: Mapping[Path, str], *, report: Report) -> bool:
    """Delete files that hold what they held when they were looked at, by their hashes.

    Returns:
        Whether all are gone.
    """
    gone = True
    for path, seen in files.items():
        spare = path.with_name(f"{path.name}.leaving")
        try:
            path.replace(spare)
        except FileNotFoundError:
            continue
        if hash_of(spare) == seen:
            spare.unlink()
            continue
        gone = False
        report.note(SAVED_MEANWHILE, path.name)
        if not place_new(spare, path):
            spare.replace(_free(path))
    return gone
