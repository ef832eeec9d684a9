"""A submitted annotation as a revision: outlines, coverage, and the model whose draft was corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ...catalogue.records import FrameRecord, LabelledFrame, RevisionRecord, TaskRecord
from ...settings.model import Settings
from ...shapes import Annotation, Shape, changed_classes
from ...workspace import Session
from ..answers.records import StudioAnnotation, StudioRegion, StudioTask
from ..interface.config import Interface
from ..projects.offered import is_left_out, was_offered
from ..projects.payload import DraftRegion, RegionError, region_id, region_to_json, regions_to_shapes
from ..projects.queues import READINGS, draft_regions, model_of, outline_key, outline_regions, pushed_hash
from .marks import unsaid, without_marks


class UnreadableError(ValueError):
    """A submitted annotation that cannot become a revision without losing something.

    Attributes:
        lost: Ids of the classes that it may show otherwise than its author's last revision; None if nobody can tell.
        remedy: What to do with it in Label Studio.
        elsewhere: What else helps; empty if nothing does.
    """

    def __init__(
        self, what: str, *, lost: frozenset[int] | None, remedy: str = "Correct it", elsewhere: str = ""
    ) -> None:
        super().__init__(what)
        self.lost = lost
        self.remedy = remedy
        self.elsewhere = elsewhere


@dataclass(frozen=True, slots=True)
class Submission:
    """An annotation, with its task and frame.

    Attributes:
        annotation: The annotation from the server.
        task: Its task, with its predictions.
        frame: The task's frame.
    """

    annotation: StudioAnnotation
    task: StudioTask
    frame: FrameRecord


def submitted_revision(
    s: Session,
    submitted: Submission,
    *,
    interface: Interface,
    offered: Mapping[int, str],
    author: str,
    over: str | None,
    last: Annotation | None,
    pushed: TaskRecord | None,
) -> RevisionRecord:
    """Convert one annotation. It covers every class that its project offered when it was begun, but for mere marks.

    Args:
        s: The session, with classes and predictions.
        submitted: The annotation.
        interface: The project's labelling interface.
        offered: Since when the project offers each class; see `offered.py`.
        author: The person who submitted it.
        over: The revision of the annotation that it was begun from, if any.
        last: What its author drew on that frame before, if anything.
        pushed: The task as it was pushed; None where nobody knows.

    Raises:
        UnreadableError: It cannot be converted without losing something.
    """
    annotation, frame = submitted.annotation, submitted.frame
    if annotation.problem:
        raise UnreadableError(annotation.problem, lost=None)
    was_empty = pushed is None or pushed.model is None
    model, sent = _draft(s, submitted, interface, pushed)
    again = None if model is not None else _drawn_again(s, submitted, interface, pushed)
    if again is not None:
        sent = outline_regions(again, interface=interface, classes=s.settings.classes)
        over, last = over or again.revision, last or again.annotation
    regions, marks = without_marks(without_ignored(annotation.regions, s.settings)[0], interface)
    read = partial(
        regions_to_shapes,
        classes=s.settings.classes,
        height=frame.height,
        width=frame.width,
        sent=sent,
        image=interface.image,
    )
    try:
        shapes = read(regions)
    except RegionError as error:
        lost = _lost(regions, read, last)
        if lost is not None:
            lost |= unsaid(marks, drawn=(), classes=s.settings.classes)
        raise UnreadableError(str(error), lost=lost, remedy=error.remedy, elsewhere=error.elsewhere) from None
    drawn = {shape.class_id for shape in shapes}
    covered = frozenset(c for c in interface.labels if c in drawn or was_offered(c, offered, annotation))
    covered -= unsaid(marks, drawn=drawn, classes=s.settings.classes)
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="studio",
        annotation=Annotation(frame.height, frame.width, shapes, covered),
        parent=over,
        blind=model is None and was_empty and again is None,
        raw_sha256=annotation.sha256,
        lead_time_s=annotation.lead_time_s,
        draft_model=model,
        at=annotation.at,
    )


def _lost(
    regions: Sequence[StudioRegion],
    read: Callable[[Sequence[StudioRegion]], tuple[Shape, ...]],
    last: Annotation | None,
) -> frozenset[int] | None:
    """The classes of the regions that cannot be read, and those that are drawn otherwise than before."""
    lost: set[int | None] = set()
    shapes: list[Shape] = []
    for region in regions:
        try:
            shapes += read([region])
        except RegionError as error:
            lost |= error.lost
    if None in lost:
        return None
    return frozenset(i for i in lost if i is not None) | changed_classes(shapes, last.shapes if last else ())


def without_ignored(regions: Sequence[StudioRegion], settings: Settings) -> tuple[list[StudioRegion], int]:
    """The regions without those whose labels are all left out on purpose, and their number."""
    kept = [r for r in regions if not r.labels or not all(is_left_out(label, settings) for label in r.labels)]
    return kept, len(regions) - len(kept)


def _draft(
    s: Session, submitted: Submission, interface: Interface, pushed: TaskRecord | None
) -> tuple[str | None, list[DraftRegion]]:
    """The model whose draft was corrected, and the regions that were sent of it.

    The regions' ids show it, as they stay when corrected. If all were deleted, the annotation's parent shows it, but
    not where the task was pushed without the draft that the catalogue keeps.
    """
    annotation, frame = submitted.annotation, submitted.frame
    ids = {region.id for region in annotation.regions}
    sent = {
        p.model: draft_regions(p, frame, interface=interface, classes=s.settings.classes)
        for p in s.catalogue.frame_predictions(frame.frame_id)
        if p.rendition == frame.pixel_sha256
    }
    for model, drafts in sent.items():
        if ids & {draft.region.id for draft in drafts}:
            return model, drafts
    if pushed is None or pushed.model is None:
        return None, []
    parent = annotation.parent_prediction
    seen = model_of(submitted.task.versions.get(parent, "")) if parent else ""
    if seen == READINGS:  # its tasks show drafts of several models
        seen = pushed.model
    return (seen, sent[seen]) if sent.get(seen) else (None, [])


def _drawn_again(
    s: Session, submitted: Submission, interface: Interface, pushed: TaskRecord | None
) -> LabelledFrame | None:
    """The labelled frame as it was sent to be drawn again; None where it was not.

    The regions' ids show it. If all were deleted, the hash of what was pushed shows it.
    """
    frame = submitted.frame
    before = s.catalogue.history(frame.frame_id)
    if not before:
        return None
    ids = {region.id for region in submitted.annotation.regions}
    for revision in reversed(before):
        key = outline_key(frame, revision.sha256)
        if ids & {region_id(key, place) for place in range(len(revision.record.annotation.shapes))}:
            return s.catalogue.labelled_frames(revisions=[revision.sha256])[0]
    if pushed is None or pushed.model is not None or pushed.pushed_sha256 in (None, pushed_hash(frame, None, [])):
        return None
    for item in s.catalogue.labelled_frames(revisions=[r.sha256 for r in before]):
        regions = outline_regions(item, interface=interface, classes=s.settings.classes)
        result = [region_to_json(d.region, interface=interface) for d in regions]
        if pushed_hash(frame, None, result) == pushed.pushed_sha256:
            return item
    return None
