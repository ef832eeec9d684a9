"""A file that could not be read whole takes no class away that its frame has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..catalogue.records import UnreadRecord
from ..catalogue.unread import LEFT
from ..errors import BrokenInput
from ..report import Report
from ..scans.identity import Key, frame_id, load_key
from ..shapes import Annotation, changed_classes
from ..workspace import Session
from .outside_frame import OutsideFrame

AUTHOR: Final = "import"  # the files do not say who drew them
KEPT: Final = "could not be read whole, and its frame has the class already (the frame stays as it was)"
_PLACE: Final = f"{LEFT}import, a file that could not be read whole"


@dataclass(slots=True)
class Keeping:
    """Passes on the files that take nothing away from their frames.

    A file of which something could not be read is left out as a whole where its frame has the class drawn, or reviewed
    as absent: what was drawn counts on. So is one that says itself that a class is not complete, and shows nothing of a
    class that the frame has.

    Attributes:
        s: The session.
        report: Gets the files that are left out.
        lost: The classes that these may show otherwise, by frame; None where nobody can tell.
    """

    s: Session
    report: Report
    lost: dict[str, frozenset[int] | None] = field(default_factory=dict)
    _key: Key = field(init=False)

    def __post_init__(self) -> None:
        self._key = load_key(self.s.catalogue.meta("key_id"))

    def watch(self, items: Iterable[OutsideFrame]) -> Iterator[OutsideFrame]:
        """The items that may be taken."""
        for item in items:
            if not (item.lost and self._takes_away(item)):
                yield item
            elif item.unread:  # has failed already
                self.report.note(KEPT, item.file.name)
            else:
                what = (
                    "says that a class is not complete and shows nothing of it; its frame has it, and stays as it was"
                )
                self.report.fail(BrokenInput(item.file, what, "Mend the file and import it again"))

    def settle(self, read: Iterable[str]) -> None:
        """Record what was left out until its frame gets a new revision, and forget it for the frames that were read."""
        frames = set(read)
        catalogue = self.s.catalogue
        with catalogue.transaction():
            catalogue.drop_unread(found for found in catalogue.unread(_PLACE) if found.frame in frames)
            for frame, lost in self.lost.items():
                catalogue.put_unread(UnreadRecord(frame=frame, place=_PLACE, lost=lost))

    def _takes_away(self, item: OutsideFrame) -> bool:
        """Whether an item would take a class away from its frame; if so, it is noted."""
        frame = frame_id(self._key, source_sha256=item.frame.source_sha256, index=item.frame.index)
        heads = [head for head in self.s.catalogue.heads(frame) if not head.withdrawn]
        if any(h.record.author == AUTHOR and h.record.annotation == item.annotation for h in heads):
            return False  # the last import said the same
        merged = self.s.catalogue.merged_classes()
        changed = [changed_classes(h.record.annotation.shapes, item.annotation.shapes) for h in heads]
        if not any(_loses(h.record.annotation, item, merged) for h in heads):
            return False
        named = frozenset(k for k in item.lost if k is not None)
        self.lost[frame] = None if None in item.lost else named.union(*changed)
        return True


def _loses(there: Annotation, item: OutsideFrame, merged: Mapping[int, int]) -> bool:
    """Whether a frame would lose a class to an item that lacks something.

    Args:
        there: What was drawn on the frame.
        item: What would come after it.
        merged: The class that each merged class counts for now.
    """
    drawn = {shape.class_id for shape in there.shapes}
    shown = {shape.class_id for shape in item.annotation.shapes}
    changed = changed_classes(there.shapes, item.annotation.shapes)
    for own in drawn | there.covered:
        class_id = merged.get(own, own)
        if own in there.covered and item.unread & {class_id, None}:
            return True
        if own in drawn & changed and class_id in item.unread:
            return True
        if own in drawn and class_id not in shown and item.lost & {class_id, None}:
            return True
    return False
