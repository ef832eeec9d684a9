"""The exchange with Label Studio: what was drawn there comes in, and the ranking goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.editing.edits import sync_checkout
from ..annotate.errors import WorkspaceError
from ..annotate.settings.model import QueueSettings, Settings
from ..annotate.studio.credentials import find_login
from ..annotate.studio.pull import pull
from ..annotate.studio.push import Outgoing, push
from ..annotate.studio.queues import queue_settings, studio_client
from ..annotate.workspace import Session
from ..model.computing.device import pick_device
from .drafts import no_model, too_many_empty
from .ranking import rank_unlabelled
from .selection.select import Ranked

if TYPE_CHECKING:
    from ..annotate.studio.client import StudioClient


def has_studio(settings: Settings) -> bool:
    """Whether a Label Studio is set up, with a login to it."""
    return find_login(settings) is not None


def take_in(s: Session, *, studio: bool) -> None:
    """Take up what was drawn in `annotations/`, and what was submitted in Label Studio if that is wanted.

    Raises:
        StudioError: The server fails.
    """
    sync_checkout(s)
    if studio:
        with studio_client(s.workspace) as client:
            pull(s, client)


def pull_and_push(s: Session, *, pixels_reviewed: bool = False, top: int | None = None) -> None:
    """Take in what was drawn, and bring Label Studio in line with the ranking of what nobody has labelled yet.

    Args:
        s: The session; its report gets counts, words and the ranking.
        pixels_reviewed: As `push_ranking` has it.
        top: Likewise.

    Raises:
        UsageError: Frames were not reviewed.
        StudioError: The server fails.
    """
    with studio_client(s.workspace) as client:
        sync_checkout(s)
        pull(s, client)
        ranking = push_ranking(s, client, pixels_reviewed=pixels_reviewed, top=top)
    s.report.data["ranking"] = [{"rank": r.rank, "frame": r.frame_id, "reason": r.reason} for r in ranking]


def wants_push(s: Session, *, ranked: bool) -> bool:
    """Whether to push where nobody has said: where a Label Studio is set up, and all that would be sent was looked at.

    Args:
        s: The session; its report says why not.
        ranked: Whether frames were ranked just now: without, nothing is said of their review.
    """
    return has_studio(s.settings) and (not ranked or all_reviewed(s))


def all_reviewed(s: Session) -> bool:
    """Whether all that would be sent was looked at; says so if not."""
    reviewed = all(f.reviewed_at is not None for f in s.catalogue.unlabelled_frames())
    if not reviewed:
        s.report.say(
            "Not sent to Label Studio: first look at the pictures in frames/, then run `dmr push --pixels-reviewed`."
        )
    return reviewed


def push_ranking(
    s: Session, client: StudioClient, *, pixels_reviewed: bool = False, top: int | None = None
) -> list[Ranked]:
    """Rank what nobody has labelled yet, and bring the queues of Label Studio in line with it.

    Args:
        s: The session, its catalogue pulled; its report gets counts and words.
        client: The server.
        pixels_reviewed: The user says that none of the frames shows who the patient is; it is kept.
        top: Of the frames that are not there yet only those among the first so many; None for all.

    Raises:
        UsageError: Frames were not reviewed.
        StudioError: The server fails.
    """
    pick_device(s.device)  # or it is refused only where there is something to draw
    if pixels_reviewed:
        s.catalogue.mark_reviewed(f.frame_id for f in s.catalogue.unlabelled_frames())
    ranking, outgoing = rank_unlabelled(s)
    active = s.catalogue.active_model()
    dealt = _dealt(s.catalogue, queue_settings(s.settings), outgoing, top=top)
    for queue, part in dealt:
        push(s, client, part, queue=queue, model=active.id if active else None)
    _tell_bare(s, [o for _, part in dealt for o in part])
    return ranking


def _tell_bare(s: Session, sent: Sequence[Outgoing]) -> None:
    """Say it where physicians see frames without a draft, though not on purpose."""
    active = s.catalogue.active_model()
    if active is None:
        if sent:
            s.report.say(f"{no_model(s.catalogue)}: physicians see the frames without drafts.")
        return
    drafted = [o for o in sent if o.draft is not None and o.frame.sector is not None]
    empty = sum(not o.draft.shapes for o in drafted if o.draft is not None)
    if too_many_empty(empty, len(drafted)):
        s.report.say(
            f"{empty} of {len(drafted)} drafts in Label Studio are empty, because {active.id} finds nothing there: "
            "physicians see bare frames. Train longer, or let them outline some frames, then run `dmr retrain`."
        )


def _dealt(
    catalogue: Catalogue, queues: Sequence[QueueSettings], outgoing: Sequence[Outgoing], *, top: int | None
) -> list[tuple[QueueSettings, list[Outgoing]]]:
    """The frames of each correcting queue: where a frame is already, else one queue after the other."""
    correcting = [queue for queue in queues if queue.purpose == "correct"]
    if not correcting:
        raise WorkspaceError("dmr.toml", 'no [[studio.queue]] has purpose = "correct"', "Add one")
    places: dict[str, int] = {}
    for k, queue in enumerate(correcting):
        known = catalogue.queue(queue.name)
        if known is not None:
            places |= {f: k for f, task in catalogue.queue_tasks(known.id).items() if task.state != "gone"}
    dealt: list[list[Outgoing]] = [[] for _ in correcting]
    turn = 0
    for rank, o in enumerate(outgoing, 1):
        place = places.get(o.frame.frame_id)
        if place is None and top is not None and rank > top:
            continue
        if place is None:
            place, turn = turn % len(correcting), turn + 1
        dealt[place].append(o)
    return list(zip(correcting, dealt, strict=True))
