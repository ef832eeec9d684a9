"""Answer Label Studio's tasks with drafts: what `dmr push` would send, drawn now if there is none yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord, TaskRecord
from ...annotate.editing.checkout import held_out
from ...annotate.errors import WorkspaceError
from ...annotate.studio.answers.reading import member, read_data
from ...annotate.studio.interface.config import read_interface
from ...annotate.studio.projects.queues import model_of
from ...annotate.studio.pushing.outgoing import Outgoing, outgoing_hash, result_json, score_of
from ...annotate.studio.pushing.push import NO_MODEL
from ...annotate.system.pipeline import batched
from ...annotate.workspace import Session, Workspace
from ...model.inference.predict import BATCH, Predictor
from ...model.versions.load import load_predictor
from ..drafts import drawn

WAIT_S: Final = 1.0  # a physician waits: another command has the workspace for longer, or it does not
LAST: Final = 1.0  # the score of a task that is in no ranking: it comes last
Answer = dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """A model, ready to predict, and the hash of its weights."""

    model: str
    sha256: str
    predictor: Predictor


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers for some tasks, one each, and what they were.

    Attributes:
        results: As Label Studio takes them; an empty list for a task that cannot be answered now.
        drafts: How many are outlines.
        drawn: How many were drawn just now.
        later: How many cannot be answered now.
        failures: What went wrong.
    """

    results: list[Answer] = field(default_factory=list)
    drafts: int = 0
    drawn: int = 0
    later: int = 0
    failures: tuple[str, ...] = ()

    def __add__(self, other: Answers) -> Answers:
        return Answers(
            self.results + other.results,
            self.drafts + other.drafts,
            self.drawn + other.drawn,
            self.later + other.later,
            (*self.failures, *other.failures),
        )


