"""Adjudications: what is shown of a frame's readers, and the outlines that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...catalogue.catalogue import Catalogue
from ...catalogue.records import LabelledFrame, Revision, RevisionRecord
from ...classes import Classes
from ...workspace import Session
from ..interface.adjudication import LETTERS, OWN, answer_for, control_of, in_letter_order, label_for, plain_label
from ..interface.config import Interface
from ..projects.payload import region_id, region_to_json
from ..projects.queues import outline_key, outline_regions
from .submission import Submission, UnreadableError


def readers_json(readers: Sequence[LabelledFrame], *, interface: Interface, classes: Classes) -> list[dict[str, Any]]:
    """What physicians see of a frame's readers, A first: their outlines, which nobody can change."""
    shown = []
    for letter, item in zip(LETTERS, readers, strict=False):
        for draft in outline_regions(item, interface=interface, classes=classes):
            region = region_to_json(draft.region, interface=interface)
            value = {**region["value"], draft.region.kind: [label_for(letter, x) for x in draft.region.labels]}
            shown.append({**region, "from_name": control_of(letter), "value": value, "readonly": True})
    return shown


def lettered(revisions: Sequence[Revision]) -> list[Revision]:
    """The revisions of a frame that contradict, A first."""
    authors = [revision.record.author for revision in revisions]
    return [revisions[k] for k in in_letter_order(revisions[0].record.frame, authors)]


def adjudicated(
    s: Session, submitted: Submission, read: Callable[[Submission], RevisionRecord], *, author: str
) -> RevisionRecord:
    """Convert an adjudication: exactly the chosen reader's outlines, or what its author drew.

    Args:
        s: The session.
        submitted: The annotation.
        read: Converts an annotation that holds only its author's own outlines.
        author: The person who submitted it.

    Raises:
        UnreadableError: It does not say clearly which outlines count.
    """
    annotation, frame = submitted.annotation, submitted.frame
    if annotation.problem:
        raise UnreadableError(annotation.problem, lost=None)
    history = [r for r in s.catalogue.history(frame.frame_id) if r.record.reading != "repeat"]
    shown: dict[str, Revision] = {}
    for revision in history:
        key = outline_key(frame, revision.sha256)
        shown |= {region_id(key, place): revision for place in range(len(revision.record.annotation.shapes))}
    own = [r for r in annotation.regions if r.id not in shown]
    chosen = next((letter for letter in LETTERS if annotation.choice == answer_for(letter)), None)
    if chosen is None and annotation.choice != OWN:
        raise _unclear("it does not say whose outlines are right")
    if chosen is None:
        plain = tuple(replace(r, labels=tuple(map(plain_label, r.labels))) for r in own)
        record = read(replace(submitted, annotation=replace(annotation, regions=plain)))
        return replace(record, parent=None, blind=False, draft_model=None)
    if own:
        raise _unclear(f"it says that {answer_for(chosen)}, and has outlines of its own")
    seen = {r.label[0]: shown[r.id] for r in annotation.regions if r.id in shown and r.label}
    right = _of_letter(s.catalogue, frame.frame_id, chosen, seen)
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=right.record.rendition,
        author=author,
        origin="studio",
        annotation=right.record.annotation,
        parent=right.sha256,
        raw_sha256=annotation.sha256,
        lead_time_s=annotation.lead_time_s,
        at=annotation.at,
    )


def _of_letter(catalogue: Catalogue, frame: str, letter: str, seen: Mapping[str, Revision]) -> Revision:
    """The revision of a reader. One without outlines is known by the conflict that the others belong to."""
    if letter in seen:
        return seen[letter]
    for conflict in reversed([c for c in catalogue.conflicts(only_open=False) if c.frame == frame]):
        order = dict(zip(LETTERS, lettered([catalogue.revision(x) for x in conflict.revisions]), strict=False))
        others = {a: r.sha256 for a, r in order.items() if r.record.annotation.shapes}
        if letter in order and letter not in others and others == {a: r.sha256 for a, r in seen.items()}:
            return order[letter]
    raise _unclear(f"it says that {answer_for(letter)}, and shows no such reader")


def _unclear(what: str) -> UnreadableError:
    return UnreadableError(what, lost=frozenset())
