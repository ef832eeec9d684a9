"""Answer the boxes and clicks of Label Studio's smart tools with outlines; nothing is written."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...annotate.errors import DmrError
from ...annotate.intake.ingest import load_frame
from ...annotate.shapes import Frame
from ...annotate.studio.answers.reading import member, read_data
from ...annotate.studio.interface.config import read_interface
from ...annotate.studio.projects.payload import region_to_json, shapes_to_regions
from ...annotate.workspace import Workspace
from ...model.computing.device import pick_device
from ...model.refine.prompt import Box, Click
from ...model.refine.refiner import Refiner
from ...model.refine.saved import load_refiner, newest
from .log import Write
from .prompts import MOST, Prompt, read_prompt

MOST_BOXES: Final = 1000  # remembered at a time
KEPT_S: Final = 3600.0  # for so long
_WARM: Final = 64  # side of the picture that the network sees first

_Place = tuple[int, str, int]  # a task's number, its frame, a class


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was drawn last for one class of one task.

    Attributes:
        at: When.
        boxes: The boxes.
        ids: The ids of their outlines: an answer with an id that is there takes the outline's place.
        clicks: The clicks since then.
    """

    at: float
    boxes: tuple[Box, ...] = ()
    ids: tuple[str, ...] = ()
    clicks: tuple[Click, ...] = ()


class Outliner:
    """Answers smart tools. Requests may come from several threads.

    Label Studio sends a box and the clicks on it apart. So the last boxes of a task and class are remembered. A click
    belongs to the nearest one, and the new outline takes the place of that box's outline.

    Args:
        root: The workspace's folder.
        device: What computes, as in `--device`.
        log: Gets what happens.
        clock: Seconds that only grow.
    """

    def __init__(self, root: Path, *, device: str, log: Write, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._device, self._log, self._clock = root, device, log, clock
        self._busy = threading.Lock()  # one answer at a time: a refiner keeps no state, but takes a processor
        self._refiner: Refiner | None = None
        self._tried: Path | None = None  # the newest refiner when it was last loaded
        self._last_asked: OrderedDict[_Place, _Asked] = OrderedDict()
        self._seen: tuple[str, Frame] | None = None  # the frame of the last answer, by its picture's hash

    def load(self) -> str:
        """Load the newest refiner, so that no physician waits for it; returns its name or what stands for it."""
        with self._busy:
            return self._newest(Workspace.at(self._root)).name or "the ellipse in the box"

    def answer(self, tasks: Sequence[object], *, config: str, params: object) -> list[dict[str, Any]]:
        """The answers to a smart tool's request, one for each task, as Label Studio takes them.

        Args:
            tasks: Label Studio's JSON of each; its page sends one.
            config: The project's labelling interface.
            params: The request's `params`.

        Raises:
            DmrError: The workspace or a frame cannot be used.
            ValueError: The labelling interface cannot be read.
        """
        workspace = Workspace.at(self._root)
        with self._busy:
            refiner = self._newest(workspace)
            name = refiner.name or "ellipse"
            results = [self._outlines(workspace, refiner, task, config, params) for task in tasks]
        return [{"model_version": name, "score": 0.0, "result": result} for result in results]

    def _outlines(
        self, workspace: Workspace, refiner: Refiner, task: object, config: str, params: object
    ) -> list[dict[str, Any]]:
        frame_id = read_data(member(task, "data")).frame_id
        frame = self._frame(workspace, frame_id)
        if frame is None:
            return []
        height, width = frame.pixels.shape
        prompt = read_prompt(params, height=height, width=width)
        if prompt is None:
            return []
        classes = workspace.settings.classes
        interface = read_interface(config, classes=classes)
        class_id = classes.class_id(prompt.label)
        if class_id is None or class_id not in interface.labels:
            return []
        task_id = member(task, "id")
        place = (task_id if isinstance(task_id, int) else 0, frame_id, class_id)
        asked = self._asked(place, prompt)
        found = []
        for box, number in zip(asked.boxes, asked.ids, strict=True):
            own = [c for c in asked.clicks if min(asked.boxes, key=lambda b: _distance(b, c)) is box]
            shapes = refiner.refine(frame, box=box, class_id=class_id, clicks=own)
            regions = shapes_to_regions(
                shapes, interface=interface, order=(class_id,), height=height, width=width, key=number
            )
            found += [region_to_json(replace(r.region, id=number), interface=interface) for r in regions]
        return found

    def _asked(self, place: _Place, prompt: Prompt) -> _Asked:
        """What a request is about: its own boxes, or those that were drawn before its clicks."""
        now = self._clock()
        last = self._last_asked.pop(place, None)
        if prompt.boxes:
            asked = _Asked(now, prompt.boxes, tuple(secrets.token_hex(5) for _ in prompt.boxes))
        elif last is None or now - last.at > KEPT_S:
            return _Asked(now)
        else:
            # Each click comes alone where suggestions are accepted by themselves. Else all of them come each time.
            comes_again = any(click in last.clicks for click in prompt.clicks)
            clicks = prompt.clicks if comes_again else (*last.clicks, *prompt.clicks)
            asked = replace(last, at=now, clicks=clicks[-MOST:])
        self._last_asked[place] = asked
        if len(self._last_asked) > MOST_BOXES:
            self._last_asked.popitem(last=False)
        return asked

    def _frame(self, workspace: Workspace, frame_id: str) -> Frame | None:
        """A frame that may be shown; None for a strange one, and for one in quarantine."""
        if not frame_id:
            return None
        with workspace.catalogue() as catalogue:
            record = next(iter(catalogue.frames([frame_id])), None)
        if record is None or not record.may_leave:
            return None
        if self._seen is None or self._seen[0] != f"{frame_id} {record.pixel_sha256}":
            self._seen = f"{frame_id} {record.pixel_sha256}", load_frame(workspace, record)
        return self._seen[1]

    def _newest(self, workspace: Workspace) -> Refiner:
        """The newest refiner. While its files are damaged, the one before answers, or the ellipse."""
        place = newest(workspace.models_folder)
        if self._refiner is None or place != self._tried:
            self._tried = place
            try:
                self._refiner = load_refiner(workspace, device=self._device)
            except DmrError as error:
                self._log(f"boxes: Error: {error}")
                if self._refiner is None:
                    self._refiner = Refiner(None, class_ids=(), size=_WARM, device=pick_device("cpu"))
            if self._refiner.name is not None:  # the first answer takes longest
                box = Box(8, 8, _WARM - 8, _WARM - 8)
                self._refiner.mask(np.zeros((_WARM, _WARM), np.uint8), box=box, class_id=self._refiner.class_ids[0])
        return self._refiner


def _distance(box: Box, click: Click) -> tuple[float, float]:
    """How far a click is from a box, and from its middle."""
    beyond = math.hypot(
        max(box.left - click.x, 0.0, click.x - box.right), max(box.top - click.y, 0.0, click.y - box.bottom)
    )
    return beyond, math.hypot(click.x - (box.left + box.right) / 2, click.y - (box.top + box.bottom) / 2)
