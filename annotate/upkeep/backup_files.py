"""The files of a workspace, each looked at before it goes into a backup: a damaged one replaces no good one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.journal import Position
from ..catalogue.models import CARD_KEY
from ..errors import CatalogueError
from ..progress.tell import Tell
from ..report import Report
from ..system.places import is_no_file
from ..system.store import TEMPORARY, BlobStore, sha256_hex
from ..wording import counted
from ..workspace import Workspace
from .check_catalogue import meta_values
from .check_files import file_hash, frame_fault, named_blobs
from .fault import REPAIR

_LEFT_OUT: Final = frozenset({".lock", ".worklist.lock"})


class BackupFiles:
    """What goes into one backup.

    Args:
        workspace: Which.
        blobs: Of the backup's folder.
        report: Gets what is damaged or gone.
        tell: Told of each file.
        before: SHA-256 by path of the backup before.

    Attributes:
        taken: SHA-256 by path in the workspace.
        checked: Hashes of files that were there and were read now.
    """

    def __init__(
        self, workspace: Workspace, blobs: BlobStore, report: Report, tell: Tell, *, before: Mapping[str, str]
    ) -> None:
        self.workspace, self.blobs, self.report, self.tell, self.before = workspace, blobs, report, tell, before
        self.taken: dict[str, str] = {}
        self.checked: set[str] = set()

    def take(self, name: str, data: bytes) -> None:
        """Copy a file's content if it is not there yet; a damaged one that is there is written anew."""
        self.tell("Backing up", 1, None)
        sha256 = self.taken[name] = sha256_hex(data)
        if not self._is_there(sha256):
            self.blobs.put(data)
            self.report.count("files new")

    def take_named(self, catalogue: Catalogue) -> None:
        """Copy the blobs, frames and models that a catalogue names."""
        revisions, raw = named_blobs(catalogue)
        for sha256 in sorted(revisions | raw):
            self._take_hashed(self.workspace.store.path(sha256), sha256)
        for frame in catalogue.frames():
            if frame.path and frame.state != "erased":
                self._take_frame(self.workspace.absolute(frame.path), frame.pixel_sha256)
        with catalogue.reading() as connection:
            known = meta_values(connection)
        for model in catalogue.models():
            folder = self.workspace.models_folder / model.id
            self._take_hashed(folder / "weights.safetensors", model.sha256)
            self._take_hashed(folder / "card.json", known.get(CARD_KEY + model.id))

    def take_rest(self, position: Position | None) -> None:
        """Copy all other files of the workspace as they are; of the journal what the copied catalogue knows."""
        segment = f"store/journal/{position.segment}" if position is not None else ""
        for name, path in self._others():
            if is_no_file(path):
                self.report.note("a pipe, a socket or a device (left out)", name)
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # somebody who works on has taken it away
            except OSError as error:
                self._keep_earlier(name, f"cannot be read ({error.strerror})")
                continue
            if position is not None and name == segment:
                data = data[: position.size]
            is_blob = name.startswith("store/") and len(path.name) == 64
            if not is_blob or sha256_hex(data) == path.name:  # a damaged blob that nobody names is left
                self.take(name, data)

    def _others(self) -> Iterator[tuple[str, Path]]:
        for entry in sorted(self.workspace.root.iterdir()):
            if entry.is_file() and not entry.name.startswith("catalogue") and entry.name not in _LEFT_OUT:
                yield entry.name, entry
            if not entry.is_dir():
                continue
            for parent, folders, names in os.walk(entry, onerror=self._tell_closed):
                folders.sort()
                for file in sorted(names):
                    path = Path(parent, file)
                    name = (Path(entry.name) / path.relative_to(entry)).as_posix()
                    if name not in self.taken and not TEMPORARY.fullmatch(file) and not path.is_symlink():
                        yield name, path

    def _take_hashed(self, path: Path, sha256: str | None) -> None:
        """Copy a file whose hash is known; None where nobody has kept it."""
        name = self.workspace.relative(path)
        try:
            data = _content(path)
        except OSError as error:
            self._keep_earlier(name, f"cannot be read ({error.strerror})")
            return
        if sha256 is not None and sha256_hex(data) != sha256:
            self._keep_earlier(name, "is damaged: its content has another hash")
            return
        self.take(name, data)

    def _take_frame(self, path: Path, pixel_sha256: str) -> None:
        name = self.workspace.relative(path)
        known = self.before.get(name)
        try:
            data = _content(path)
        except OSError as error:
            self._keep_earlier(name, f"cannot be read ({error.strerror})")
            return
        if sha256_hex(data) != known and (what := frame_fault(path, pixel_sha256)) is not None:
            self._keep_earlier(name, what)
            return
        self.take(name, data)

    def _keep_earlier(self, name: str, what: str) -> None:
        """A file is damaged or gone: that of the backup before stays, and it is told."""
        earlier = self.before.get(name)
        if earlier is not None and self._is_there(earlier):
            self.taken[name] = earlier
            what += "; the backup keeps the one before"
        self.report.fail(CatalogueError(name, what, REPAIR))

    def _tell_closed(self, error: OSError) -> None:
        """A folder cannot be opened: what the backup before has of it stays, and it is told."""
        if not Path(error.filename).exists():
            return  # somebody who works on has taken it away
        name = self.workspace.relative(Path(error.filename))
        earlier = {n: s for n, s in self.before.items() if n.startswith(f"{name}/") and self._is_there(s)}
        self.taken |= {n: s for n, s in earlier.items() if n not in self.taken}
        what = f"cannot be opened ({error.strerror}); the backup keeps {counted(len(earlier), 'files')} of it"
        self.report.fail(CatalogueError(name, what, "Check its permissions and back up again"))

    def _is_there(self, sha256: str) -> bool:
        if sha256 in self.checked:
            return True
        path = self.blobs.path(sha256)
        if not path.is_file() or file_hash(path) != sha256:
            return False
        self.checked.add(sha256)
        return True


def _content(path: Path) -> bytes:
    if is_no_file(path):  # opening it could take for ever
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_bytes()
