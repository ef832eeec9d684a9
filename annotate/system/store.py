"""Files that survive a kill and a power cut (written aside, synced, renamed), and blobs named by their hash."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ..errors import CatalogueError
from ..faults import about
from .leftovers import TEMPORARY as TEMPORARY
from .leftovers import sweep_once, temporary_beside
from .platform import folder_mode, fsync_file, fsync_folder, owner_only

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BATCH = 256  # temporary files at a time; it limits what a kill leaves behind


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def write_atomic(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file whole or not at all. After this returns, it survives a power cut.

    Args:
        path: The file's path. Missing folders are made, and an existing file is replaced.
        data: The whole content.
        private: Whether only its owner can read it, from the first byte on.
    """
    write_many([(path, data)], private=private)


def _replace(temporary: Path, path: Path) -> None:
    temporary.replace(path)


def write_many(
    files: Mapping[Path, bytes] | Iterable[tuple[Path, bytes]],
    *,
    private: bool = False,
    place: Callable[[Path, Path], None] = _replace,
) -> int:
    """Write many files like `write_atomic`, with one sync for each batch.

    If it is killed, each file is there whole or not at all. After this returns, all are safe.

    Args:
        files: Contents by their paths.
        private: Readable by their owner only, from their first byte on.
        place: Gets a finished temporary file and its path, and renames it or takes it away.

    Returns:
        The number of files written.
    """
    written = 0
    pending: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items() if isinstance(files, Mapping) else files:
            pending.append((_write_aside(path, data, private=private), path))
            written += 1
            if len(pending) == _BATCH:
                _commit(pending, place)
        _commit(pending, place)
    finally:
        for temporary, _ in pending:
            temporary.unlink(missing_ok=True)
    return written


def sweep_temporaries(folder: Path, *, older_than_s: float = 3600.0) -> int:
    """Delete temporary files that killed runs left behind in a folder, at any depth.

    Args:
        folder: A folder; nothing happens if it does not exist.
        older_than_s: Younger files stay, because another process may still rename them.

    Returns:
        The number of files deleted.
    """
    latest = time.time() - older_than_s
    swept = 0
    for parent, _, names in os.walk(folder):
        for name in filter(TEMPORARY.fullmatch, names):
            path = Path(parent, name)
            if path.stat().st_mtime <= latest:
                path.unlink(missing_ok=True)
                swept += 1
    return swept


class BlobStore:
    """Files that never change, named by the SHA-256 of their content, in folders named by its first two digits.

    Args:
        root: The store's folder; the first blob makes it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """The path of a blob, whether it exists or not."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256 of 64 lower-case hex digits")
        return self.root / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keep a blob, safe from a power cut after this returns. For an existing blob, nothing changes.

        Returns:
            Its SHA-256.
        """
        return self.put_many([data])[0]

    def put_many(self, blobs: Iterable[bytes]) -> list[str]:
        """Keep many blobs at once, with far fewer syncs than one by one.

        Returns:
            Their SHA-256, in the given order.
        """
        hashes: list[str] = []
        write_many(self._missing(blobs, hashes))
        return hashes

    def _missing(self, blobs: Iterable[bytes], hashes: list[str]) -> Iterator[tuple[Path, bytes]]:
        for data in blobs:
            hashes.append(sha256 := sha256_hex(data))
            path = self.path(sha256)
            if self._holds(path, sha256):
                # The run that wrote it may have been killed after the renaming and before the syncing of the folders.
                fsync_folder(path.parent)
                fsync_folder(self.root)
            else:
                yield path, data

    def _holds(self, path: Path, sha256: str) -> bool:
        try:
            return sha256_hex(path.read_bytes()) == sha256  # a damaged blob is written again
        except FileNotFoundError:
            return False

    def get(self, sha256: str) -> bytes:
        """A blob's content, checked against its hash.

        Raises:
            CatalogueError: It is missing or damaged.
        """
        path = self.path(sha256)
        remedy = "Restore it from a backup"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise CatalogueError(f"store/{sha256[:2]}/{sha256}", "is missing", remedy) from None
        if sha256_hex(data) != sha256:
            raise CatalogueError(f"store/{sha256[:2]}/{sha256}", "is damaged: its content has another hash", remedy)
        return data

    def has(self, sha256: str) -> bool:
        """Whether a blob exists, damaged or not."""
        return self.path(sha256).is_file()

    def hashes(self) -> Iterator[str]:
        """The names of all blobs, in order."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(path.name for path in folder.iterdir() if _SHA256.fullmatch(path.name))


def _write_aside(path: Path, data: bytes, *, private: bool) -> Path:
    """Write a temporary file beside `path`, on the same disk, so that it can be renamed."""
    make_folder(path.parent)
    sweep_once(path.parent)
    temporary = temporary_beside(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    mode = 0o600 if private else 0o666 & folder_mode(path.parent)
    try:
        with about(path), os.fdopen(os.open(temporary, flags, mode), "wb") as file:
            file.write(data)
        if private:
            owner_only(temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _commit(pending: list[tuple[Path, Path]], place: Callable[[Path, Path], None]) -> None:
    # Sync only when all are written, because the first sync writes most of the others' data too.
    for temporary, path in pending:
        with about(path):
            fsync_file(temporary)
    for temporary, path in pending:
        with about(path):
            place(temporary, path)
    for folder in dict.fromkeys(path.parent for _, path in pending):
        fsync_folder(folder)
    pending.clear()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each one's name synced in the folder that holds it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=folder_mode(folder.parent), exist_ok=True)
    fsync_folder(folder.parent)
