"""`dmr where`: from a frame to its file, and from a file to its frames, on the computer that has the key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord
from ..errors import BrokenInput, DmrError, UsageError, WorkspaceError
from ..formats.labelme_image import find_image, images_by_stem, plain_name
from ..formats.labelme_reading import read_labelme
from ..hiding import is_short
from ..scans.identity import frame_id, load_key
from ..settings.model import Split
from ..workspace import Session
from .files import FileState, file_state, search, source_hashes
from .hidden import names_behind
from .index import IndexBrokenError, Seen, index_path, lasting, look_up, remember
from .positions import Position, clip_positions

_ID: Final = re.compile(r"(?:\d+_)?(f[0-9a-f]{20})(?:\.\w+)?")  # an id, or a picture's name, in the worklist too
_PREFIX: Final = re.compile(r"f[0-9a-f]{3,19}")
_SHOWN: Final = 5  # frames shown when the beginning of an id fits several


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A frame, and what is known of its file.

    Attributes:
        asked: What the user named.
        frame: The frame.
        position: Its place in its clip.
        split: Its patient's split; None if not assigned yet, or if the patient is unknown.
        seen: The file as last seen, None if this computer's index does not know it.
        state: The file's state now.
    """

    asked: str
    frame: FrameRecord
    position: Position
    split: Split | None
    seen: Seen | None
    state: FileState


def where(s: Session, targets: Sequence[str], *, folders: Sequence[Path] = ()) -> list[Whereabouts]:
    """Look up frames and files. The workspace is only read.

    Args:
        s: A session; its report gets what is not found.
        targets: Frame ids or their beginnings, names of their pictures, and files.
        folders: Folders to search for files that are missing, or unknown to the index. Without `targets`, this is done
            for all frames.

    Returns:
        The frames found, in the order named.
    """
    key_id = s.catalogue.meta("key_id")
    asked, given = _asked(s, targets, folders, key_id=key_id)
    frames = {f.frame_id: f for f in s.catalogue.frames(frame for _, frame in asked)}
    try:
        seen = look_up(index_path(key_id), frames)
    except IndexBrokenError as error:
        s.report.fail(error)
        seen = {}
    states = {frame: file_state(seen.get(frame), record) for frame, record in frames.items()}
    lost = {frame: record for frame, record in frames.items() if states[frame] != "same"}
    found = [Seen(frame, lasting(given[frame]), lost[frame].index) for frame in lost if frame in given]
    searched = {frame: record for frame, record in lost.items() if frame not in given}
    if folders:
        found += search(searched, folders, report=s.report, without=s.workspace.own_folders, tell=s.tell)
    remember(key_id, found, report=s.report)
    for one in found:
        seen[one.frame], states[one.frame] = one, "same"
    positions, splits = clip_positions(s.catalogue, frames.values()), s.catalogue.splits()
    return [
        Whereabouts(
            asked=name,
            frame=frames[frame],
            position=positions[frame],
            split=splits.get(frames[frame].patient or ""),
            seen=seen.get(frame),
            state=states[frame],
        )
        for name, frame in asked
    ]


def _asked(
    s: Session, targets: Sequence[str], folders: Sequence[Path], *, key_id: str
) -> tuple[list[tuple[str, str]], dict[str, Path]]:
    """Pairs of target and frame without repeats, and the named files by frame. Without targets, all frames."""
    if not targets:
        return [(f.frame_id, f.frame_id) for f in s.catalogue.frames()], {}
    asked: dict[tuple[str, str], None] = {}
    given: dict[str, Path] = {}
    for target in targets:
        try:
            if is_short(target):
                files, names = names_behind(s, target, folders=folders)
                asked.update(((target, frame), None) for frame in files)
                s.report.data.setdefault("names", {})[target] = [*dict.fromkeys(map(str, files.values())), *names]
                continue
            if (frame := _frame_named(s.catalogue, target)) is not None:
                asked[target, frame] = None
                continue
            for frame, file in _frames_of_file(s.catalogue, Path(target), key_id=key_id):
                asked[target, frame] = None
                given.setdefault(frame, file)
        except (BrokenInput, UsageError) as error:
            s.report.fail(error)
    return list(asked), given


