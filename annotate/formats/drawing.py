"""What a reader understood of a drawing; whatever it left out is never called absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ..geometry.raster import unseen
from ..shapes import Annotation, Shape

LEAVES_NOTHING: Final = "something drawn leaves no pixel: it is too thin, outside the frame, or all hole"
CUTS_NOTHING: Final = "a hole belongs to no outline"


@dataclass(frozen=True, slots=True)
class Drawing:
    """The outlines on one frame, as far as a reader understood them.

    Every reader of foreign files makes one. Only a drawing says what an annotation of it covers: a class of which
    anything was left out is not covered, and if nobody can tell which class it was, none is.

    Attributes:
        shapes: The outlines that were understood.
        lost: The ids of the classes of which something was left out; None stands for a class that nobody can tell.
        notes: What is odd about it, a short phrase each.
        slips: Those of `lost` that lost only what no mask of the frame would show: specks, outlines outside of it.
        told: Those of `lost` of which everything was read: the file itself says that they are not complete, or the
            label of a shape is none of our classes.
    """

    shapes: tuple[Shape, ...]
    lost: frozenset[int | None] = frozenset()
    notes: tuple[str, ...] = ()
    slips: frozenset[int] = frozenset()
    told: frozenset[int | None] = frozenset()

    @property
    def unread(self) -> frozenset[int | None]:
        """Those of `lost` of which something could not be read: a person has to look."""
        return self.lost - self.slips - self.told

    def covered(self, asserted: Iterable[int] = ()) -> frozenset[int]:
        """The class ids that may be called complete: those drawn and those asserted, without those that lost something.

        Args:
            asserted: The ids of the classes that somebody says are complete, drawn or not.
        """
        if None in self.lost:
            return frozenset()
        return (frozenset(shape.class_id for shape in self.shapes if not shape.hole) | frozenset(asserted)) - self.lost

    def on(self, *, height: int, width: int) -> Drawing:
        """The drawing on a frame of this size: what was drawn and shows nowhere there was not understood.

        A class needs a person's look if nothing else is left of it, whatever was taken for a slip, if holes take a
        whole outline away, such as an island in a hole, or if a hole cuts nothing.
        """
        empty, gone, uncut = unseen(self.shapes, height=height, width=width)
        drawn = {shape.class_id for shape in self.shapes}
        gone |= (self.slips - drawn) | uncut
        if not empty | gone:
            return self
        told = ((LEAVES_NOTHING, empty), (CUTS_NOTHING, uncut))
        notes = (*self.notes, *(note for note, of in told if of and note not in self.notes))
        slips = (self.slips | (empty - self.lost)) - gone
        return replace(self, lost=self.lost | empty | gone, notes=notes, slips=slips, told=self.told - gone)

    def annotation(self, *, height: int, width: int, asserted: Iterable[int] = ()) -> Annotation:
        """The annotation of a frame of this size; see `covered`."""
        found = self.on(height=height, width=width)
        return Annotation(height, width, found.shapes, found.covered(asserted))