class Drafter:
    """Answers tasks with the active model's drafts. Requests may come from several threads.

    A draft is shown only after it is in the catalogue: by it, a pull recognises what was corrected.

    Args:
        root: The workspace's folder. Its settings and its active model are read for each request.
        device: What computes, as in `--device`.
        is_own_work: Whether it is this server that keeps the workspace, by its pull or its training.
    """

    def __init__(self, root: Path, *, device: str, is_own_work: Callable[[], bool] = lambda: False) -> None:
        self._root, self._device, self._is_own_work = root, device, is_own_work
        self._network = threading.Lock()  # one prediction at a time: each takes all processors
        self._loaded: _Loaded | None = None
        self.versions: Mapping[int, str] = {}  # each project's version of predictions on the server

    def load(self) -> str:
        """Load the active model now, so that no physician waits for it.

        Raises:
            WorkspaceError: No model is active.
            ModelError: Its files are missing or damaged.
        """
        with Workspace.at(self._root).session(device=self._device) as s, self._network:
            version, predictor = load_predictor(s)
            sha256 = next(m.sha256 for m in s.catalogue.models() if m.id == version)
            self._loaded = _Loaded(version, sha256, predictor)
            side = predictor.input_size
            list(predictor.predict([np.zeros((side, side), np.uint8)]))  # the first one takes longest
            return version

    def version(self, project: int | None) -> str:
        """The version under which predictions for a project go out now."""
        with Workspace.at(self._root).catalogue() as catalogue:
            return self._version(catalogue.active_model(), project)

    def answer(self, tasks: Sequence[object], *, config: str, project: int | None) -> Answers:
        """The answers for tasks of a project.

        Args:
            tasks: Label Studio's JSON of each.
            config: The project's labelling interface.
            project: The project's number, None if it was not said.

        Raises:
            DmrError: The workspace or the model cannot be used.
        """
        found = Answers()
        with Workspace.at(self._root).session(device=self._device) as s:
            for some in batched(tasks, BATCH):  # others get their turn in between
                found += self._answered(s, some, config, project)
        return replace(found, failures=(*found.failures, *s.report.failures))

    def _answered(self, s: Session, tasks: Sequence[object], config: str, project: int | None) -> Answers:
        if _reads_again(s, project):
            return Answers([[] for _ in tasks], later=len(tasks))
        active = s.catalogue.active_model()
        version = self._version(active, project)
        ids = [read_data(member(task, "data")).frame_id for task in tasks]
        frames = {f.frame_id: f for f in s.catalogue.frames(i for i in ids if i) if f.may_leave}
        known, total = _known_tasks(s, project) if frames else ({}, 0)
        empty = [{"model_version": version, "score": _score(known.get(i), total), "result": []} for i in ids]
        try:
            interface = read_interface(config, classes=s.settings.classes)
        except ValueError:
            why = ("the project's labelling interface cannot be read",) if frames else ()
            answers: list[Answer] = [[] if i in frames else bare for i, bare in zip(ids, empty, strict=True)]
            return Answers(answers, later=answers.count([]), failures=why)
        outgoing, made = self._outgoing(s, frames, active)
        shown = {i: result_json(o, interface=interface, classes=s.settings.classes) for i, o in outgoing.items()}
        changed = [task for i, o in outgoing.items() if (task := _changed(known.get(i), o, shown[i])) is not None]
        kept = self._keep(s, made, changed)
        touched = {p.frame for p in made} | {task.frame for task in changed}
        results: list[Answer] = []
        later = 0
        for i, bare in zip(ids, empty, strict=True):
            if i in frames and (i not in outgoing or (not kept and i in touched)):
                results.append([])  # nothing is kept there, so it is asked for again when the frame is opened again
                later += 1
            else:
                results.append({**bare, "result": shown.get(i, [])})
        drafts = sum(isinstance(r, dict) and bool(r["result"]) for r in results)
        return Answers(results, drafts=drafts, drawn=len(made), later=later)

    def _outgoing(
        self, s: Session, frames: Mapping[str, FrameRecord], active: ModelRecord | None
    ) -> tuple[dict[str, Outgoing], list[PredictionRecord]]:
        """What physicians see on these frames, and the predictions of it that were made just now.

        A frame whose draft cannot be drawn is missing.
        """
        labelled = {item.frame.frame_id: item for item in s.catalogue.labelled_frames(frames=list(frames))}
        held = held_out(s.catalogue, list(frames.values()))
        bare = held | (s.catalogue.blind_audits() - labelled.keys())
        outgoing = {
            i: Outgoing(f, "", again=None if i in held else labelled.get(i))
            for i, f in frames.items()
            if active is None or i in bare or i in labelled
        }
        if active is None:
            return outgoing, []
        wanted = {i: f for i, f in frames.items() if i not in outgoing}
        drafts = s.catalogue.latest_predictions(active.id, wanted)
        made = self._drawn(s, [f for i, f in wanted.items() if i not in drafts], active)
        drafts |= {p.frame: p for p in made}
        return outgoing | {i: Outgoing(f, "", drafts[i]) for i, f in wanted.items() if i in drafts}, made

    def _drawn(self, s: Session, frames: Sequence[FrameRecord], active: ModelRecord) -> list[PredictionRecord]:
        if not frames:
            return []
        with self._network:
            loaded = self._loaded
            if loaded is None or (loaded.model, loaded.sha256) != (active.id, active.sha256):
                _, predictor = load_predictor(s, model=active.id)
                loaded = self._loaded = _Loaded(active.id, active.sha256, predictor)
            return list(drawn(s, frames, model=active.id, predictor=loaded.predictor))

    def _keep(self, s: Session, made: Sequence[PredictionRecord], tasks: Sequence[TaskRecord]) -> bool:
        """Record what is going to be shown; returns whether that worked."""
        if not made and not tasks:
            return True
        with ExitStack() as held:
            try:
                held.enter_context(s.writing(wait_s=WAIT_S))
            except WorkspaceError:
                # Our own pull or training has it, for minutes perhaps. The database itself takes one change at a time,
                # and neither of the two replaces it.
                if not self._is_own_work():
                    return False
            with s.catalogue.transaction():
                s.catalogue.add_predictions(made)
                s.catalogue.put_tasks(tasks)
        return True

    def _version(self, active: ModelRecord | None, project: int | None) -> str:
        """That of the last push if its drafts are the active model's, so that they need not be asked for."""
        model = active.id if active is not None else NO_MODEL
        pushed = self.versions.get(project, "") if project is not None else ""
        return pushed if model_of(pushed) == model else f"{model}-live"


def _reads_again(s: Session, project: int | None) -> bool:
    """Whether a project's frames are read again: they show what `dmr push` chose, never the newest draft."""
    return any(q.project == project and q.purpose != "correct" for q in s.catalogue.queues())


def _known_tasks(s: Session, project: int | None) -> tuple[dict[str, TaskRecord], int]:
    """The tasks of a project by frame, and how long their ranking is."""
    queue = next((q for q in s.catalogue.queues() if q.project == project), None)
    known = s.catalogue.queue_tasks(queue.id) if queue is not None else {}
    return known, max((task.rank or 0 for task in known.values()), default=0)


def _score(task: TaskRecord | None, total: int) -> float:
    return LAST if task is None or task.rank is None else score_of(task.rank, total)


def _changed(task: TaskRecord | None, o: Outgoing, result: Sequence[dict[str, Any]]) -> TaskRecord | None:
    """A task as it is with what is shown now; None if that is known."""
    if task is None:
        return None
    now = replace(
        task,
        model=o.draft.model if o.draft is not None and result else None,
        pushed_sha256=outgoing_hash(o, result),
    )
    return now if now != task else None