def _frame_named(catalogue: Catalogue, target: str) -> str | None:
    """The frame that a text names by id, first characters of it, or picture name; None if the text is a file.

    Raises:
        BrokenInput: No frame fits, or several do.
    """
    name = PurePath(target.strip(" \t\r\n,;\"'")).name.lower()
    if whole := _ID.fullmatch(name):
        if not catalogue.known_frames([whole[1]]):
            raise BrokenInput(
                target, "is no frame of this workspace", "Run the command in the workspace that the frame is from"
            )
        return whole[1]
    if Path(target).exists() or not _PREFIX.fullmatch(name):
        return None
    found = catalogue.frames_beginning(name, most=_SHOWN + 1)
    if not found:
        raise BrokenInput(target, "no frame of this workspace begins like this", "Try another workspace")
    if len(found) > 1:
        more = " and more" if len(found) > _SHOWN else ""
        what = f"fits several frames: {', '.join(found[:_SHOWN])}{more}"
        raise BrokenInput(target, what, "Give more characters of the id")
    return found[0]


def _frames_of_file(catalogue: Catalogue, path: Path, *, key_id: str) -> Iterator[tuple[str, Path]]:
    """The frames of this workspace that came from a file, each with the file that holds the image.

    Raises:
        BrokenInput: There is no such file, or it is not in the workspace.
        UsageError: It is a folder.
    """
    if path.is_dir():
        raise UsageError(
            path, "is a folder", "Name files or frames. To search a folder for the files of frames, use --in"
        )
    if path.exists() and not path.is_file():  # such as a named pipe: reading it would wait for ever
        raise UsageError(path, "is no file", "Name files or frames")
    try:
        files = {path: source_hashes(path)}
        if (image := _image_beside(path)) is not None:
            files[image] = source_hashes(image)
    except FileNotFoundError:
        what = "is neither a frame nor an existing file"
        raise BrokenInput(
            path, what, "Check the path; a frame's id is f and 20 hex digits, or the first of them"
        ) from None
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check its permissions") from error
    found = [(frame, file) for file, hashes in files.items() for sha in hashes for frame in catalogue.frames_from(sha)]
    if not found and path.suffix.lower() == ".json":
        raise BrokenInput(path, "no image in it or beside it is in this workspace", "Name the image itself")
    if not found:
        would_be = _would_be(list(files.values())[-1][0], key_id=key_id)
        raise BrokenInput(path, f"is not in this workspace{would_be}", "Add it with `dmr ingest` or `dmr import`")
    yield from found


def _would_be(sha256: str, *, key_id: str) -> str:
    try:
        return f"; its frame would be {frame_id(load_key(key_id), source_sha256=sha256, index=0)}"
    except WorkspaceError:  # the key is on another computer
        return ""


def _image_beside(path: Path) -> Path | None:
    """The image file that a Labelme file was drawn on, if it lies in the same folder."""
    if path.suffix.lower() != ".json":
        return None
    try:
        file = read_labelme(path)
    except BrokenInput:
        return None
    stem = plain_name(path.stem)
    same = [p for p in path.parent.glob("*") if plain_name(p.stem) == stem and p.suffix.lower() != ".json"]
    image, _ = find_image(file, path, roots=[path.parent], index=images_by_stem(same))
    return image if isinstance(image, Path) else None


def explain(found: Whereabouts) -> DmrError | None:
    """The error for a file that is missing, changed or unknown; None if it is there and unchanged."""
    frame, seen = found.frame.frame_id, found.seen
    remedy = f"Search a folder for it: `dmr where {frame} --in FOLDER`"
    if seen is None:
        return BrokenInput(frame, "this computer's index does not know its file", remedy)
    told: dict[FileState, str] = {
        "missing": "its file is no longer there",
        "changed": "the content of its file has changed",
        "cannot be opened": "its file cannot be opened",
    }
    return BrokenInput(frame, told[found.state], remedy) if found.state in told else None
