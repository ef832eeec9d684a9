"""The files of a folder whose edits could not be read: what they may show is not called absent until they can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord, UnreadRecord
from ..errors import CatalogueError
from ..formats.labelme import LabelmeFile, labelme_to_drawing
from ..formats.labelme_holes import is_unnamed
from ..shapes import Shape, changed_classes

WRITTEN_ANEW: Final = "Delete it and dmr writes it anew, or put a copy that is whole in its place"


@dataclass(slots=True)
class UnreadEdits:
    """The edits of one folder that could not be read.

    Attributes:
        catalogue: Keeps them.
        folder: The folder.
        lost: The classes that they may show otherwise, by frame; None where nobody can tell.
    """

    catalogue: Catalogue
    folder: Path
    lost: dict[str, frozenset[int] | None] = field(default_factory=dict)

    def add(self, frame: str, lost: frozenset[int] | None = None) -> None:
        """Note an edit of a frame, with the classes that it may show otherwise; None if nobody can tell."""
        known = self.lost.get(frame, frozenset())
        self.lost[frame] = None if known is None or lost is None else known | lost

    def settle(self) -> None:
        """Record what was noted, and forget what was recorded before and is read, or gone, by now."""
        place = f"{self.folder.name}/"
        known = {record.frame: record for record in self.catalogue.unread(place)}
        there = {frame.frame_id for frame in self.catalogue.frames(self.lost)} if self.lost else set()
        with self.catalogue.transaction():
            self.catalogue.drop_unread(record for frame, record in known.items() if frame not in self.lost)
            for frame in sorted(there):
                if frame not in known or known[frame].lost != self.lost[frame]:
                    self.catalogue.put_unread(UnreadRecord(frame=frame, place=f"{place}{frame}", lost=self.lost[frame]))


def lost_classes(
    catalogue: Catalogue, file: LabelmeFile, frame: FrameRecord, resolve: Callable[[str], int | None]
) -> frozenset[int] | None:
    """The classes that an edit may show otherwise than what it was begun from; None if nobody can tell."""
    drawing = labelme_to_drawing(file, resolve=resolve, height=frame.height, width=frame.width)
    known = frozenset(class_id for class_id in drawing.lost if class_id is not None)
    if len(known) < len(drawing.lost):
        return None
    return known | changed_classes(drawing.shapes, _begun_from(catalogue, file))


def _begun_from(catalogue: Catalogue, file: LabelmeFile) -> tuple[Shape, ...]:
    revision = file.extra.get("dmr_revision")
    try:
        return catalogue.revision(revision).record.annotation.shapes if isinstance(revision, str) else ()
    except CatalogueError:  # it may be missing after a backup was restored
        return ()


def remedy_for(file: LabelmeFile, resolve: Callable[[str], int | None]) -> str:
    """What to do with a file of which something cannot be read, or is of no class."""
    if file.lost:
        if None in file.lost:
            return "Give each outline a label in Labelme"
        only_marks = not file.without_area_aside.lost
        return "Outline it by a polygon in Labelme, or delete it there" if only_marks else "Correct it in Labelme"
    unknown = [shape.label for shape in file.shapes if resolve(shape.label) is None]
    if all(map(is_unnamed, unknown)):
        return "Give each outline a label in Labelme" if unknown else "Correct it in Labelme"
    return "Correct it in Labelme, or name the label in dmr.toml, as an alias or in [import] ignore"
