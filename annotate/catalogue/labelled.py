"""What counts as the truth about the catalogue's frames, and where their readers disagree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from ..settings.model import Split
from ..shapes import Annotation, Shape
from . import tables as t
from .frames import frame_columns, frames_joined, to_frame
from .records import Conflict, LabelledFrame, Revision
from .revisions import COLUMNS, JOINED, RevisionRows, to_annotation, to_revision
from .unread import undoubted


class LabelledRows(RevisionRows):
    """Reads of truths and conflicts."""

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
        """Frames that can be shown and their truths, in the order of their ids.

        Shapes of a merged class get the class that it was merged into. That class is covered only if all classes that
        became part of it were covered. A class is not covered where a state that could not be read may show it
        otherwise; see `doubtful_classes`.

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
            for row in connection.execute(query.order_by(t.frame.c.id)):
                if named is not None and row.sha256 not in named:
                    continue
                split: Split | None = "train" if row.patient is None else row.split
                if wanted is None or split in wanted:
                    kept = to_annotation(row)
                    kept = replace(kept, covered=undoubted(kept.covered, row.id, doubtful))
                    annotation = _merge(kept, merged)
                    labelled.append(
                        LabelledFrame(
                            to_frame(row), row.sha256, annotation, split, row.blind, row.draft_model, row.words
                        )
                    )
        return labelled

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

    def conflicts(self, *, only_open: bool = True) -> list[Conflict]:
        """Frames on which authors disagree, in the order of their ids."""
        query = sa.select(t.conflict).order_by(t.conflict.c.frame, t.conflict.c.at)
        if only_open:
            query = query.where(t.conflict.c.resolved_at.is_(None))
        with self.reading() as connection:
            return [
                Conflict(row.id, row.frame, tuple(json.loads(row.revisions)), row.resolved_by, row.resolved_at is None)
                for row in connection.execute(query)
            ]


def _merge(annotation: Annotation, merged: Mapping[int, int]) -> Annotation:
    if not merged:
        return annotation
    shapes = tuple(
        Shape(merged.get(s.class_id, s.class_id), s.points, hole=s.hole, group=s.group) for s in annotation.shapes
    )
    parts: dict[int, set[int]] = {}
    for class_id, into in merged.items():
        parts.setdefault(into, {into}).add(class_id)
    covered = {i for i in annotation.covered if i not in merged and parts.get(i, {i}) <= annotation.covered}
    return Annotation(annotation.height, annotation.width, shapes, frozenset(covered))
