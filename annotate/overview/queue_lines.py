"""What `dmr status` says of each queue in Label Studio: how many frames are done, and how many wait."""

from __future__ import annotations

from typing import Any, Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.queues import studio_place
from ..catalogue.readings import ReadingRecord, standing
from ..catalogue.records import Queue, Reading
from ..settings.model import Purpose

_READING: Final[dict[Purpose, Reading]] = {
    "second-reading": "second",
    "adjudication": "adjudication",
    "repeat": "repeat",
}


def queue_figures(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The queues that have a project, in the order in which they were made.

    What was read again is counted by the revisions. So it still counts when its project was deleted and made again.
    """
    readings = catalogue.readings()
    figures = []
    for queue in catalogue.queues():
        tasks = catalogue.queue_tasks(queue.id)
        unread = {record.frame for record in catalogue.unread(studio_place(queue.id))}
        waiting = sum(task.state == "pushed" and frame not in unread for frame, task in tasks.items())
        reading = _READING.get(queue.purpose)
        if reading is None:
            done = sum(task.state == "labelled" for task in tasks.values())
        else:
            done = sum(_is_done(records, queue, reading) for records in readings.values())
        figures.append({"queue": queue.name, "purpose": queue.purpose, "done": done, "waiting": waiting})
    return figures


def queue_lines(figures: list[dict[str, Any]]) -> list[str]:
    """The lines of `dmr status` on the queues; none where there is one queue alone, to correct drafts."""
    if all(f["purpose"] == "correct" for f in figures) and len(figures) < 2:
        return []
    width = max(len(f["queue"]) for f in figures)
    return ["", "queues in Label Studio"] + [
        f"  {f['queue']:<{width}}  {f['purpose']}: {f['done']} done, {f['waiting']} waiting" for f in figures
    ]


def _is_done(records: list[ReadingRecord], queue: Queue, reading: Reading) -> bool:
    named = None if queue.reader is None else queue.reader.strip().casefold()
    return any(r.reading == reading and named in (None, r.author.casefold()) for r in standing(records))
