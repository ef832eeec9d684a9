"""`dmr db backup`: a workspace copied while others write, only what is new, and read again."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..errors import CatalogueError, UsageError
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.identity import load_key
from ..system.platform import exclusive_lock, private_folder
from ..system.store import sweep_temporaries
from ..workspace import Workspace
from .backup_files import BackupFiles
from .check_catalogue import position_in
from .check_files import file_hash
from .copy import CATALOGUE, catalogue_copy
from .manifest import Manifest, blobs_of, manifests, read_manifest

KEPT: Final = 7  # backups in one folder; older ones go
_LOCK: Final = ".lock"
_TIME: Final = "%Y%m%dT%H%M%S%f"


def back_up(
    workspace: Workspace, dest: Path, *, with_key: bool = False, report: Report, tell: Tell = silent
) -> Manifest:
    """Copy a workspace into a folder that may hold older backups of it.

    The catalogue is copied first, at one moment. What it names was written before it, and is copied then.

    Raises:
        UsageError: The folder lies in the workspace, holds something else, or another backup is being made in it.
        CatalogueError: The catalogue cannot be copied, or what was written to the folder reads otherwise.
    """
    dest = dest.resolve()
    if dest == workspace.root or workspace.root in dest.parents:
        raise UsageError(dest, "lies in the workspace", "Name a folder outside it, better on another disk")
    if dest.is_dir() and not (dest / "blobs").is_dir() and any(path.name != _LOCK for path in dest.iterdir()):
        raise UsageError(dest, "holds files that are no backup", "Name a new folder, or one with older backups")
    if not dest.exists():
        private_folder(dest)
    with ExitStack() as held:
        try:
            held.enter_context(exclusive_lock(dest / _LOCK, wait_s=0))
        except TimeoutError:
            raise UsageError(dest, "another backup is being made in it", "Wait for it to finish") from None
        blobs_of(dest).root.mkdir(exist_ok=True)
        sweep_temporaries(dest)
        return _back_up(workspace, dest, with_key=with_key, report=report, tell=tell)


def _back_up(workspace: Workspace, dest: Path, *, with_key: bool, report: Report, tell: Tell) -> Manifest:
    there = manifests(dest)
    last = read_manifest(there[-1]) if there else None
    files = BackupFiles(workspace, blobs_of(dest), report, tell, before=last.files if last else {})
    report.count("files new", 0)
    with catalogue_copy(workspace) as copy:
        with Catalogue.open(copy, store=workspace.store, is_copy=True) as catalogue:
            key_id = catalogue.meta("key_id")
            if last is not None and last.key_id != key_id:
                raise UsageError(dest, "holds backups of another workspace", "Name a folder of its own for each")
            files.take_named(catalogue)
            catalogue_hash = catalogue.catalogue_hash()
        position = position_in(copy)
        files.take(CATALOGUE, copy.read_bytes())
    files.take_rest(position)
    key = blobs_of(dest).put(f"{load_key(key_id).secret.hex()}\n".encode()) if with_key else ""
    manifest = Manifest(_later_than(last), key_id, catalogue_hash, dict(sorted(files.taken.items())), key)
    for sha256 in sorted({*manifest.files.values(), *({key} - {""})} - files.checked):
        tell("Reading the backup again", 1, None)
        if file_hash(blobs_of(dest).path(sha256)) != sha256:
            raise CatalogueError(dest, "reads otherwise than it was written", "Look after that disk; use another one")
    report.count("files backed up", len(manifest.files))
    if last is not None and (last.files, last.key) == (manifest.files, manifest.key):
        report.say("Nothing was new.")
        manifest = last
    else:
        manifest.write(dest)
        _forget_old(dest)
    report.data |= {"backup": manifest.name, "catalogue_hash": catalogue_hash}
    if with_key:
        report.say("The backup holds the pseudonym key: whoever has it can find patients again. Keep it under lock.")
    else:
        report.say("The pseudonym key is not in the backup: keep a copy of the key apart from it.")
    return manifest


def _later_than(last: Manifest | None) -> str:
    """Now, and after the last backup also where the clock was set back."""
    now = datetime.now(UTC)
    if last is not None:
        now = max(now, datetime.strptime(last.at, f"{_TIME}Z").replace(tzinfo=UTC) + timedelta(microseconds=1))
    return now.strftime(f"{_TIME}Z")


def _forget_old(dest: Path) -> None:
    """Let the oldest backups go, and the files that only they name."""
    old = manifests(dest)[:-KEPT]
    if not old:
        return
    for path in old:
        path.unlink()
    named: set[str] = set()
    for path in manifests(dest):
        kept = read_manifest(path)
        named |= {*kept.files.values(), kept.key}
    blobs = blobs_of(dest)
    for sha256 in list(blobs.hashes()):
        if sha256 not in named:
            blobs.path(sha256).unlink()
