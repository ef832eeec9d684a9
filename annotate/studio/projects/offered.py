"""Since when a project offers each class: who submitted before could not draw it, so it is not called absent there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ...catalogue.catalogue import Catalogue
from ...classes import Classes
from ...settings.model import Settings
from ...system.clock import utc_text
from ..answers.records import StudioAnnotation, StudioTask
from .queues import OpenQueue


def note_offered(catalogue: Catalogue, opened: OpenQueue, *, added: Iterable[int] = (), at: str = "") -> dict[int, str]:
    """Record the classes that a project offers now, and return since when; empty for those it always offered.

    Nobody knows when a label was added by hand. Its class is missing here until somebody has drawn it: see
    `first_drawn`.

    Args:
        catalogue: The catalogue.
        opened: The project.
        added: The ids of the classes that dmr has just given their labels.
        at: When it has, by the server's clock.
    """
    known = catalogue.offered(opened.queue.id)
    there = opened.interface.labels
    if known is None:
        since = dict.fromkeys(there, "")
    else:
        since = {c: at for c in added if c in there} | {c: own for c, own in known.items() if c in there}
    if since != known:
        catalogue.set_offered(opened.queue.id, since)
    return since


def first_drawn(tasks: Iterable[StudioTask], wanted: Iterable[int], classes: Classes) -> dict[int, str]:
    """When each of these classes was first submitted, so that its label was there: by the server's clock.

    This depends on what is on the server alone, not on when it was pulled.
    """
    rest, found = frozenset(wanted), dict[int, str]()
    for task in tasks:
        for annotation in task.annotations:
            labels = {label for region in annotation.regions for label in region.labels}
            for c in rest & {classes.class_id(label) for label in labels}:
                if c is not None and annotation.at:
                    found[c] = min(annotation.at, found.get(c, annotation.at))
    return found


def was_offered(class_id: int, since: Mapping[int, str], annotation: StudioAnnotation) -> bool:
    """Whether a class had its label when an annotation was begun: a page that is open keeps the labels that it had."""
    added = since.get(class_id)
    return added is not None and (not added or added <= _begun(annotation))


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
