"""Whether a workspace's folders hold what they should: a sheet for each labelled frame, and nothing strange."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ..catalogue import tables as t
from ..catalogue.catalogue import Catalogue
from ..catalogue.frames import newest_rendition
from ..errors import BrokenInput
from ..formats.labelme_reading import read_labelme
from ..progress.tell import Tell
from ..system.places import NO_FILE, is_no_file
from ..system.store import TEMPORARY
from ..wording import counted
from ..workspace import Workspace
from .fault import Fault

_OLD_S: Final = 3600.0  # a younger temporary file may be somebody's who is writing


def sheets_there(workspace: Workspace, catalogue: Catalogue) -> Iterator[Fault]:
    """The files of `annotations/` that are missing, in one line."""
    c = t.rendition.c
    newest = sa.and_(newest_rendition.c.frame == c.frame, newest_rendition.c.version == c.version)
    joined = t.truth.join(t.rendition, c.frame == t.truth.c.frame).join(newest_rendition, newest)
    with catalogue.reading() as connection:
        pictures = connection.scalars(sa.select(c.path).select_from(joined).where(c.state != "erased").order_by(c.path))
        sheets = [workspace.annotations_folder / Path(path).with_suffix(".json").name for path in pictures]
    missing = [sheet for sheet in sheets if not os.path.lexists(sheet)]
    if missing:
        others = f", and {counted(len(missing) - 1, 'files')} more of this folder" if len(missing) > 1 else ""
        yield Fault(workspace.relative(missing[0]), f"is missing{others}", mend="sheet")


def annotations_readable(workspace: Workspace, *, tell: Tell) -> Iterator[Fault]:
    """The sheets in `annotations/`."""
    for path in sorted(workspace.annotations_folder.glob("*.json")):
        tell("Checking annotations", 1, None)
        try:
            read_labelme(path)
        except BrokenInput as error:
            remedy = "Save it again in Labelme, or delete it: `dmr import` writes it anew from the newest revision"
            yield Fault(workspace.relative(path), error.what, remedy)


def temporaries_gone(workspace: Workspace) -> Iterator[Fault]:
    """What killed runs left behind."""
    latest = time.time() - _OLD_S
    for folder in workspace.own_folders:
        for path in files_below(folder):
            if TEMPORARY.fullmatch(path.name) and path.stat().st_mtime <= latest:
                yield Fault(workspace.relative(path), "was left behind by a run that was killed", mend="temporary")


def no_strange_files(workspace: Workspace) -> Iterator[Fault]:
    """Pipes, sockets and devices, which nothing here reads, in one line; and folders that cannot be opened."""
    closed: list[OSError] = []
    strange = [
        path
        for folder in workspace.own_folders
        if folder.is_dir()
        for parent, _, names in os.walk(folder, onerror=closed.append)
        for name in sorted(names)
        if is_no_file(path := Path(parent, name))
    ]
    for error in closed:
        what = f"cannot be opened ({error.strerror}), so nobody knows what it holds"
        yield Fault(workspace.relative(Path(error.filename)), what, "Check its permissions")
    if strange:
        others = f", and {len(strange) - 1} more in this workspace" if len(strange) > 1 else ""
        yield Fault(workspace.relative(strange[0]), f"{NO_FILE}{others}", "Move it away")


def files_below(folder: Path, *, without: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The files below a folder, in order; pipes, sockets and devices are left out."""
    for parent, folders, names in os.walk(folder):
        if Path(parent) == folder:
            folders[:] = [name for name in folders if name not in without]
        folders.sort()
        for name in sorted(names):
            if not is_no_file(path := Path(parent, name)):
                yield path
