"""What nobody has labelled yet: predicted, ranked, and sent to Label Studio in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import PredictionRecord
from ..annotate.editing.checkout import draft_sheets, held_out, write_checkout
from ..annotate.errors import WorkspaceError
from ..annotate.formats.ranking_table import write_table
from ..annotate.progress.tell import Tell
from ..annotate.report import Report
from ..annotate.settings.model import QueueSettings
from ..annotate.studio.push import Outgoing, push
from ..annotate.studio.queues import queue_settings
from ..annotate.workspace import Session, Workspace
from .prelabel import no_model, predict_missing, rank_frames, too_many_empty
from .ranking_rows import ranking_rows
from .selection.select import Ranked, check_strategy

if TYPE_CHECKING:
    from ..annotate.studio.client import StudioClient


def rank_unlabelled(
    workspace: Workspace, catalogue: Catalogue, *, device: torch.device, report: Report, tell: Tell
) -> tuple[list[Ranked], list[Outgoing]]:
    """Rank everything that nobody has labelled yet by the active model, with its drafts; both reports follow.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open.
        device: To predict on, where the active model has not yet seen a frame.
        report: Gets counts and words.
        tell: Told what is going on.
    """
    check_strategy(workspace.settings.select.strategy)
    tell("Ranking", 0, None)
    frames = catalogue.unlabelled_frames()
    blind = held_out(catalogue, frames)
    active = catalogue.active_model()
    predictions: Mapping[str, PredictionRecord] = {}
    if active is not None:
        wanted = [f for f in frames if f.frame_id not in blind]
        predictions = catalogue.latest_predictions(active.id)
        if any(f.frame_id not in predictions for f in wanted):
            predict_missing(workspace, catalogue, wanted, device=device, report=report, tell=tell)
            tell("Ranking", 0, None)
            predictions = catalogue.latest_predictions(active.id)
    scores = {frame: p.scores for frame, p in predictions.items()}
    ranking = rank_frames(workspace, frames, scores, blind=blind, seed=workspace.settings.train.seed)
    by_id = {f.frame_id: f for f in frames}
    drafted = {frame: own for frame, own in scores.items() if frame not in blind}
    write_table(workspace.reports_folder / "ranking.csv", ranking_rows(catalogue, ranking, by_id, drafted))
    write_checkout(workspace, draft_sheets(catalogue, frames))
    drafts = [None if r.frame_id in blind else predictions.get(r.frame_id) for r in ranking]
    return ranking, [Outgoing(by_id[r.frame_id], r.reason, draft) for r, draft in zip(ranking, drafts, strict=True)]


def push_ranking(
    workspace: Workspace,
    catalogue: Catalogue,
    client: StudioClient,
    *,
    device: torch.device,
    report: Report,
    tell: Tell,
    pixels_reviewed: bool = False,
    top: int | None = None,
) -> list[Ranked]:
    """Rank what nobody has labelled yet, and bring the queues of Label Studio in line with it.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open and pulled.
        client: The server.
        device: To predict on.
        report: Gets counts and words.
        tell: Told what is going on.
        pixels_reviewed: The user says that none of the frames shows who the patient is; it is kept.
        top: Of the frames that are not there yet only those among the first so many; None for all.

    Raises:
        UsageError: Frames were not reviewed.
        StudioError: The server fails.
    """
    if pixels_reviewed:
        catalogue.mark_reviewed(f.frame_id for f in catalogue.unlabelled_frames())
    ranking, outgoing = rank_unlabelled(workspace, catalogue, device=device, report=report, tell=tell)
    active = catalogue.active_model()
    dealt = _dealt(catalogue, queue_settings(workspace.settings), outgoing, top=top)
    for queue, part in dealt:
        s = Session(workspace, catalogue, report, tell)
        push(s, client, part, queue=queue, model=active.id if active else None)
    _tell_bare(catalogue, [o for _, part in dealt for o in part], report=report)
    return ranking


def _tell_bare(catalogue: Catalogue, sent: Sequence[Outgoing], *, report: Report) -> None:
    """Say it where physicians see frames without a draft, though not on purpose."""
    active = catalogue.active_model()
    if active is None:
        if sent:
            report.say(f"{no_model(catalogue)}: physicians see the frames without drafts.")
        return
    drafted = [o for o in sent if o.draft is not None and o.frame.sector is not None]
    empty = sum(not o.draft.shapes for o in drafted if o.draft is not None)
    if too_many_empty(empty, len(drafted)):
        report.say(
            f"{empty} of {len(drafted)} drafts in Label Studio are empty, for {active.id} finds nothing there: "
            "physicians see bare frames. Train longer, or let them outline some from nothing and `dmr retrain`."
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
