"""The values that go into the catalogue and come out of it: one frozen class for each kind of row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..settings.model import Purpose, Split
from ..shapes import Annotation, Ring, Shape
from ..system.clock import utc_now

Origin = Literal["import", "labelme", "studio", "consensus"]
RenditionState = Literal["ok", "quarantined", "erased"]
ModelState = Literal["candidate", "active", "undecided", "rejected", "retired"]
TaskState = Literal["pushed", "labelled", "skipped", "gone"]
AnnotationState = Literal["live", "skipped", "gone"]
Reading = Literal["first", "second", "repeat", "adjudication"]
Decision = Literal["promoted", "undecided", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """One frame, its clip and patient, and its newest rendition.

    Attributes:
        frame_id: As `identity.frame_id` makes it.
        clip_id: As `identity.clip_id` makes it.
        patient: The pseudonym, None where unknown.
        source_sha256: Hash of the scan file.
        index: The frame's place in its file, from 0.
        height: Rows.
        width: Columns.
        pixel_sha256: Hash of the de-identified pixels; it names the rendition within the frame.
        path: Path of the PNG, relative to the workspace, POSIX; empty once erased.
        deid_version: The version of the de-identification that wrote the pixels.
        perceptual_hash: 16 hex digits, near each other for frames that look alike; None if not computed.
        deid: What was taken away from its picture, canonical JSON without the values; None from an older dmr.
        small: Its grey values on a small grid, as `similarity.small_grey` makes them; None if not computed yet.
        spacing_mm: `(row, column)` millimetres per pixel, None if unknown.
        spacing_source: Where the spacing comes from.
        sector: Outline of the region that holds ultrasound, None if not found.
        time_ms: Time from the clip's start, None for a still frame.
        eligible: Whether it may be chosen for annotation.
        note: Oddities found while reading.
        state: State of the rendition.
        reviewed_at: When somebody confirmed that the picture does not show who the patient is, None if nobody did.
        clip_source_sha256: Hash of the file that holds the whole clip, None for a clip of several files.
        acquired: When the clip was recorded, None if unknown.
        site: Where the clip was recorded, None if unknown.
        device: The device that recorded the clip, None if unknown.
    """

    frame_id: str
    clip_id: str
    patient: str | None
    source_sha256: str
    index: int
    height: int
    width: int
    pixel_sha256: str
    path: str
    deid_version: str
    perceptual_hash: str | None = None
    spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    sector: Ring | None = None
    time_ms: float | None = None
    eligible: bool = True
    note: str = ""
    state: RenditionState = "ok"
    reviewed_at: str | None = None
    clip_source_sha256: str | None = None
    acquired: str | None = None
    site: str | None = None
    device: str | None = None
    small: bytes | None = None
    deid: str | None = None

    @property
    def may_leave(self) -> bool:
        """Whether its picture may leave the workspace: the machine is sure, or somebody looked at it."""
        return self.reviewed_at is not None or (self.state == "ok" and self.deid is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord:
    """One author's drawing on one frame, to be kept for good.

    Attributes:
        frame: The frame's id.
        rendition: Pixel hash of the picture that the author saw.
        author: Who drew it.
        origin: The way it came in.
        annotation: The shapes and the covered classes.
        parent: The revision, of any author, over which it was drawn; None if drawn from nothing or over a pre-label.
        blind: Drawn without seeing a pre-label.
        raw_sha256: Hash of the blob with the drawing as it came in, before it was converted.
        lead_time_s: Seconds spent drawing, None where unknown.
        draft_model: The model whose draft was corrected, None where it was drawn from nothing.
        words: What was typed beside the outlines, canonical JSON; None for nothing. It never leaves the workspace.
        reading: Which reading of the frame it is. `second`: by somebody who did not see the first one's outlines.
            `repeat`: by somebody who did not see their own; it is kept for agreement, and is neither head nor truth.
            `adjudication`: it settles what others disagreed on, and stands above all that was drawn before it.
        at: Time of drawing, as `clock.utc_text` writes it.
    """

    frame: str
    rendition: str
    author: str
    origin: Origin
    annotation: Annotation
    parent: str | None = None
    blind: bool = False
    raw_sha256: str | None = None
    lead_time_s: float | None = None
    draft_model: str | None = None
    words: str | None = None
    reading: Reading = "first"
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class Revision:
    """A kept revision.

    Attributes:
        sha256: Its hash.
        sequence: Its place in the order of arrival.
        previous: The same author's revision of this frame before it, None for the first. Repeats are a line of their
            own: before a repeat comes the author's repeat before it.
        withdrawn: Whether it has a tombstone.
        record: Its content.
    """

    sha256: str
    sequence: int
    previous: str | None
    withdrawn: bool
    record: RevisionRecord


@dataclass(frozen=True, slots=True)
class Appended:
    """The outcome of adding a revision.

    Attributes:
        sha256: Hash of the revision with this content.
        is_new: False if the author's last revision had the same content.
        conflict: Whether the frame has an open conflict now.
    """

    sha256: str
    is_new: bool
    conflict: bool


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame and its truth.

    Attributes:
        frame: The frame.
        revision: SHA-256 of the truth's revision.
        annotation: The truth's annotation.
        split: The patient's split; `train` if the patient is unknown; None if not assigned yet.
        blind: Drawn without seeing a pre-label.
        draft_model: The model whose draft was corrected, None where it was drawn from nothing, or nobody knows.
        words: What was typed beside the outlines, canonical JSON; None for nothing.
        disputed: The classes over which the frame's readers are in an open conflict.
    """

    frame: FrameRecord
    revision: str
    annotation: Annotation
    split: Split | None
    blind: bool
    draft_model: str | None = None
    words: str | None = None
    disputed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """One version of a model.

    Attributes:
        id: Also the name of its folder under `models/`.
        sha256: Hash of its weights' file.
        class_ids: Class id of each output channel, without the background.
        parent: The model from which its training started, None if from scratch.
        dataset: The data set that it was trained on.
        test_version: The data set that it was last judged on.
        state: Its state; only `activate` sets `active`.
        at: When it was made.
    """

    id: str
    sha256: str
    class_ids: tuple[int, ...]
    parent: str | None = None
    dataset: str | None = None
    test_version: str | None = None
    state: ModelState = "candidate"
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRecord:
    """One model's prediction of one rendition of a frame.

    Attributes:
        frame: The frame's id.
        rendition: Its pixel hash.
        model: The model's id.
        shapes: Outlines, one layer for each class.
        scores: Statistics by name: JSON values, finite numbers.
        embedding: Little-endian float16, None where not computed.
        at: When it was made.
    """

    frame: str
    rendition: str
    model: str
    shapes: tuple[Shape, ...]
    scores: Mapping[str, Any]
    embedding: bytes | None = None
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One project in Label Studio.

    Attributes:
        id: Its number in the catalogue.
        name: As in `dmr.toml`.
        server: Address of the server.
        project: The project's number on the server.
        purpose: Its purpose.
        reader: The person whose queue it is, None for anybody.
        cursor: Time of the last pull. Nothing depends on it.
    """

    id: int
    name: str
    server: str
    project: int
    purpose: Purpose = "correct"
    reader: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One frame in a queue.

    Attributes:
        queue: The queue's number.
        frame: The frame's id. It is the key, because servers reuse the numbers of deleted tasks.
        remote_id: The task's number on the server.
        model: The model whose draft was pushed, None for no draft.
        pushed_sha256: Hash of what was pushed, without the place in the order.
        state: `pushed`, `labelled`, `skipped` or `gone`.
        rank: Its place in the order of the last push.
    """

    queue: int
    frame: str
    remote_id: int
    model: str | None = None
    pushed_sha256: str | None = None
    state: TaskState = "pushed"
    rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAnnotation:
    """One physician's annotation of one task, as it was last seen on the server.

    Attributes:
        queue: The queue's number.
        remote_id: Its number on the server.
        frame: The frame's id.
        author: Who drew it.
        raw_sha256: Hash of the blob with the server's JSON.
        revision: The revision made of it; None for a skipped task, and for one that was older than its author's newest.
        state: Its state now.
    """

    queue: int
    remote_id: int
    frame: str
    author: str
    raw_sha256: str
    revision: str | None = None
    state: AnnotationState = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRecord:
    """A state of an annotation that was handed in and could not be read.

    Attributes:
        frame: The frame's id.
        place: Where it lies: `studio QUEUE NUMBER`, or a file of the workspace.
        lost: Ids of the classes that it may show otherwise than the frame's revisions do; None where nobody can tell.
        at: When it was found.
    """

    frame: str
    place: str
    lost: frozenset[int] | None
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRecord:
    """One comparison of a new model with the active one.

    Attributes:
        id: Its number; None before it is kept.
        incumbent: The model that was active, None for the first one.
        candidate: The new model.
        test_version: The data set that both were judged on, or None.
        verdict: The gate's verdict.
        bounds: The verdict's figures, JSON values.
        at: Time of the comparison.
    """

    id: int | None = None
    incumbent: str | None
    candidate: str
    test_version: str | None
    verdict: Decision
    bounds: Mapping[str, Any]
    at: str = field(default_factory=utc_now)
