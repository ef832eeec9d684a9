"""COCO data sets of videos: `videos`, and `images` that name a video and their place in it, from 0.

Layouts: CocoVID of MMTracking (`video_id`, `frame_id`) and TAO (`video_id`, `frame_index`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from ..errors import BrokenInput
from .coco_entries import entry_id
from .coco_reading import CocoImage, from_coco

_LISTS: Final = ("videos", "images", "annotations")
_PLACES: Final = ("frame_index", "frame_id")


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One image of such a data set.

    Attributes:
        image: What is drawn on it.
        video: The file of its video, as written there; None if its video has none.
        index: Its place in the video, from 0; None if it has none that can be used.
        extra: Its entry in the file.
    """

    image: CocoImage
    video: str | None
    index: int | None
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VideoSet:
    """A data set of videos, as far as it was understood.

    Attributes:
        names: The categories, numbered from 1.
        frames: The images that can be used.
        failures: What stands in the file and could not be taken.
        notes: Oddities of the whole file, a short phrase each.
    """

    names: Mapping[int, str]
    frames: tuple[VideoFrame, ...]
    failures: tuple[BrokenInput, ...]
    notes: tuple[str, ...]


def is_video_set(content: object) -> bool:
    """Whether parsed JSON is a COCO data set of videos."""
    return isinstance(content, dict) and all(isinstance(content.get(name), list) for name in _LISTS)


def drawn_labels(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The label of each annotation, empty where its category has no name."""
    names = {entry_id(c.get("id")): c.get("name") for c in content.get("categories") or () if isinstance(c, dict)}
    found = (names.get(entry_id(a.get("category_id"))) for a in content["annotations"] if isinstance(a, dict))
    return tuple(name if isinstance(name, str) else "" for name in found)


def video_set(content: Mapping[str, Any], *, where: object) -> VideoSet:
    """The images of a data set of videos. An image without a file's name or size has those of its video.

    Args:
        content: The parsed JSON, for which `is_video_set` holds.
        where: What to call the file in an error.
    """
    videos = {entry_id(v.get("id")): v for v in content["videos"] if isinstance(v, dict)}
    entries: dict[Hashable, dict[str, Any]] = {}
    images: list[object] = []
    for item in content["images"]:
        entry = item
        if isinstance(item, dict):
            video = videos.get(entry_id(item.get("video_id"))) or {}
            own = {"file_name": _file(video), "height": video.get("height"), "width": video.get("width")}
            entry = {key: value for key, value in own.items() if value is not None} | item
            entries.setdefault(entry_id(item.get("id")), item)
        images.append(entry)
    data = from_coco({**content, "images": images}, where=where)
    frames = []
    for image in data.images:
        entry = entries.get(image.key, {})
        video = videos.get(entry_id(entry.get("video_id"))) or {}
        frames.append(VideoFrame(image, _file(video), _index(entry), entry))
    return VideoSet(data.names, tuple(frames), tuple(data.failures), data.notes)


def _file(video: Mapping[str, Any]) -> str | None:
    found = (video.get(key) for key in ("file_name", "name"))
    return next((name for name in found if isinstance(name, str) and PurePosixPath(name).name), None)


def _index(entry: Mapping[str, Any]) -> int | None:
    for key in _PLACES:
        value = entry.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
