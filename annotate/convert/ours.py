"""Which files a conversion may replace: those that a conversion wrote, nobody edited, and that have no more."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ..classes import canonical_label
from ..errors import BrokenInput
from ..formats.dicom_seg import is_our_segmentation
from ..formats.index_mask import read_index_mask
from ..formats.instance_mask import TABLE_ENDING, TITLE
from ..formats.lost import lost_labels
from ..formats.nifti import is_our_volume
from ..formats.yolo import HEADER
from .untouched import is_untouched
from .written import (
    FRAMES_KEY,
    YOLO_NAMES,
    is_in_our_yolo_set,
    is_our_data_set,
    is_our_list_of_frames,
    is_our_table,
)

FRAMES_ENDING: Final = ".frames.json"
"""Of the list of frames beside a NIfTI volume."""

MOST_BYTES: Final = 2**30
"""Of a data set that is read."""

# A mask has few values; a scan that lies where a mask is to go has many.
_MOST_VALUES: Final = 64
_YOLO_LINE: Final = re.compile(r"\d+( -?[\d.e+-]+){4,}")
_BY_HAND: Final = "was drawn or edited by hand"
NOT_OURS: Final = "was not written by dmr, or was edited since"


def why_not_ours(path: Path, data: bytes, new: bytes) -> str | None:
    """Why a file may not be replaced, as words behind "exists and"; None if it may.

    Args:
        path: Where it lies.
        data: What it holds.
        new: What shall replace it.
    """
    name = path.name.lower()
    if name.endswith(".json") and is_data_set(new):
        if not is_data_set(data):
            return "is no COCO data set"
        return None if is_our_data_set(data) else NOT_OURS
    if name.endswith(".png") and _is_instances(new):
        return None if _is_instances(data) else "is no mask of instances that dmr wrote"
    if name.endswith(".txt") and not is_in_our_yolo_set(path):
        return f"no {YOLO_NAMES} of dmr says which classes its numbers mean"
    is_ours, why = next(rule for ending, rule in _RULES.items() if name.endswith(ending))
    return None if is_ours(data) else why


def is_data_set(data: bytes) -> bool:
    """Whether the bytes are of a COCO data set."""
    return b'"annotations"' in data and {"images", "annotations", "categories"} <= _keys(data)


def _is_mask(data: bytes) -> bool:
    try:
        return len(np.unique(read_index_mask(data, where="the target"))) <= _MOST_VALUES or _is_instances(data)
    except BrokenInput:
        return _is_instances(data)


def _is_instances(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return image.info.get("Title") == TITLE
    except (OSError, ValueError, SyntaxError):
        return False


def _is_yolo(data: bytes) -> bool:
    try:
        return all(_YOLO_LINE.fullmatch(line) for line in data.decode("ascii").splitlines() if line)
    except UnicodeDecodeError:
        return False


def _keys(data: bytes) -> set[str]:
    return set(_content(data))


def _content(data: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def would_lose(files: Mapping[Path, bytes], *, lacking: bool = False, missing_too: bool = True) -> int:
    """How many frames of the files that are there would lack more in those that replace them.

    A file that can say what it lacks tells for itself and for the one of its name beside it. Others count as whole.

    Args:
        files: Contents of the new files by their paths, which belong together.
        lacking: The new files that cannot say it lack something.
        missing_too: A frame that the new files do not have counts.
    """
    there = {path: path.read_bytes() for path in files if path.is_file()}
    says = {_base(path): path for path in files if can_say(path)}
    worse = 0
    for path, old in there.items():
        saying = says.get(_base(path))
        if saying is None:
            worse += lacking
        elif path == saying:
            new = _lost(files[path])
            worse += sum(
                missing_too if frame not in new else not (None in lost or new[frame] <= lost)
                for frame, lost in _lost(old).items()
            )
        elif saying not in there:
            worse += any(_lost(files[saying]).values())
    return worse


def can_say(path: Path) -> bool:
    """Whether a file of ours of this name says what it lacks."""
    return path.name.lower().endswith(".json")


def _base(path: Path) -> Path:
    """A path without the endings by which two files of one frame, or a volume and its list, differ."""
    ending = next((e for e in (TABLE_ENDING, FRAMES_ENDING, ".nii.gz") if path.name.endswith(e)), path.suffix)
    return path.with_name(path.name[: -len(ending)]) if ending else path


def _lost(data: bytes) -> dict[str, set[str | None]]:
    """The labels that a JSON file of ours says lost something, by frame; a file of one frame has it under no name."""
    content = _content(data)
    for list_of, name in (("images", "file_name"), (FRAMES_KEY, "name")):
        if isinstance(rows := content.get(list_of), list):
            found: dict[str, set[str | None]] = defaultdict(set)
            for row in (row for row in rows if isinstance(row, dict)):
                found[str(row.get(name))] |= _labels_lost(row)
            return found
    return {"": _labels_lost(content)} if content else {}


def _labels_lost(entry: Mapping[str, Any]) -> set[str | None]:
    return {None if label is None else canonical_label(label) for label in lost_labels(entry)}


# By ending, the first that fits.
_RULES: Final[dict[str, tuple[Callable[[bytes], bool], str]]] = {
    ".png": (_is_mask, "is not a mask"),
    TABLE_ENDING: (is_our_table, NOT_OURS),
    FRAMES_ENDING: (is_our_list_of_frames, NOT_OURS),
    ".txt": (_is_yolo, "holds other text than YOLO's"),
    ".yaml": (lambda data: data.startswith(HEADER.encode()), "was not written by dmr"),
    ".nii.gz": (is_our_volume, "is no volume that dmr wrote"),
    ".dcm": (is_our_segmentation, "is no segmentation that dmr wrote"),
    "": (is_untouched, _BY_HAND),
}
