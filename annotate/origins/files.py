"""The files that frames came from: check that they are unchanged, and find them again by their hashes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ..catalogue.records import FrameRecord
from ..errors import BrokenInput
from ..formats.labelme_reading import read_labelme
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.discover import walk
from ..system.store import sha256_hex
from .index import Seen, lasting

FileState = Literal["same", "changed", "missing", "cannot be opened", "unknown"]
"""The state of a frame's file; `unknown` if the index does not know the frame."""


def file_state(seen: Seen | None, frame: FrameRecord) -> FileState:
    """The state of a frame's file: whether it is where it was last seen, and unchanged."""
    if seen is None:
        return "unknown"
    try:
        if frame.source_sha256 in source_hashes(seen.path):
            return "same"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "cannot be opened"
    return "changed"


def source_hashes(path: Path) -> list[str]:
    """SHA-256 of a file, and of the image inside it if it is a Labelme file.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        hashes = [hashlib.file_digest(file, "sha256").hexdigest()]
    if path.suffix.lower() == ".json":
        try:
            embedded = read_labelme(path).image_data
        except BrokenInput:
            embedded = None
        if embedded is not None:
            hashes.append(sha256_hex(embedded))
    return hashes


def search(
    wanted: Mapping[str, FrameRecord],
    folders: Sequence[Path],
    *,
    report: Report,
    without: Sequence[Path] = (),
    tell: Tell = silent,
) -> list[Seen]:
    """Find the files of frames by the hashes of the files in folders, until all are found.

    Args:
        wanted: Frames by their ids.
        folders: Folders to search at any depth.
        report: Gets the folders that cannot be opened.
        without: Folders that are not searched.
        tell: Gets the progress.
    """
    missing: dict[str, list[FrameRecord]] = defaultdict(list)
    for record in wanted.values():
        missing[record.source_sha256].append(record)
    found: list[Seen] = []
    for item in walk(folders, report=report, without=without):
        if not missing:
            break
        try:
            hashes = [] if item.is_system or item.unread else source_hashes(item.path)
        except OSError:  # nobody knows whose file this is, so it is no failure
            hashes = []
        for sha256 in hashes:
            found += [Seen(r.frame_id, lasting(item.path), r.index) for r in missing.pop(sha256, ())]
        tell("Searching files", 1, None)
    return found
