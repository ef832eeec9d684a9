"""What Label Studio holds, as values: projects, tasks, annotations, and what is drawn in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..shapes import Point
from ..system.store import sha256_hex


class OddAnswer(ValueError):
    """An answer that Label Studio does not give; the text says what is odd in it."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project on the server.

    Attributes:
        id: Its number.
        title: Its name there.
        config: Its labelling interface, XML.
        model_version: Whose predictions are shown and rule the order; empty for none.
        sampling: How "Label All Tasks" chooses.
        is_prefilled: Whether predictions are shown to whoever labels.
    """

    id: int
    title: str
    config: str
    model_version: str
    sampling: str
    is_prefilled: bool


@dataclass(frozen=True, slots=True)
class TaskData:
    """What a task says of its frame; what dmr did not write so is empty.

    Attributes:
        frame_id: The frame; empty for a task that dmr did not push.
        image: The address of its picture on the server.
        rank: Its place in the order, from 1; 0 where unknown.
        reason: Why it is worth a physician's time.
    """

    frame_id: str = ""
    image: str = ""
    rank: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As Label Studio takes it."""
        return {"image": self.image, "frame_id": self.frame_id, "rank": self.rank, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class StudioRegion:
    """One thing that is drawn on an image.

    Attributes:
        id: Stays the same through every correction.
        kind: `polygonlabels` for an outline.
        labels: Its labels; an outline has one.
        points: Its corners, `(x, y)` in percent of the image.
        width: Columns of the image that it was drawn on; 0 where unknown.
        height: Rows of that image; 0 where unknown.
        rotation: Degrees that the image was turned by.
        is_closed: Whether the last corner joins the first.
        problem: What is wrong with its values, and empty where nothing is.
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

    @property
    def label(self) -> str:
        """The first label; empty where there is none."""
        return self.labels[0] if self.labels else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioAnnotation:
    """What one physician submitted in one task.

    Attributes:
        id: Its number; 0 where it has none.
        raw: Its JSON as the server told it, but for what the server changes by itself.
        user: The number of who drew it; 0 where unknown.
        at: When it was changed last, as `clock.utc_text` writes it.
        is_skipped: The task was skipped: what it holds is the draft.
        regions: What is drawn.
        lead_time_s: Seconds spent drawing, None where unknown.
        parent_prediction: The number of the prediction that it was begun from.
        parent_annotation: The number of the annotation that it was begun from.
        problem: Why it cannot be taken over, and empty where it can.
    """

    id: int
    raw: bytes
    user: int = 0
    at: str = ""
    is_skipped: bool = False
    regions: tuple[StudioRegion, ...] = ()
    lead_time_s: float | None = None
    parent_prediction: int | None = None
    parent_annotation: int | None = None
    problem: str = ""

    @property
    def sha256(self) -> str:
        """Names what it says."""
        return sha256_hex(self.raw)


@dataclass(frozen=True, slots=True)
class StudioTask:
    """A task on the server.

    Attributes:
        id: Its number; the server gives those of deleted tasks out again.
        data: What it says of its frame.
        annotations: What was submitted in it, where it was asked for.
        versions: The model version of each of its predictions by number, where they were asked for.
    """

    id: int
    data: TaskData
    annotations: tuple[StudioAnnotation, ...] = ()
    versions: Mapping[int, str] = field(default_factory=dict)

    @property
    def frame_id(self) -> str:
        """The task's frame; empty for a task that dmr did not push."""
        return self.data.frame_id
