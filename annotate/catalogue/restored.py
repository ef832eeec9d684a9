"""A lost `dmr.toml`: the catalogue knows which classes it had."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..classes import ClassDef
from ..errors import WorkspaceError
from ..settings.model import SETTINGS_NAME
from ..system.store import BlobStore
from .catalogue import Catalogue

CATALOGUE_NAME: Final = "catalogue.sqlite"


def has_lost_settings(folder: Path) -> bool:
    """Whether a folder holds a catalogue and no `dmr.toml`."""
    return not (folder / SETTINGS_NAME).exists() and (folder / CATALOGUE_NAME).is_file()


def refuse_lost_settings(folder: Path) -> None:
    """Raise a WorkspaceError that says how to get a lost `dmr.toml` back."""
    if has_lost_settings(folder):
        what = f"{SETTINGS_NAME} is missing"
        raise WorkspaceError(folder, what, "`dmr init` here restores its classes from the catalogue")


def restored_classes(folder: Path, *, store: BlobStore) -> list[ClassDef] | None:
    """The classes of a workspace that lost its `dmr.toml`, with their ids; None where the catalogue knows none.

    Raises:
        CatalogueError: The catalogue is damaged, or newer than this program.
    """
    if not Catalogue.exists(folder / CATALOGUE_NAME):
        return None
    with Catalogue.open(folder / CATALOGUE_NAME, store=store) as catalogue:
        return list(catalogue.classes()) or None
