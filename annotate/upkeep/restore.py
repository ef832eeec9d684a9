"""`dmr db restore`: a workspace brought back from a backup, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..errors import CatalogueError, UsageError, WorkspaceError
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.identity import key_path, load_key
from ..settings.model import SETTINGS_NAME
from ..system.store import BlobStore, make_folder, sweep_temporaries, write_atomic, write_many
from ..workspace import WORKSPACE_FOLDERS
from .check_files import file_hash
from .copy import CATALOGUE
from .manifest import Manifest, blobs_of, manifests, read_manifest

_BEGUN: Final = ".restoring"  # holds the manifest's name until all is there
_LAST: Final = (CATALOGUE, SETTINGS_NAME)  # without them a folder is no workspace: nobody works on a half of one


def bring_back(source: Path, folder: Path, *, report: Report, tell: Tell = silent) -> None:
    """Write the newest backup's workspace into a folder, which must be new, empty, or begun by the same restore.

    Raises:
        UsageError: There is no backup, or the folder holds something.
        CatalogueError: A file of the backup is missing or damaged; the folder is no workspace then.
    """
    found = manifests(source)
    if not found and (blobs_of(source).root.is_dir() or (source / ".lock").is_file()):
        raise UsageError(
            source, "holds a backup that was not finished", "Finish it: `dmr db backup` to the same folder"
        )
    if not found:
        raise UsageError(source, "holds no backup", "Name the folder that `dmr db backup` wrote to")
    manifest = read_manifest(found[-1])
    _begin(folder, manifest)
    blobs = blobs_of(source)
    rest = [name for name in manifest.files if name not in _LAST]
    last = [name for name in _LAST if name in manifest.files]
    missing = [name for name in _LAST if name not in last]
    if missing:
        raise CatalogueError(found[-1], f"lacks {missing[0]}", "Take an older backup")
    for names in (rest, last):
        write_many(_contents(folder, blobs, manifest, names, report=report, tell=tell))
    for name, sha256 in manifest.files.items():
        tell("Checking what was written", 1, len(manifest.files))
        if (folder / name).is_file() and file_hash(folder / name) != sha256:
            raise CatalogueError(folder / name, "reads otherwise than it was written", "Look after that disk")
    for name in WORKSPACE_FOLDERS:
        make_folder(folder / name)
    with Catalogue.open(folder / CATALOGUE, store=BlobStore(folder / "store"), is_copy=True) as catalogue:
        if catalogue.catalogue_hash() != manifest.catalogue_hash:
            report.fail(CatalogueError(CATALOGUE, "says something else than when it was backed up", "`dmr db verify`"))
    (folder / _BEGUN).unlink()
    report.count("files restored", len(manifest.files))
    report.data |= {"backup": manifest.name, "catalogue_hash": manifest.catalogue_hash}
    _restore_key(manifest, blobs, report=report)
    report.say(f"Next: `dmr db verify` in {folder}.")


def _begin(folder: Path, manifest: Manifest) -> None:
    mark = folder / _BEGUN
    if folder.is_dir() and any(folder.iterdir()):
        if not mark.is_file() or mark.read_text(encoding="utf-8") != manifest.name:
            raise UsageError(folder, "is not empty", "Name a new folder; nothing is written over")
        sweep_temporaries(folder, older_than_s=0)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomic(mark, manifest.name.encode())


def _contents(
    folder: Path, blobs: BlobStore, manifest: Manifest, names: list[str], *, report: Report, tell: Tell
) -> Iterator[tuple[Path, bytes]]:
    for name in names:
        tell("Restoring", 1, len(manifest.files))
        try:
            yield folder / name, blobs.get(manifest.files[name])
        except CatalogueError as error:
            what = f"{error.what} in the backup"
            if name in _LAST:
                raise CatalogueError(name, what, "Take an older backup: move the newest backup-*.json away") from error
            report.fail(CatalogueError(name, what, "Look for it in another backup"))


def _restore_key(manifest: Manifest, blobs: BlobStore, *, report: Report) -> None:
    try:
        load_key(manifest.key_id)
    except WorkspaceError as error:
        if not manifest.key:
            report.say(f"The pseudonym key is not on this computer. {error.remedy}.")
            return
        data = blobs.get(manifest.key)
        write_atomic(key_path(manifest.key_id), data, private=True)
        report.say("The pseudonym key was in the backup, and lies among this user's keys now.")
