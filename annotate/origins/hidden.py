"""From a short name, as `--hide-names` prints it, back to the files and labels that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import BrokenInput
from ..formats.labelme_reading import read_labels
from ..hiding import Hider
from ..report import Report
from ..scans.discover import walk
from ..workspace import Session
from .index import IndexBrokenError, all_seen, index_path


def names_behind(s: Session, short: str, *, folders: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """What a short name of this workspace stands for.

    Args:
        s: A session.
        short: As `file-0123abcd`.
        folders: Folders to search for files that became no frame, and for labels.

    Returns:
        The files by the frames that came from them, and the names that were found in the folders.

    Raises:
        BrokenInput: Nothing that is known has this short name.
        WorkspaceError: The workspace's key is not on this computer.
    """
    hider = Hider(s.workspace.names_secret)
    try:
        known = all_seen(index_path(s.catalogue.meta("key_id")))
    except IndexBrokenError as error:
        s.report.fail(error)
        known = {}
    files = {frame: path for frame, path in known.items() if short in _short_names(hider, path)}
    files = {f.frame_id: files[f.frame_id] for f in s.catalogue.frames(files)}
    found = list(dict.fromkeys(_found(hider, short, folders)))
    if not files and not found:
        remedy = f"`dmr where {short} --in FOLDER` searches the folder that it is from"
        raise BrokenInput(short, "stands for no file that this computer's index knows", remedy)
    return files, found


def _short_names(hider: Hider, path: Path) -> Iterator[str]:
    """How a file, one of its folders, or its name without the ending may have been printed."""
    yield hider.short(path.stem)
    for part in (path, *path.parents):
        if part.name:
            yield hider.short(part.name)


def _found(hider: Hider, short: str, folders: Sequence[Path]) -> Iterator[str]:
    for item in walk(folders, report=Report("")):
        if short in _short_names(hider, item.path):
            yield str(item.path)
        if item.path.suffix.lower() == ".json" and item.unread is None:
            try:
                labels = read_labels(item.path)
            except BrokenInput:
                continue
            for label in labels:
                if short == hider.short(label, kind="text"):
                    yield f"the label {label!r} in {item.path}"
