"""An import that would take outlines away from many frames stops and asks: wrong settings or files would do that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..errors import DmrError
from ..scans.identity import frame_id, load_key
from ..shapes import Annotation, ring_area
from ..wording import counted
from ..workspace import Session
from .keeping import AUTHOR
from .outside_frame import OutsideFrame

LEAST_FRAMES: Final = 3  # fewer are corrected by hand and looked at
MOST_SHARE: Final = 0.1  # of the frames that an import touches
LEAST_AREA: Final = 0.5  # of a class, that stays in a frame whose outlines are not said to shrink


@dataclass(slots=True)
class Shrinking:
    """The frames whose truth would lose outlines by an import.

    Attributes:
        touched: How many frames the import touches.
        frames: How many of them would lose something.
        emptied: How many of those would be left without an outline.
        lost: In how many frames each class would be lost, wholly or for the most part, by its id.
    """

    touched: int = 0
    frames: int = 0
    emptied: int = 0
    lost: Counter[int] = field(default_factory=Counter)

    def watch(self, s: Session, items: Iterable[OutsideFrame]) -> Iterator[OutsideFrame]:
        """The same items; each is held against the truth about its frame as it passes."""
        key = load_key(s.catalogue.meta("key_id"))
        truths = {item.frame.frame_id: item.annotation for item in s.catalogue.labelled_frames()}
        for item in items:
            self.touched += 1
            frame = frame_id(key, source_sha256=item.frame.source_sha256, index=item.frame.index)
            truth = truths.get(frame)
            if truth is not None and not _is_said_already(s, frame, item.annotation):
                self._compare(truth, item.annotation)
            yield item

    def refusal(self, s: Session) -> DmrError | None:
        """Why nothing should be imported; None where few frames lose something."""
        if self.frames < LEAST_FRAMES or self.frames <= MOST_SHARE * self.touched:
            return None
        names = {c.id: c.name for c in s.catalogue.classes()}
        classes = ", ".join(f"{names.get(i, i)} in {n}" for i, n in self.lost.most_common())
        what = (
            f"{self.frames} of {counted(self.touched, 'frames')} would lose outlines that they have ({classes}), and "
            f"{self.emptied} would have none left, so nothing was changed"
        )
        return DmrError(
            "import", what, "See whether dmr.toml and the files are the right ones; --yes takes them as they are"
        )

    def _compare(self, truth: Annotation, new: Annotation) -> None:
        before, after = _areas(truth), _areas(new)
        lost = {i for i, area in before.items() if after.get(i, 0.0) < LEAST_AREA * area}
        if lost:
            self.frames += 1
            self.emptied += not after
            self.lost.update(lost)


def _is_said_already(s: Session, frame: str, annotation: Annotation) -> bool:
    """Whether the last import said the same of a frame: then this one changes nothing."""
    last = s.catalogue.head(frame, AUTHOR)
    return last is not None and not last.withdrawn and last.record.annotation == annotation


def _areas(annotation: Annotation) -> dict[int, float]:
    """Area in px² by class; overlaps count twice, and holes are taken out."""
    areas: dict[int, float] = {}
    for shape in annotation.shapes:
        area = ring_area(shape.points)
        areas[shape.class_id] = areas.get(shape.class_id, 0.0) + (-area if shape.hole else area)
    return {i: area for i, area in areas.items() if area > 0}
