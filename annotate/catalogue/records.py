"""What goes into the catalogue and comes out of it: frozen values, a kind of row each."""

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
Decision = Literal["promoted", "undecided", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """One frame, its clip and patient, and its newest rendition.

    Attributes:
        frame_id: As `identity.frame_id` makes it.
        clip_id: As `identity.clip_id` makes it.
        patient: The pseudonym, None where unknown.
        source_sha256: Of the scan file.
        index: The frame's place in its file, from 0.
        height: Rows.
        width: Columns.
        pixel_sha256: Of the de-identified pixels: names the rendition within the frame.
        path: Of the PNG, relative to the workspace, POSIX; empty once erased.
        deid_version: What blanked the pixels.
        perceptual_hash: 16 hex digits, near for frames that look alike; None where not computed.
        spacing_mm: `(row, column)` millimetres a pixel, None where unknown.
        spacing_source: Where the spacing comes from.
        sector: Outline of the region that holds the image, None where not found.
        time_ms: From the clip's start, None for a still frame.
        eligible: Whether it may be chosen for drawing; not so for a near-copy.
        note: Oddities met while reading.
        state: Of the rendition.
        reviewed_at: When somebody said that the picture does not show who the patient is, None if nobody did.
        clip_source_sha256: Of the one file that holds the whole clip, None for a clip of several files.
        acquired: When the clip was taken, None where unknown.
        site: Where the clip was taken, None where unknown.
        device: What took the clip, None where unknown.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord:
    """What one author drew on one frame, to be kept for good.

    Attributes:
        frame: The frame's id.
        rendition: Pixel hash of what the author saw.
        author: Who drew it.
        origin: Which way it came.
        annotation: The shapes, and the classes that they cover.
        parent: The revision, anybody's, that it was drawn over; None where it was drawn from nothing or a pre-label.
        blind: Drawn without seeing a pre-label.
        raw_sha256: Of the blob that holds what came in, before it was converted.
        lead_time_s: Seconds spent drawing, None where unknown.
        draft_model: The model whose draft was corrected, None where it was drawn from nothing.
        at: When it was drawn, as `clock.utc_text` writes it.
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
    at: str = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class Revision:
    """A kept revision.

    Attributes:
        sha256: Its hash.
        sequence: Its place in the order of arrival.
        previous: Its author's revision of this frame before it, None for the first.
        withdrawn: It has a tombstone.
        record: What it says.
    """

    sha256: str
    sequence: int
    previous: str | None
    withdrawn: bool
    record: RevisionRecord


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a revision handed in.

    Attributes:
        sha256: Of the revision that now says it.
        is_new: False when the author's last revision already said the same.
        conflict: The frame has an open conflict now.
    """

    sha256: str
    is_new: bool
    conflict: bool


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame with the newest truth about it.

    Attributes:
        frame: The frame.
        revision: SHA-256 of the truth's revision.
        annotation: What it says.
        split: The patient's; `train` where the patient is unknown; None before it is assigned.
        blind: Drawn without seeing a pre-label.
        draft_model: The model whose draft was corrected, None where it was drawn from nothing, or nobody knows.
    """

    frame: FrameRecord
    revision: str
    annotation: Annotation
    split: Split | None
    blind: bool
    draft_model: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more authors who say different things of one frame, none having seen the other's."""

    id: str
    frame: str
    revisions: tuple[str, ...]
    resolved_by: str | None
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """One version of a model.

    Attributes:
        id: Also the name of its folder under `models/`.
        sha256: Of its weights' file.
        class_ids: Class id of each output channel, background left out.
        parent: The model it was trained on from, None from scratch.
        dataset: What it was trained on.
        test_version: The dataset it was last judged on.
        state: `active` only by way of `activate`.
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
    """What one model says of one rendition of a frame.

    Attributes:
        frame: The frame's id.
        rendition: Its pixel hash.
        model: The model's id.
        shapes: Outlines, one layer a class.
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
        project: The project's number there.
        purpose: What is done in it.
        reader: Whose it is, None for anybody's.
        cursor: When it was pulled last; told to people, and decides nothing.
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
        frame: The frame's id: servers give the numbers of deleted tasks out again, so it is the key.
        remote_id: The task's number on the server.
        model: Whose draft was pushed, None for none.
        pushed_sha256: Of what was pushed beside its place in the order.
        state: What became of it.
        rank: Its place in the order that was pushed last.
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
        raw_sha256: Of the blob that holds what the server said.
        revision: What it became; None for a skipped task.
        state: What it is now.
    """

    queue: int
    remote_id: int
    frame: str
    author: str
    raw_sha256: str
    revision: str | None = None
    state: AnnotationState = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRecord:
    """One comparison of a new model with the active one.

    Attributes:
        id: Its number; None before it is kept.
        incumbent: The model that was active, None for the first one.
        candidate: The new model.
        test_version: The dataset that both were judged on, None where there was none.
        verdict: What came out.
        bounds: Figures of the verdict, JSON values.
        at: When.
    """

    id: int | None = None
    incumbent: str | None
    candidate: str
    test_version: str | None
    verdict: Decision
    bounds: Mapping[str, Any]
    at: str = field(default_factory=utc_now)
