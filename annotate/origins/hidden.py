"""From a short name, as `--hide-names` prints it, back to the files and labels that it stands for."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ..errors import BrokenInput
from ..formats.labelme_reading import MOST_BYTES_WITH_IMAGE
from ..hiding import Hider, code_of, unescaped
from ..report import Report
from ..scans.discover import walk
from ..wording import MOST_QUOTED
from ..workspace import Session
from .given import given_name
from .index import IndexBrokenError, all_seen, index_path

_TEXTS: Final = frozenset({".json", ".txt", ".yaml", ".yml", ".csv"})


def names_behind(s: Session, short: str, *, folders: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """What a short name of this workspace stands for.

    Args:
        s: A session.
        short: As `file-0123abcd`.
        folders: Folders to search for files that became no frame, and for texts in files.

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
        s.report.fail_once(error)
        known = {}
    files = {frame: path for frame, path in known.items() if code_of(short) in _short_names(hider, path)}
    files = {f.frame_id: files[f.frame_id] for f in s.catalogue.frames(files)}
    found = list(dict.fromkeys(_found(hider, short, folders)))
    if not files and not found and (name := _given(s, short)) is not None:
        found = [name]
    if not files and not found:
        remedy = f"`dmr where {short} --in FOLDER` searches the folder that it is from"
        raise BrokenInput(short, "stands for no file that this computer's index knows", remedy)
    return files, found


def _given(s: Session, short: str) -> str | None:
    """What a command of this computer printed as this short name, if it did."""
    try:
        return given_name(index_path(s.catalogue.meta("key_id")), code_of(short))
    except IndexBrokenError as error:
        s.report.fail_once(error)
        return None


def _short_names(hider: Hider, path: Path) -> Iterator[str]:
    """The digits under which a file, one of its folders, or its name without the ending may have been printed."""
    yield hider.code(path.stem)
    for part in (path, *path.parents):
        if part.name:
            yield hider.code(part.name)


def _found(hider: Hider, short: str, folders: Sequence[Path]) -> Iterator[str]:
    code = code_of(short)
    for item in walk(folders, report=Report("")):
        if code in _short_names(hider, item.path):
            yield str(item.path)
        if item.unread is None and item.path.suffix.lower() in _TEXTS:
            for text in dict.fromkeys(_texts(item.path)):
                if code in _codes(hider, text):
                    yield f"{text!r} in {item.path}"


def _codes(hider: Hider, text: str) -> Iterator[str]:
    """The digits under which a text of a file may have been printed: whole or cut, and as a path's last part."""
    last = PurePosixPath(text.replace("\\", "/"))
    name = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFKC", text)).strip("_-")  # as `dmr init` names a class
    for form in dict.fromkeys((text, text.strip(), text[:MOST_QUOTED] + "…", last.name, last.stem, name)):
        yield hider.code(form)


def _texts(path: Path) -> Iterator[str]:
    """The texts in a file: of JSON all values and keys, of another file its lines and the parts of its lines."""
    try:
        if path.stat().st_size > MOST_BYTES_WITH_IMAGE:
            return
        text = _decoded(path.read_bytes())
        if path.suffix.lower() == ".json":
            yield from _inside(json.loads(text))
            return
    except (OSError, ValueError, RecursionError):
        return
    for line in text.splitlines():
        for part in (line, *line.split(":"), *line.split(","), *line.split(";"), *line.split()):
            bare = part.strip().removeprefix("- ").strip(" []")
            yield bare
            yield unescaped(bare)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def _inside(content: Any) -> Iterator[str]:
    """All texts and whole numbers in a JSON value, also those as keys."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, (str, int)):
            yield str(value)
