"""Read the picture that a file with outlines belongs to: an image, or one frame of a clip."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ..errors import BrokenInput
from ..scans.decoding.child import Decoder
from ..scans.decoding.values import Decoded, Source, Span
from ..scans.given import CLIP_SUFFIXES
from ..scans.images import IMAGE_SUFFIXES, read_frames
from ..scans.kinds import kind_of_file
from ..shapes import Frame

FRAME_INDEX: Final = "frame_index"
"""The key of a Labelme file that says which frame of a clip was drawn on, from 0."""

PICTURE_SUFFIXES: Final = IMAGE_SUFFIXES | CLIP_SUFFIXES


class Pictures:
    """Reads pictures; a clip stays open, so that its frames can be read one after the other. A context manager."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._path: Path | None = None
        self._frames: Generator[Decoded] | None = None
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end_clip()
        if self._decoder is not None:
            self._decoder.close()

    def read(self, path: Path, extra: Mapping[str, Any], *, where: Path) -> tuple[Frame, Source | None]:
        """A picture, and what its clip says of itself.

        Args:
            path: The image or clip.
            extra: Further keys of the file with the outlines, `frame_index` among them for a clip.
            where: The file with the outlines.

        Raises:
            BrokenInput: It cannot be read, or the clip has no such frame.
        """
        index = extra.get(FRAME_INDEX)
        if not kind_of_file(path).is_scan and index in (None, 0):
            return only_frame(path), None
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            what = f"its image {path.name} is a clip, and it has no whole number from 0 as {FRAME_INDEX}"
            raise BrokenInput(where, what, f'Add "{FRAME_INDEX}": 0, or the number of the frame, to it')
        decoded = self._frame(path, index, where=where)
        return decoded.frame, decoded.source

    def _frame(self, path: Path, index: int, *, where: Path) -> Decoded:
        if self._frames is None or path != self._path or index < self._next:
            self._end_clip()
            self._decoder = self._decoder or Decoder()
            self._path, self._frames = path, self._decoder.frames(path, span=Span(first=index))
        for decoded in self._frames:
            self._next = decoded.frame.index + 1
            if decoded.frame.index == index:
                return decoded
        self._end_clip()
        raise BrokenInput(where, f"its image {path.name} has no frame {index}", f"Correct its {FRAME_INDEX}")

    def _end_clip(self) -> None:
        if self._frames is not None:
            self._frames.close()
        self._path, self._frames, self._next = None, None, 0


def only_frame(path: Path) -> Frame:
    """The frame of an image file, the first one of a file with several pages."""
    frames = read_frames(path)
    first = next(frames)
    if next(frames, None) is not None:
        first = replace(first, notes=(*first.notes, "several pages (the first is used)"))
    return first
