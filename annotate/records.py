"""What goes into the catalogue and comes out of it: frozen values, a kind of row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .clock import utc_now
from .settings import Split
from .shapes import Annotation, Ring, Shape

Origin = Literal["import", "labelme", "studio", "consensus"]
RenditionState = Literal["ok", "quarantined", "erased"]
ModelState = Literal["candidate", "active", "undecided", "rejected", "retired"]


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
    """

    frame: FrameRecord
    revision: str
    annotation: Annotation
    split: Split | None
    blind: bool


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
