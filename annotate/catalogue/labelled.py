"""What counts as the truth about the catalogue's frames, and where their readers disagree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ..settings.conflicts import ConflictSettings, ConflictUse
from ..settings.model import Split
from . import tables as t
from .agreement import Rule, annotation_of, as_merged
from .frames import frame_columns, frames_joined, to_frame
from .records import LabelledFrame, Revision
from .revisions import COLUMNS, JOINED, RevisionRows, to_revision
from .truth import frames_of_several, settle
from .unread import undoubted


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more authors whose outlines of a frame differ, and who did not see each other's.

    Attributes:
        id: The same for the same revisions.
        frame: The frame's id.
        revisions: Their heads.
        resolved_by: The revision that settled it, None where a withdrawal did, or another rule.
        is_open: Whether it is not settled yet.
        disputed: The classes that it is about, with the lowest Dice of two of the heads.
        at: Since when it is known.
    """

    id: str
    frame: str
    revisions: tuple[str, ...]
    resolved_by: str | None
    is_open: bool
    disputed: Mapping[int, float]
    at: str


class LabelledRows(RevisionRows):
    """Reads of truths and conflicts."""

    conflict_use: ConflictUse = "leave-out"
    """What counts of a frame in conflict, as `[conflict] use` says."""

    def follow_conflicts(self, settings: ConflictSettings) -> None:
        """Count frames in conflict as the settings say. Find all conflicts anew if the rule for them has changed."""
        self.conflict_use = settings.use
        classes = self.classes()
        found = ((classes.find(own.name), own.agree_dice) for own in settings.classes)
        own = {c.id: agree_dice for c, agree_dice in found if c is not None}
        wanted = Rule(settings.agree_dice, own, self.merged_classes())
        with self.reading() as connection:
            if Rule.read(connection) == wanted:
                return
        with self.transaction() as connection:
            wanted.write(connection)
            for frame in frames_of_several(connection):
                settle(connection, frame, by=None)

    def newest_revisions(self) -> dict[str, Revision]:
        """The truth of each frame that has one, by frame id; see `truth.py`."""
        joined = JOINED.join(t.truth, t.truth.c.revision == t.revision.c.sha256)
        query = sa.select(*COLUMNS).select_from(joined).order_by(t.revision.c.frame)
        with self.reading() as connection:
            return {row.frame: to_revision(row) for row in connection.execute(query)}

    def labelled_frames(
        self,
        splits: Iterable[Split] | None = None,
        *,
        revisions: Iterable[str] | None = None,
        frames: Sequence[str] | None = None,
    ) -> list[LabelledFrame]:
        """Frames that can be shown and their truths, in the order of their ids: to show, to correct, to write out.

        To learn from frames or to judge by them, take `settled_frames`. Shapes of a merged class get the class that it
        was merged into. That class is covered only if all classes that became part of it were covered. A class is not
        covered where a state that could not be read may show it otherwise; see `doubtful_classes`.

        Args:
            splits: The splits wanted; None for all, with patients that have no split.
            revisions: Hashes of revisions to return instead of the truths, such as those of a data set.
            frames: Ids of the frames wanted, a few; None for all.
        """
        wanted = None if splits is None else set(splits)
        named = None if revisions is None else set(revisions)
        c = t.revision.c
        columns = (*frame_columns, c.sha256, c.shapes, c.covered, c.blind, c.draft_model, c.words)
        if named is None:
            truth = frames_joined.join(t.truth, t.truth.c.frame == t.frame.c.id)
            joined = truth.join(t.revision, c.sha256 == t.truth.c.revision)
        else:
            joined = frames_joined.join(t.revision, c.frame == t.frame.c.id)
        query = sa.select(*columns, t.patient.c.split).select_from(joined).where(t.rendition.c.state != "erased")
        if frames is not None:
            query = query.where(t.frame.c.id.in_(frames))
        labelled = []
        with self.reading() as connection:
            merged, doubtful = self.merged_classes(), self.doubtful_classes()
            disputed = {conflict.frame: frozenset(conflict.disputed) for conflict in self.conflicts()}
            for row in connection.execute(query.order_by(t.frame.c.id)):
                if named is not None and row.sha256 not in named:
                    continue
                split: Split | None = "train" if row.patient is None else row.split
                if wanted is None or split in wanted:
                    kept = annotation_of(row)
                    kept = replace(kept, covered=undoubted(kept.covered, row.id, doubtful))
                    annotation = as_merged(kept, merged)
                    labelled.append(
                        LabelledFrame(
                            to_frame(row),
                            row.sha256,
                            annotation,
                            split,
                            row.blind,
                            row.draft_model,
                            row.words,
                            disputed.get(row.id, frozenset()),
                        )
                    )
        return labelled

    def settled_frames(
        self, splits: Iterable[Split] | None = None, *, revisions: Iterable[str] | None = None
    ) -> list[LabelledFrame]:
        """Labelled frames as far as their readers agree: to learn from, and to judge by.

        A frame in an open conflict is left out. With `[conflict] use = "consensus"`, the classes that the conflict is
        about are left out of it. Frames of `revisions` all stay: a data set keeps the frames that it was made of.

        Args:
            splits: As in `labelled_frames`.
            revisions: As in `labelled_frames`.
        """
        items = self.labelled_frames(splits, revisions=revisions)
        if self.conflict_use == "consensus":
            return [_without(item, item.disputed) for item in items]
        return items if revisions is not None else [item for item in items if not item.disputed]

    def has_truths(self) -> bool:
        """Whether any frame is labelled."""
        with self.reading() as connection:
            return connection.execute(sa.select(t.truth.c.frame).limit(1)).first() is not None

    def drawn_counts(self) -> dict[str, Counter[int]]:
        """For every patient, the number of frames in which each class is drawn; empty if nothing is drawn."""
        counts = {patient: Counter[int]() for patient in self.splits()}
        for labelled in self.labelled_frames():
            if labelled.frame.patient is not None:
                counts[labelled.frame.patient].update({s.class_id for s in labelled.annotation.shapes})
        return counts

    def frames_read_again(self) -> list[str]:
        """The frames on which several people drew, or one person once more, in the order of their ids."""
        several = sa.select(t.head.c.frame).group_by(t.head.c.frame).having(sa.func.count() > 1)
        repeated = sa.select(t.revision.c.frame).where(t.revision.c.reading == "repeat")
        with self.reading() as connection:
            return sorted(connection.scalars(sa.union(several, repeated)))

    def conflicts(self, *, only_open: bool = True) -> list[Conflict]:
        """Frames on which authors disagree, in the order of their ids."""
        query = sa.select(t.conflict).order_by(t.conflict.c.frame, t.conflict.c.at)
        if only_open:
            query = query.where(t.conflict.c.resolved_at.is_(None))
        with self.reading() as connection:
            return [
                Conflict(
                    row.id,
                    row.frame,
                    tuple(json.loads(row.revisions)),
                    row.resolved_by,
                    row.resolved_at is None,
                    {int(class_id): float(dice) for class_id, dice in json.loads(row.classes)},
                    row.at,
                )
                for row in connection.execute(query)
            ]


def _without(item: LabelledFrame, disputed: frozenset[int]) -> LabelledFrame:
    """A frame of which some classes are not known."""
    if not disputed:
        return item
    shapes = tuple(shape for shape in item.annotation.shapes if shape.class_id not in disputed)
    annotation = replace(item.annotation, shapes=shapes, covered=item.annotation.covered - disputed)
    return replace(item, annotation=annotation)
