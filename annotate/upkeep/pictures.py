"""Make a frame's picture again from the file that it came from, if this computer knows the file and it is the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord
from ..errors import DmrError
from ..formats.labelme_reading import read_labelme
from ..geometry.raster import polygons_to_mask
from ..intake.ingest import cleaned
from ..intake.pictures import FRAME_INDEX, Pictures
from ..intake.reading import NamedFrame, read_scans
from ..origins.index import IndexBrokenError, index_path, look_up
from ..report import Report
from ..scans.images import decode_frames, encode_png
from ..system.store import sha256_hex, write_atomic
from ..workspace import Workspace


def write_picture_again(workspace: Workspace, catalogue: Catalogue, frame_id: str) -> None:
    """Write the picture that the catalogue names; nothing happens where it cannot be made."""
    records = catalogue.frames([frame_id])
    try:
        seen = look_up(index_path(catalogue.meta("key_id")), [frame_id]).get(frame_id)
    except IndexBrokenError:
        return
    if not records or seen is None:
        return
    record = records[0]
    for pixels in _candidates(seen.path, record, catalogue):
        if sha256_hex(pixels.tobytes()) == record.pixel_sha256:
            write_atomic(workspace.absolute(record.path), encode_png(pixels))
            return


def _candidates(path: Path, record: FrameRecord, catalogue: Catalogue) -> Iterator[NDArray[np.uint8]]:
    """The ways in which a frame may have been taken in: with others of its clip, alone, with outlines, uncleaned."""
    with suppress(DmrError, OSError):
        for item in read_scans([path], report=Report("")):
            if item.frame.index == record.index:
                yield item.frame.pixels
                break
    for read in (_of_file, _of_labelme):
        with suppress(DmrError, OSError, StopIteration):
            item = read(path, record.index)
            yield cleaned(item).frame.pixels
            for revision in catalogue.history(record.frame_id):
                if shapes := revision.record.annotation.shapes:
                    drawn = polygons_to_mask(shapes, height=item.frame.height, width=item.frame.width)
                    yield cleaned(item, drawn=drawn).frame.pixels
            yield item.frame.pixels


def _of_file(path: Path, index: int) -> NamedFrame:
    with Pictures() as pictures:
        frame, about = pictures.read(path, {FRAME_INDEX: index}, where=path)
    return NamedFrame("", frame, about=about)


def _of_labelme(path: Path, index: int) -> NamedFrame:
    data = read_labelme(path).image_data or b""
    frames = decode_frames(data, where=path, source_sha256=sha256_hex(data))
    return NamedFrame("", next(frame for frame in frames if frame.index == index))
