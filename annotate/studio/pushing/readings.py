"""The queues in which frames are read a second time or once more: which frames, with which draft."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ...catalogue.catalogue import Catalogue
from ...catalogue.readings import standing
from ...catalogue.records import FrameRecord, PredictionRecord
from ...editing.checkout import held_out
from ...settings.studio import AFTER_DAYS, SHARE, QueueSettings
from ...system.clock import utc_now
from ...wording import counted
from ...workspace import Session
from ..projects.queues import READINGS, queue_settings
from ..pulling.settling import lettered
from .outgoing import Outgoing
from .push import push

if TYPE_CHECKING:
    from ..server.client import StudioClient

FILLED: Final = ("second-reading", "adjudication", "repeat")
READ: Final = ("first", "second")  # the readings that may be read once more
BARE: Final = "please outline all that you see"
DISAGREE: Final = "the readers disagree on "
DRAFTED: Final = "please correct the draft"


def push_readings(s: Session, client: StudioClient, *, pixels_reviewed: bool = False) -> None:
    """Fill the queues of `dmr.toml` that read frames again. Without such a frame, no project is made.

    Args:
        s: The session, after a pull; its report gets counts and words.
        client: The server.
        pixels_reviewed: The user says that none of the frames shows who the patient is; this is recorded.
    """
    _tell_strangers(s, client)
    for queue in queue_settings(s.settings):
        if queue.purpose not in FILLED:
            continue
        choose = frames_to_settle if queue.purpose == "adjudication" else frames_to_read
        if pixels_reviewed:
            s.catalogue.mark_reviewed(o.frame.frame_id for o in choose(s, queue))
        outgoing = choose(s, queue)
        seen = [o for o in outgoing if o.frame.may_leave]
        if len(seen) < len(outgoing):
            s.report.say(
                f"{counted(len(outgoing) - len(seen), 'frames')} for the queue {queue.name} stay here: nobody has "
                "confirmed that their pixels were reviewed. Look at them in frames/, then run `dmr push "
                "--pixels-reviewed`."
            )
        if seen:
            push(s, client, seen, queue=queue, model=READINGS)


def _tell_strangers(s: Session, client: StudioClient) -> None:
    """Say so if the reader of a queue has no login: a slip in the address, or somebody who was not invited yet."""
    readers = {q.reader.strip() for q in queue_settings(s.settings) if q.reader is not None}
    if readers:
        there = {mail.casefold() for mail in client.users().values()}
        for reader in sorted(r for r in readers if r.casefold() not in there):
            s.report.say(f"{reader}, reader of a queue, has no login in Label Studio: `dmr studio invite` gives one.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A frame to be read again.

    Attributes:
        frame: The frame's id.
        model: The model whose draft the reader before got; None if that was none.
    """

    frame: str
    model: str | None


def frames_to_read(s: Session, queue: QueueSettings) -> list[Outgoing]:
    """The frames of a queue for second readings or repeats, in a random order that stays.

    Each goes out as its reader before got it: over the same draft, or over none. Frames of validation and test patients
    never have a draft.
    """
    choose = _second if queue.purpose == "second-reading" else _repeats
    wanted = sorted(choose(s.catalogue, queue), key=lambda w: place_by_chance(queue, w.frame))
    frames = {f.frame_id: f for f in s.catalogue.frames(w.frame for w in wanted) if f.state != "erased"}
    drafts = _drafts(s.catalogue, wanted, list(frames.values()))
    return [_outgoing(frames[w.frame], drafts.get(w.frame)) for w in wanted if w.frame in frames]


def frames_to_settle(s: Session, queue: QueueSettings) -> list[Outgoing]:
    """The frames whose readers disagree, with all of their outlines; not those on which the queue's reader drew."""
    conflicts = s.catalogue.conflicts()
    wanted = {sha256 for conflict in conflicts for sha256 in conflict.revisions}
    shown = {item.revision: item for item in s.catalogue.labelled_frames(revisions=wanted)}
    outgoing, own = [], 0
    for conflict in conflicts:
        order = lettered([s.catalogue.revision(sha256) for sha256 in conflict.revisions])
        readers = tuple(shown[r.sha256] for r in order if r.sha256 in shown)
        if any(is_reader(queue, r.record.author) for r in order):
            own += 1
        elif len(readers) == len(order):
            about = ", ".join(c.name for c in s.settings.classes if c.id in conflict.disputed)
            outgoing.append(Outgoing(readers[0].frame, DISAGREE + about, readers=readers))
    if own:
        s.report.say(
            f"{counted(own, 'conflicts')} are not in the queue {queue.name}, because its reader has drawn one of the "
            "outlines. Somebody else must settle them, or `dmr conflicts`."
        )
    return outgoing


def is_reader(queue: QueueSettings, author: str) -> bool:
    """Whether an author is the person whose queue it is."""
    return queue.reader is not None and author.casefold() == queue.reader.strip().casefold()


def _second(catalogue: Catalogue, queue: QueueSettings) -> Iterable[Wanted]:
    """Of the frames that somebody else has read, a share that nobody has read a second time for this queue."""
    for frame, records in catalogue.readings().items():
        now = standing(records)
        first = [r for r in now if r.reading == "first" and r.origin != "consensus"]
        read_first = any(r.reading == "first" and is_reader(queue, r.author) for r in records)  # even if withdrawn
        second = [r for r in now if r.reading == "second" and (queue.reader is None or is_reader(queue, r.author))]
        settled = any(r.reading == "adjudication" for r in now)
        others = [r for r in first if not is_reader(queue, r.author)]
        if others and not (read_first or second or settled) and _is_drawn(queue, frame):
            yield Wanted(frame, others[0].draft_model)


def _repeats(catalogue: Catalogue, queue: QueueSettings) -> Iterable[Wanted]:
    """Of the frames that the reader has read long ago, a share that he or she has not repeated."""
    days = AFTER_DAYS if queue.after_days is None else queue.after_days
    until = datetime.fromisoformat(utc_now()) - timedelta(days=days)
    for frame, records in catalogue.readings().items():
        own = [r for r in standing(records) if is_reader(queue, r.author)]
        read = [r for r in own if r.reading in READ and r.origin != "consensus"]
        is_done = any(r.reading in ("repeat", "adjudication") for r in own)
        if read and not is_done and datetime.fromisoformat(read[-1].at) <= until and _is_drawn(queue, frame):
            yield Wanted(frame, read[-1].draft_model)


def _is_drawn(queue: QueueSettings, frame: str) -> bool:
    return place_by_chance(queue, frame) < (SHARE if queue.share is None else queue.share)


def place_by_chance(queue: QueueSettings, frame: str) -> float:
    """A number from 0 up to 1: the same for a frame and a reader at each push, whatever frames come later."""
    digest = hashlib.sha256(f"{queue.purpose} {(queue.reader or '').strip().casefold()} {frame}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _drafts(
    catalogue: Catalogue, wanted: Sequence[Wanted], frames: Sequence[FrameRecord]
) -> dict[str, PredictionRecord]:
    held = held_out(catalogue, frames)
    found: dict[str, PredictionRecord] = {}
    for model in sorted({w.model for w in wanted if w.model is not None}):
        ids = [w.frame for w in wanted if w.model == model and w.frame not in held]
        found |= catalogue.latest_predictions(model, ids)
    return found


def _outgoing(frame: FrameRecord, draft: PredictionRecord | None) -> Outgoing:
    return Outgoing(frame, DRAFTED if draft is not None and draft.shapes else BARE, draft)
