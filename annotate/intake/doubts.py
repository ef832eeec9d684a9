"""Two files of one picture that do not say the same: which is right, nobody knows, until one of them is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..catalogue.records import UnreadRecord
from ..errors import BrokenInput
from ..report import Report
from ..scans.identity import Key, frame_id, load_key
from ..shapes import Annotation, changed_classes
from ..workspace import Session
from .outside_frame import OutsideFrame, Picture

_PLACE: Final = "import, two files of one picture"
_DIGITS: Final = 16  # of a file's name in a place, which says nothing of the name itself


@dataclass(slots=True)
class Doubts:
    """The files of each picture, and the classes in which they differ.

    Attributes:
        read: The first file of each picture that could be read, and what it draws.
        files: All files of each picture.
        lost: The classes in which they differ; None for all, where one of them could not be read.
    """

    read: dict[Picture, tuple[Path, Annotation]] = field(default_factory=dict)
    files: dict[Picture, set[Path]] = field(default_factory=lambda: defaultdict(set))
    lost: dict[Picture, frozenset[int] | None] = field(default_factory=dict)

    def refuse(self, picture: Picture, file: Path) -> None:
        """Take note of a file that cannot be read though its picture can."""
        self.files[picture].add(file)
        self.lost[picture] = None

    def one_an_image(self, items: Iterable[OutsideFrame], *, report: Report) -> Iterator[OutsideFrame]:
        """Leave out a second file for the same picture.

        Args:
            items: Frames with their outlines.
            report: Gets the second files.
        """
        for item in items:
            picture = (item.frame.source_sha256, item.frame.index)
            self.files[picture].add(item.file)
            if picture not in self.read:
                self.read[picture] = item.file, item.annotation
                yield item
                continue
            file, annotation = self.read[picture]
            if annotation == item.annotation:
                report.note("the same picture and outlines twice", item.name)
            else:
                what = f"shows the same picture as {file}, with different outlines"
                report.fail(BrokenInput(item.file, what, "Keep one of the two files"))
                differ = changed_classes(annotation.shapes, item.annotation.shapes)
                before = self.lost.get(picture, frozenset())
                covered = annotation.covered ^ item.annotation.covered
                self.lost[picture] = None if before is None else before | differ | covered

    def keep(self, s: Session, frame_ids: Iterable[str]) -> None:
        """Record the doubts; those of an earlier import go if one of their files was read, and no other is there.

        Args:
            s: A session that writes.
            frame_ids: The frames that were read.
        """
        key, read = load_key(s.catalogue.meta("key_id")), set(frame_ids)
        frames = {frame_id(key, source_sha256=sha256, index=index): (sha256, index) for sha256, index in self.files}
        with s.catalogue.transaction():
            for record in s.catalogue.unread(_PLACE):
                if record.frame in read and _is_settled(record, self.files[frames[record.frame]], key):
                    s.catalogue.drop_unread([record])
            for frame, picture in frames.items():
                if picture in self.lost and frame in read:
                    place = " ".join([_PLACE, *sorted(_digest(key, file) for file in self.files[picture])])
                    s.catalogue.put_unread(UnreadRecord(frame=frame, place=place, lost=self.lost[picture]))


def _is_settled(record: UnreadRecord, files: set[Path], key: Key) -> bool:
    """Whether one of a doubt's files was read now, and no other of them lies beside those that were."""
    doubtful = set(record.place.removeprefix(_PLACE).split())
    now = {_digest(key, file) for file in files}
    if not doubtful:
        return True  # recorded by a version that kept no files
    beside = {_digest(key, other) for file in files for other in file.parent.glob("*.[jJ][sS][oO][nN]")}
    return bool(doubtful & now) and not (doubtful & beside) - now


def _digest(key: Key, file: Path) -> str:
    return key.digest("outline file", str(file.resolve()))[:_DIGITS]
