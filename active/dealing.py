"""Which queue of Label Studio gets which frame, so that several people have enough to do and none does it twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.queues import held_place, studio_place
from ..annotate.errors import WorkspaceError
from ..annotate.settings.model import QueueSettings
from ..annotate.studio.pushing.outgoing import Outgoing

STAYS: Final = 5  # the first frames of a queue: somebody may have one of them open


@dataclass(slots=True)
class Share:
    """What one queue gets.

    Attributes:
        queue: The queue.
        frames: Its frames, in order.
        away: Ids of frames that it had, and that another queue has from now on.
    """

    queue: QueueSettings
    frames: list[Outgoing] = field(default_factory=list)
    away: set[str] = field(default_factory=set)


def deal(
    catalogue: Catalogue, queues: Sequence[QueueSettings], outgoing: Sequence[Outgoing], *, top: int | None
) -> list[Share]:
    """Share frames out among the queues for corrections.

    A frame stays in its queue, and new frames go to the queues in turn. A queue that would get no frame takes every
    second one of the longest queue, but none of the first `STAYS`, and none that somebody has submitted or skipped.

    Args:
        catalogue: The catalogue.
        queues: The queues of `dmr.toml`.
        outgoing: The frames, the most informative first.
        top: Frames that are in no queue yet are added only up to this rank; None for all.

    Raises:
        WorkspaceError: No queue is for corrections.
    """
    shares = [Share(queue) for queue in queues if queue.purpose == "correct"]
    if not shares:
        raise WorkspaceError("dmr.toml", 'no [[studio.queue]] has purpose = "correct"', "Add one")
    places: dict[str, int] = {}
    touched = {record.frame for begin in (studio_place(), held_place()) for record in catalogue.unread(begin)}
    for k, share in enumerate(shares):
        known = catalogue.queue(share.queue.name)
        tasks = catalogue.queue_tasks(known.id) if known is not None else {}
        touched |= {f for f, task in tasks.items() if task.state in ("labelled", "skipped")}
        for frame in (f for f, task in tasks.items() if task.state != "gone"):
            if frame in places:  # a push was killed while it gave the frame to another queue
                shares[places[frame]].away.add(frame)
            places[frame] = k
    turn = 0
    for rank, o in enumerate(outgoing, 1):
        place = places.get(o.frame.frame_id)
        if place is None and top is not None and rank > top:
            continue
        if place is None:
            place, turn = turn % len(shares), turn + 1
        shares[place].frames.append(o)
    for share in shares:
        if not share.frames:
            _fill(share, max(shares, key=lambda other: len(_movable(other, touched))), touched)
    return shares


def _movable(share: Share, touched: Collection[str]) -> list[Outgoing]:
    """The frames of a queue that another one may take. One that somebody has submitted or skipped stays."""
    return [o for o in share.frames[STAYS:] if o.again is None and o.frame.frame_id not in touched]


def _fill(empty: Share, longest: Share, touched: Collection[str]) -> None:
    taken = _movable(longest, touched)[::2]
    moved = {o.frame.frame_id for o in taken}
    empty.frames = taken
    longest.frames = [o for o in longest.frames if o.frame.frame_id not in moved]
    longest.away |= moved
