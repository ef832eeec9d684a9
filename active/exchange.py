"""The exchange with Label Studio: pull what was drawn there, push the ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..annotate.editing.edits import sync_checkout
from ..annotate.settings.model import Settings
from ..annotate.studio.projects.queues import queue_settings, studio_client
from ..annotate.studio.pulling.pull import pull
from ..annotate.studio.pushing.outgoing import Outgoing
from ..annotate.studio.pushing.push import LOOK, push
from ..annotate.studio.pushing.readings import push_readings
from ..annotate.studio.server.credentials import find_login
from ..annotate.wording import counted
from ..annotate.workspace import Session
from ..model.computing.device import pick_device
from .dealing import deal
from .drafts import no_model, too_many_empty
from .ranking import outgoing_frames, rank_unlabelled
from .selection.select import Ranked, check_strategy

if TYPE_CHECKING:
    from ..annotate.studio.server.client import StudioClient


def has_studio(settings: Settings) -> bool:
    """Whether a Label Studio is set up, with a login to it."""
    return find_login(settings) is not None


def take_in(s: Session, *, studio: bool) -> None:
    """Take in the edits in `annotations/`, and with `studio` also what was submitted in Label Studio.

    Raises:
        StudioError: The server fails.
    """
    sync_checkout(s)
    if studio:
        with studio_client(s.workspace) as client:
            pull(s, client)


def pull_and_push(s: Session, *, pixels_reviewed: bool = False, top: int | None = None) -> None:
    """Take in what was drawn, rank the frames that nobody has labelled yet, and push them to Label Studio.

    Args:
        s: The session; its report gets counts, words and the ranking.
        pixels_reviewed: As in `push_ranking`.
        top: As in `push_ranking`.

    Raises:
        SettingsError: There is no such strategy.
        UsageError: All frames are in quarantine.
        StudioError: The server fails.
    """
    check_strategy(s.settings.select.strategy)  # refused before anything is asked
    with studio_client(s.workspace) as client:
        sync_checkout(s)
        pull(s, client)
        ranking = push_ranking(s, client, pixels_reviewed=pixels_reviewed, top=top)
    s.report.data["ranking"] = [{"rank": r.rank, "frame": r.frame_id, "reason": r.reason} for r in ranking]


def wants_push(s: Session, *, ranked: bool) -> bool:
    """Whether to push if the user did not say: only if a Label Studio is set up and some frame may be sent.

    Args:
        s: The session; its report says why nothing is pushed.
        ranked: Whether frames were ranked just now; if not, it is not checked whether they may be sent.
    """
    return has_studio(s.settings) and (not ranked or some_may_leave(s))


def some_may_leave(s: Session) -> bool:
    """Whether a frame may be sent without somebody looking at it first; if not, the report says so."""
    frames = s.catalogue.unlabelled_frames()
    may = not frames or any(f.may_leave for f in frames)
    if not may:
        s.report.say(f"Not sent to Label Studio: all frames are in quarantine. {LOOK}.")
    return may


def push_ranking(
    s: Session, client: StudioClient, *, pixels_reviewed: bool = False, top: int | None = None
) -> list[Ranked]:
    """Rank the frames that nobody has labelled yet, and update the queues of Label Studio to match.

    Args:
        s: The session, after a pull; its report gets counts and words.
        client: The server.
        pixels_reviewed: The user says that none of the frames shows who the patient is; this is recorded.
        top: Frames that are not in a queue yet are added only up to this rank; None for all.

    Raises:
        UsageError: All frames are in quarantine.
        StudioError: The server fails.
    """
    pick_device(s.device)  # a wrong device is refused now, not only when there is something to draw
    if pixels_reviewed:
        s.catalogue.mark_reviewed(f.frame_id for f in s.catalogue.unlabelled_frames())
    ranking, _ = rank_unlabelled(s)
    if pixels_reviewed:
        s.catalogue.mark_reviewed(ranking.again)
    outgoing = _without_unseen(s, outgoing_frames(s, ranking))
    active = s.catalogue.active_model()
    shares = deal(s.catalogue, queue_settings(s.settings), outgoing, top=top)
    for share in shares:
        push(s, client, share.frames, queue=share.queue, model=active.id if active else None, away=share.away)
    _tell_bare(s, [o for share in shares for o in share.frames])
    push_readings(s, client, pixels_reviewed=pixels_reviewed)
    return list(ranking.order)


def _without_unseen(s: Session, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
    """The frames without those to draw again whose picture nobody has reviewed: they do not keep the new ones back."""
    again = [o.frame.frame_id for o in outgoing if o.again is not None]
    seen = {f.frame_id for f in s.catalogue.frames(again) if f.reviewed_at is not None}
    if len(seen) < len(again):
        s.report.say(
            f"{counted(len(again) - len(seen), 'frames')} to draw again stay here: nobody has confirmed that their "
            "pixels were reviewed. Look at them in frames/, then run `dmr push --pixels-reviewed`."
        )
    kept = [o for o in outgoing if o.again is None or o.frame.frame_id in seen]
    now = {f.frame_id: f for f in s.catalogue.frames(seen)}
    return [replace(o, frame=now.get(o.frame.frame_id, o.frame)) for o in kept]


def _tell_bare(s: Session, sent: Sequence[Outgoing]) -> None:
    """Say so if physicians see frames without outlines because the model is missing or poor."""
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
