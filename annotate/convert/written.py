"""JSON files and YOLO's texts that a conversion wrote: what other programs wrote, or people added to, is not ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..formats.lost import LOST_KEY
from ..formats.strict_json import unique_keys
from ..formats.yolo import HEADER
from ..system.canonical import canonical_json

YOLO_NAMES: Final = "data.yaml"
FRAMES_KEY: Final = "dmr_frames"

_COCO: Final[Mapping[str, frozenset[str]]] = {
    "images": frozenset({"id", "file_name", "height", "width", LOST_KEY}),
    "annotations": frozenset({"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"}),
    "categories": frozenset({"id", "name"}),
}
_FRAMES: Final[Mapping[str, frozenset[str]]] = {FRAMES_KEY: frozenset({"name", "spacing_mm", LOST_KEY})}
_INSTANCES: Final[Mapping[str, frozenset[str]]] = {"instances": frozenset({"number", "class"})}


def is_our_data_set(data: bytes) -> bool:
    """Whether the bytes are a COCO data set as a conversion writes it."""
    content = _content(data)
    return content is not None and data == _canonical(content) and _has_only(content, _COCO)


def is_our_list_of_frames(data: bytes) -> bool:
    """Whether the bytes are the list of a volume's frames as a conversion writes it."""
    content = _content(data)
    if content is None or data != _canonical(content):
        return False
    return isinstance(content.get("classes"), dict) and _has_only(content, _FRAMES, beside=frozenset({"classes"}))


def is_our_table(data: bytes) -> bool:
    """Whether the bytes are a table of instances as a conversion writes it."""
    content = _content(data)
    if content is None or data != _bytes(json.dumps(content, ensure_ascii=False, indent=1) + "\n"):
        return False
    return _has_only(content, _INSTANCES, beside=frozenset({LOST_KEY}))


def is_in_our_yolo_set(path: Path) -> bool:
    """Whether a text lies in a data set of YOLO's that a conversion named: else its numbers may mean other classes."""
    root = next((folder.parent for folder in path.parents if folder.name == "labels"), path.parent)
    try:
        return (root / YOLO_NAMES).read_bytes().startswith(HEADER.encode())
    except OSError:
        return False


def _content(data: bytes) -> dict[str, Any] | None:
    try:
        content: Any = json.loads(data.decode("utf-8"), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _canonical(content: Mapping[str, Any]) -> bytes | None:
    try:
        return _bytes(canonical_json(content))
    except (ValueError, RecursionError):
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")


def _has_only(
    content: Mapping[str, Any], lists: Mapping[str, frozenset[str]], *, beside: frozenset[str] = frozenset()
) -> bool:
    """Whether a file holds these lists, of objects with no other keys, and nothing else."""
    if not lists.keys() <= content.keys() or not content.keys() <= lists.keys() | beside:
        return False
    return all(
        isinstance(content[name], list) and all(isinstance(row, dict) and row.keys() <= keys for row in content[name])
        for name, keys in lists.items()
    )
