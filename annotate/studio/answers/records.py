"""Label Studio's projects, tasks, annotations and regions as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...shapes import Point
from ...system.store import sha256_hex
from .figures import Figure


class OddAnswer(ValueError):
    """An answer that Label Studio would not give; the text says what is odd."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project on the server.

    Attributes:
        id: Its number.
        title: Its name.
        config: Its labelling interface, XML.
        model_version: The version of predictions that is shown and gives the order; empty for none.
        sampling: How "Label All Tasks" chooses tasks.
        is_prefilled: Whether annotators see predictions as pre-labels.
        people: How many people are to annotate each task.
    """

    id: int
    title: str
    config: str
    model_version: str
    sampling: str
    is_prefilled: bool
    people: int = 1


@dataclass(frozen=True, slots=True)
class TaskData:
    """A task's data about its frame. Values that dmr did not write are empty.

    Attributes:
        frame_id: The frame; empty for a task that dmr did not push.
        image: The address of its picture on the server.
        rank: Its place in the order, from 1; 0 where unknown.
        reason: Why the frame is worth a physician's time.
        clip: The frames before and after it in its clip, as Markdown; empty for a still frame.
    """

    frame_id: str = ""
    image: str = ""
    rank: int = 0
    reason: str = ""
    clip: str = ""

    def as_json(self) -> dict[str, Any]:
        """The data as Label Studio's JSON."""
        return {
            "image": self.image,
            "frame_id": self.frame_id,
            "rank": self.rank,
            "reason": self.reason,
            "clip": self.clip,
        }


@dataclass(frozen=True, slots=True)
class StudioRegion:
    """One thing that is drawn on an image.

    Attributes:
        id: The region's id; it stays the same when the region is corrected.
        kind: `polygonlabels` for an outline.
        labels: Its labels; an outline has one.
        points: Its corners, `(x, y)` in percent of the image.
        width: Columns of the image that it was drawn on; 0 where unknown.
        height: Rows of that image; 0 where unknown.
        rotation: Degrees by which the image was turned.
        is_closed: Whether the last corner joins the first.
        problem: What is wrong with its values; empty if nothing is.
        control: Name of the labels that it was drawn with; empty where unknown.
        image: Name of the image that it was drawn on; empty where unknown.
        figure: Its ellipse, rectangle or painted mask; None for all else.
    """

    id: str
    kind: str
    labels: tuple[str, ...]
    points: tuple[Point, ...]
    width: float
    height: float
    rotation: float = 0.0
    is_closed: bool = True
    problem: str = ""
    control: str = ""
    image: str = ""
    figure: Figure | None = None

    @property
    def label(self) -> str:
        """The first label, or an empty text."""
        return self.labels[0] if self.labels else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioAnnotation:
    """What one physician submitted in one task.

    Attributes:
        id: Its number; 0 if it has none.
        raw: What is kept of its JSON; see `raw.py`.
        user: The number of the user who drew it; 0 if unknown.
        at: The time of the last change, as `clock.utc_text` writes it.
        is_skipped: Whether the task was skipped: then it holds only the draft.
        regions: What is drawn.
        notes: The number of notes on outlines; they are left out.
        is_ticked: Whether it says by a tick that nothing is to be seen.
        lead_time_s: Seconds spent drawing, None if unknown.
        parent_prediction: The number of the prediction that it was begun from.
        parent_annotation: The number of the annotation that it was begun from.
        choice: What was chosen of the whole frame, in an adjudication; empty for nothing, or for more than one.
        problem: Why it cannot be used; empty if it can.
    """

    id: int
    raw: bytes
    user: int = 0
    at: str = ""
    is_skipped: bool = False
    regions: tuple[StudioRegion, ...] = ()
    notes: int = 0
    is_ticked: bool = False
    lead_time_s: float | None = None
    parent_prediction: int | None = None
    parent_annotation: int | None = None
    choice: str = ""
    problem: str = ""

    @property
    def sha256(self) -> str:
        """Hash of its raw JSON."""
        return sha256_hex(self.raw)


@dataclass(frozen=True, slots=True)
class StudioTask:
    """A task on the server.

    Attributes:
        id: Its number; the server reuses the numbers of deleted tasks.
        data: Its data about the frame.
        annotations: Its submitted annotations, if they were asked for.
        versions: The model version of each prediction by number, if they were asked for.
    """

    id: int
    data: TaskData
    annotations: tuple[StudioAnnotation, ...] = ()
    versions: Mapping[int, str] = field(default_factory=dict)

    @property
    def frame_id(self) -> str:
        """The task's frame; empty for a task that dmr did not push."""
        return self.data.frame_id
