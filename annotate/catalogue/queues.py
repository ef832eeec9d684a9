"""The catalogue's queues, tasks and annotations on servers, and the cycles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from ..settings.model import Purpose
from ..system.canonical import canonical_json
from ..system.clock import utc_now
from ..system.pipeline import batched
from . import tables as t
from .database import AT_ONCE
from .records import CycleRecord, Queue, RemoteAnnotation, TaskRecord
from .unread import UnreadRows


def studio_place(queue: int | None = None, number: str = "") -> str:
    """The place of a submitted annotation that could not be read; or how all of a queue begin, or of every queue."""
    return "studio " if queue is None else f"studio {queue} {number}"


def held_place(queue: int | None = None, number: str = "") -> str:
    """The same for a submission without outlines that nobody has confirmed yet."""
    return "held " if queue is None else f"held {queue} {number}"


class QueueRows(UnreadRows):
    """Reads and writes of queues, tasks, remote annotations and cycles."""

    def queues(self) -> list[Queue]:
        """All queues, in the order they were made."""
        with self.reading() as connection:
            return [Queue(**row._mapping) for row in connection.execute(sa.select(t.queue).order_by(t.queue.c.id))]

    def queue(self, name: str) -> Queue | None:
        """The queue of this name."""
        return next((queue for queue in self.queues() if queue.name == name), None)

    def put_queue(
        self, name: str, *, server: str, project: int, purpose: Purpose = "correct", reader: str | None = None
    ) -> Queue:
        """Record a queue's project, for a new or a known queue. The recorded tasks are not changed.

        A server may give the number of a deleted project to a new one. Then the queue that had it has no project.
        """
        values = {"server": server, "project": project, "purpose": purpose, "reader": reader}
        with self.transaction() as connection:
            known = self.queue(name)
            c = t.queue.c
            other = (c.server == server, c.project == project, c.name != name)
            connection.execute(sa.update(t.queue).where(*other).values(project=-c.id))
            if known is not None:
                connection.execute(sa.update(t.queue).where(t.queue.c.id == known.id).values(**values))
                return replace(known, server=server, project=project, purpose=purpose, reader=reader)
            new = (connection.scalar(sa.select(sa.func.max(t.queue.c.id))) or 0) + 1
            connection.execute(sa.insert(t.queue).values(id=new, name=name, **values))
            return Queue(id=new, name=name, server=server, project=project, purpose=purpose, reader=reader)

    def offered(self, queue: int) -> dict[int, str] | None:
        """Since when a queue's project offers each class, by class id; None if that was never recorded."""
        found = self._noted(f"offered {queue}")
        return None if found is None else {int(class_id): since for class_id, since in found.items()}

    def set_offered(self, queue: int, since: Mapping[int, str]) -> None:
        """Record since when a queue's project offers each class."""
        self._note(f"offered {queue}", {str(class_id): at for class_id, at in since.items()})

    def label_meanings(self, queue: int) -> dict[str, int]:
        """What each label of `dmr.toml` stood for when a queue was last pulled; empty if that was never recorded."""
        return self._noted(f"labels {queue}") or {}

    def set_label_meanings(self, queue: int, meanings: Mapping[str, int]) -> None:
        """Record what each label of `dmr.toml` stands for."""
        self._note(f"labels {queue}", dict(meanings))

    def had_ellipses(self, queue: int) -> int | None:
        """The project in which a queue was seen with a tool for ellipses; None if there was none."""
        found = self._noted(f"ellipses {queue}")
        return None if found is None else int(found["project"])

    def note_ellipses(self, queue: int, project: int) -> None:
        """Record that a queue's project has a tool for ellipses."""
        self._note(f"ellipses {queue}", {"project": project})

    def _noted(self, key: str) -> dict[str, Any] | None:
        with self.reading() as connection:
            text = connection.scalar(sa.select(t.meta.c.value).where(t.meta.c.key == key))
        return None if text is None else dict(json.loads(text))

    def _note(self, key: str, values: Mapping[str, Any]) -> None:
        value = canonical_json(values)
        with self.transaction() as connection:
            if not connection.execute(sa.update(t.meta).where(t.meta.c.key == key).values(value=value)).rowcount:
                connection.execute(sa.insert(t.meta).values(key=key, value=value))

    def set_cursor(self, queue: int, cursor: str) -> None:
        """Record when a queue was last pulled."""
        with self.transaction() as connection:
            connection.execute(sa.update(t.queue).where(t.queue.c.id == queue).values(cursor=cursor))

    def queue_tasks(self, queue: int) -> dict[str, TaskRecord]:
        """The tasks of a queue, by frame."""
        columns = [c for c in t.task.c if c.name != "at"]
        with self.reading() as connection:
            rows = connection.execute(sa.select(*columns).where(t.task.c.queue == queue).order_by(t.task.c.frame))
            return {row.frame: TaskRecord(**row._mapping) for row in rows}

    def put_tasks(self, tasks: Iterable[TaskRecord]) -> None:
        """Record tasks as they are now. A task of the same queue and frame is replaced."""
        c = t.task.c
        key = [c.queue == sa.bindparam("q"), c.frame == sa.bindparam("f")]
        now = utc_now()
        with self.transaction() as connection:
            for batch in batched(tasks, AT_ONCE):
                connection.execute(sa.delete(t.task).where(*key), [{"q": x.queue, "f": x.frame} for x in batch])
                connection.execute(sa.insert(t.task), [asdict(x) | {"at": now} for x in batch])

    def remote_annotations(self, queue: int) -> dict[int, RemoteAnnotation]:
        """The recorded annotations of a queue, by their number on the server."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(t.remote_annotation).where(t.remote_annotation.c.queue == queue))
            return {row.remote_id: RemoteAnnotation(**row._mapping) for row in rows}

    def put_remote_annotation(self, seen: RemoteAnnotation) -> None:
        """Record an annotation as it was last seen."""
        c = t.remote_annotation.c
        with self.transaction() as connection:
            own = (c.queue == seen.queue, c.remote_id == seen.remote_id)
            connection.execute(sa.delete(t.remote_annotation).where(*own))
            connection.execute(sa.insert(t.remote_annotation).values(asdict(seen)))

    def drop_queue_tasks(self, queue: int) -> None:
        """Forget the tasks and annotations of a deleted project. Their revisions stay."""
        with self.transaction() as connection:
            for table in (t.task, t.remote_annotation):
                connection.execute(sa.delete(table).where(table.c.queue == queue))
            self.leave_unread([*self.unread(studio_place(queue)), *self.unread(held_place(queue))])

    def cycles(self) -> list[CycleRecord]:
        """All comparisons of models, oldest first."""
        with self.reading() as connection:
            return [
                CycleRecord(
                    id=row.id,
                    incumbent=row.incumbent,
                    candidate=row.candidate,
                    test_version=row.test_version,
                    verdict=row.verdict,
                    bounds=json.loads(row.bounds or "{}"),
                    at=row.at,
                )
                for row in connection.execute(sa.select(t.cycle).order_by(t.cycle.c.id))
            ]

    def add_cycle(self, cycle: CycleRecord) -> CycleRecord:
        """Keep a comparison as the newest one."""
        with self.transaction() as connection:
            number = (connection.scalar(sa.select(sa.func.max(t.cycle.c.id))) or 0) + 1
            row = {
                "id": number,
                "round": number,
                "incumbent": cycle.incumbent,
                "candidate": cycle.candidate,
                "test_version": cycle.test_version,
                "verdict": cycle.verdict,
                "bounds": canonical_json(dict(cycle.bounds)),
                "at": cycle.at,
            }
            connection.execute(sa.insert(t.cycle).values(row))
            return replace(cycle, id=number)
