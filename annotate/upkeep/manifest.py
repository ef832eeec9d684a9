"""What a backup holds: a folder of blobs, and a manifest for each time, which names them by the workspace's paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import CatalogueError
from ..system.canonical import canonical_json
from ..system.store import BlobStore, write_atomic

FORMAT: Final = 1
KEY: Final = "pseudonym.key"
_NAME: Final = re.compile(r"backup-\d{8}T\d{12}Z\.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Attributes:
        at: When, as in its file's name.
        key_id: Of the workspace's pseudonym key.
        catalogue_hash: What the catalogue says, see `Catalogue.catalogue_hash`.
        files: SHA-256 by path in the workspace, POSIX.
        key: SHA-256 of the key's file where it was put in; else empty.
    """

    at: str
    key_id: str
    catalogue_hash: str
    files: Mapping[str, str]
    key: str = ""

    @property
    def name(self) -> str:
        """Of its file."""
        return f"backup-{self.at}.json"

    def write(self, folder: Path) -> None:
        """Keep it; what it names is there by now."""
        said = {name: getattr(self, name) for name in ("at", "key_id", "catalogue_hash", "files", "key")}
        write_atomic(folder / self.name, canonical_json({"format": FORMAT, **said}).encode(), private=True)


def manifests(folder: Path) -> list[Path]:
    """The manifests in a backup's folder, the newest last."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def read_manifest(path: Path) -> Manifest:
    """Read one.

    Raises:
        CatalogueError: It is damaged, or of a newer program.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise CatalogueError(path, "was made by a newer dmr", "Install it")
        manifest = Manifest(**said)
        for name, sha256 in manifest.files.items():
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or name.startswith("/") or ":" in name or "\\" in name:
                raise ValueError("a path leads out of the workspace")
            if not _SHA256.fullmatch(sha256):
                raise ValueError("no hash")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CatalogueError(path, "is damaged", "Take an older one, or another backup") from error
    return manifest


def blobs_of(folder: Path) -> BlobStore:
    """The files of all backups in a folder."""
    return BlobStore(folder / "blobs")
