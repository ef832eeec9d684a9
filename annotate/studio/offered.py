"""Since when a project offers each class: who submitted before could not draw it, so it is not called absent there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ..catalogue.catalogue import Catalogue
from ..settings.model import Settings
from ..system.clock import utc_now, utc_text
from .queues import OpenQueue
from .records import StudioAnnotation


def note_offered(catalogue: Catalogue, opened: OpenQueue) -> dict[int, str]:
    """Record the classes that a project offers now, and return since when; empty for those it always offered.

    A class that is seen for the first time counts from now on: nobody knows when its label was added by hand.
    """
    known = catalogue.offered(opened.queue.id)
    now = "" if known is None else utc_now()
    since = {class_id: (known or {}).get(class_id, now) for class_id in opened.interface.labels}
    if since != known:
        catalogue.set_offered(opened.queue.id, since)
    return since


def was_offered(class_id: int, since: Mapping[int, str], annotation: StudioAnnotation) -> bool:
    """Whether a class had its label when an annotation was begun: a page that is open keeps the labels that it had."""
    added = since.get(class_id, "")
    return not added or added <= _begun(annotation)


def _begun(annotation: StudioAnnotation) -> str:
    try:
        at = datetime.fromisoformat(annotation.at)
    except ValueError:
        return ""
    return utc_text(at - timedelta(seconds=annotation.lead_time_s or 0))


def is_left_out(label: str, settings: Settings) -> bool:
    """Whether outlines of a label are left out on purpose: it is ignored, or its class is retired."""
    found = settings.classes.find(label)
    return settings.imports.ignores(label) or (found is not None and found.retired)
