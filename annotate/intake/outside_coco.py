"""Labelled frames from outside: COCO data sets of videos, whose images are files, or frames of a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import BrokenInput
from ..formats.coco_video import VideoFrame, video_set
from ..formats.drawing import Drawing
from ..formats.image_agreement import check_size
from ..formats.labelme import LabelmeFile, find_image
from ..formats.lost import complete_classes, unread_words
from ..report import Report
from ..system.canonical import canonical_json
from ..wording import quoted
from .outside_frame import UNREAD_REMEDY, OutsideFrame
from .pictures import FRAME_INDEX, Pictures

_BESIDE = "Name the folder of the clip or image too, or put it beside the file"


@dataclass(frozen=True, slots=True)
class VideoSets:
    """Reads data sets of videos.

    Attributes:
        pictures: Reads their images and clips.
        roots: Folders from which they may be taken.
        images: Images and clips by name without ending.
        resolve: Gives the class id of a label, None if it is no class.
        ignored: Tells whether a label is left out without a note.
        covered: The classes that an annotation covers, drawn or not.
        report: Gets failures and oddities.
    """

    pictures: Pictures
    roots: Sequence[Path]
    images: Mapping[str, Sequence[Path]]
    resolve: Callable[[str], int | None]
    ignored: Callable[[str], bool]
    covered: frozenset[int]
    report: Report

    def frames(self, path: Path, content: Mapping[str, Any]) -> Iterator[OutsideFrame]:
        """The frames of a data set with their outlines. Those that fail are reported and passed over."""
        found = video_set(content, where=path)
        for failure in found.failures:
            self.report.fail(failure)
        for note in found.notes:
            self.report.note(note, path.name)
        for one in found.frames:
            try:
                yield self._frame(path, one, found.names)
            except BrokenInput as error:
                self.report.fail(error)

    def _frame(self, path: Path, one: VideoFrame, names: Mapping[int, str]) -> OutsideFrame:
        what = f"image {quoted(one.image.name)}" + ("" if one.index is None else f", frame {one.index}")
        own = self._find(path, one.image.name)
        picture = own or (None if one.video is None else self._find(path, one.video))
        if picture is None:
            raise BrokenInput(path, f"{what} is not there", _BESIDE)
        of_clip = own is None or one.image.name == one.video
        extra = {FRAME_INDEX: one.index} if of_clip or picture.suffix.lower() not in (".png", ".jpg", ".jpeg") else {}
        frame, about = self.pictures.read(picture, extra, where=path)
        check_size((one.image.height, one.image.width), (frame.height, frame.width), where=f"{path}, {what}")
        drawing = self._drawing(one.image.drawing, names)
        for note in dict.fromkeys((*frame.notes, *drawing.notes)):
            self.report.note(note, f"{path.name}, {what}")
        labels = {self.resolve(name): name for name in names.values()}
        unread = drawing.unread - ({None} if self.ignored("") else set())
        if (words := unread_words(unread, lambda class_id: labels[class_id])) is not None:
            self.report.fail(BrokenInput(path, f"{what}: {words}", UNREAD_REMEDY))
        complete = complete_classes(one.extra, self.resolve)
        asserted = self.covered if complete is None else self.covered & complete
        annotation = drawing.annotation(height=frame.height, width=frame.width, asserted=asserted)
        raw = [[s.class_id, [list(p) for p in s.points], s.group, s.hole] for s in annotation.shapes]
        content = canonical_json(raw).encode()
        return OutsideFrame(picture.stem, frame, annotation, content, picture, path, about, drawing.lost, unread)

    def _find(self, path: Path, name: str) -> Path | None:
        """The file of a name in the data set."""
        asked = LabelmeFile((), image_path=name, image_data=None, height=None, width=None)
        stem = Path(name.replace("\\", "/")).stem
        found, _ = find_image(asked, path.parent / f"{stem}.json", roots=self.roots, index=self.images)
        return found if isinstance(found, Path) else None

    def _drawing(self, drawing: Drawing, names: Mapping[int, str]) -> Drawing:
        """What is drawn, with the workspace's classes instead of the categories."""
        ids = {number: self.resolve(name) for number, name in names.items()}
        shapes = tuple(
            replace(shape, class_id=known) for shape in drawing.shapes if (known := ids[shape.class_id]) is not None
        )
        drawn = {shape.class_id for shape in drawing.shapes} | {k for k in drawing.lost if k is not None}
        foreign = [names[k] for k in sorted(drawn) if ids[k] is None and not self.ignored(names[k])]
        notes = (*drawing.notes, *(f"label {quoted(name)} is no class (left out)" for name in foreign))
        unread = _classes(drawing.unread, ids)
        # As in Labelme files: a name that is no class may be another spelling of one, so nothing is complete.
        told = (_classes(drawing.told, ids) | ({None} if foreign else set())) - unread
        return Drawing(shapes, unread | told, notes, told=told)


def _classes(numbers: frozenset[int | None], ids: Mapping[int, int | None]) -> frozenset[int | None]:
    """The class ids of categories that lost something. One that is no class takes nothing away."""
    return frozenset(k if k is None else ids[k] for k in numbers if k is None or ids[k] is not None)
