"""`dmr retrain` and `dmr push`: a new model from what is new, judged, and what is still unlabelled in a new order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from ..annotate.catalogue import Catalogue
from ..annotate.checkout import draft_sheets, held_out, write_checkout
from ..annotate.console import Tell
from ..annotate.errors import WorkspaceError
from ..annotate.ingest import NEAR_COPY
from ..annotate.push import Outgoing, push
from ..annotate.queues import queue_settings
from ..annotate.records import CycleRecord, LabelledFrame, ModelRecord, PredictionRecord
from ..annotate.report import Report
from ..annotate.settings import QueueSettings
from ..annotate.workspace import Workspace
from ..model.evaluate import evaluate
from ..model.loading import workspace_samples
from ..model.predict import Predictor
from ..model.settings import TrainSettings
from ..model.training import OnProgress, contained, load_predictor, newest_dataset, train_model
from .gate import Verdict, judge
from .prelabel import predict_missing, rank_frames, write_ranking
from .select import Ranked, check_strategy

if TYPE_CHECKING:
    from ..annotate.client import StudioClient

WAIT_S = 3600.0  # hours of training are not given up because another command is writing


def retrain(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    settings: TrainSettings,
    device: torch.device,
    report: Report,
    again: bool = False,
    on_training: OnProgress | None = None,
    tell: Tell,
) -> CycleRecord | None:
    """Train a model on everything that was drawn, and let the gate judge it against the active one.

    A run that was interrupted is gone on with: in the middle of training, or before the verdict. The workspace is
    locked only while something is written.

    Returns:
        The cycle; None where nothing was drawn since the last one.

    Raises:
        WorkspaceError: There is nothing to learn from.
    """
    incumbent = catalogue.active_model()
    candidate = None if again else _waiting(catalogue)
    if candidate is None:
        learnt = {model.dataset for model in catalogue.models()}
        if not again and newest_dataset(catalogue) in learnt:
            report.say("Nothing was drawn since the last training: no new model. --again makes one all the same.")
            return None
        version = train_model(
            workspace,
            catalogue,
            settings=settings,
            device=device,
            report=report,
            again=again,
            on_progress=on_training,
            advise=False,
        )
        candidate = next(model for model in catalogue.models() if model.id == version)
    verdict, test_version = _judged(workspace, catalogue, candidate, incumbent, device=device, report=report, tell=tell)
    with workspace.lock(wait_s=WAIT_S), catalogue.transaction():
        active = catalogue.active_model()
        if incumbent is not None and (active is None or active.id != incumbent.id):
            what = f"{incumbent.id} is not the active model any more, and {candidate.id} was judged against it"
            raise WorkspaceError("retrain", what, "Run it again: it judges anew")
        cycle = catalogue.add_cycle(
            CycleRecord(
                incumbent=incumbent.id if incumbent else None,
                candidate=candidate.id,
                test_version=test_version,
                verdict=verdict.decision,
                bounds=verdict.as_json(),
            )
        )
        _follow(catalogue, candidate, incumbent, verdict, test_version)
    report.count("models judged")
    report.data["cycle"] = {"candidate": candidate.id, "verdict": verdict.decision, **verdict.as_json()}
    for line in verdict_lines(cycle, verdict):
        report.say(line)
    return cycle


def test_frames(
    catalogue: Catalogue, models: Sequence[ModelRecord], *, report: Report | None = None
) -> list[LabelledFrame]:
    """The test frames that say something about all of these models.

    Left out are those that look like a frame that one of the models learnt from, perhaps of one patient under two
    names, and those that were drawn over a model's draft.
    """
    labelled = [f for f in catalogue.labelled_frames() if f.split == "test" and f.annotation.covered]
    drafted = [f for f in labelled if f.draft_model is not None]
    learnt = {sha256 for model in models if model.dataset for sha256 in catalogue.dataset(model.dataset)}
    hashes = [
        int(f.frame.perceptual_hash, 16)
        for f in catalogue.labelled_frames()
        if f.split != "test" and f.revision in learnt and f.frame.perceptual_hash
    ]
    bits = np.array(hashes, np.uint64)
    copies = [
        f
        for f in labelled
        if f.frame.perceptual_hash
        and (np.bitwise_count(bits ^ np.uint64(int(f.frame.perceptual_hash, 16))) <= NEAR_COPY).any()
    ]
    if report is not None:
        for f in copies:
            report.note("a test frame looks like a training frame (left out of the verdict)", f.frame.frame_id)
        for f in drafted:
            report.note("a test frame was drawn over a draft (left out of the verdict)", f.frame.frame_id)
    left_out = {f.frame.frame_id for f in (*copies, *drafted)}
    return [f for f in labelled if f.frame.frame_id not in left_out]


def verdict_lines(cycle: CycleRecord, verdict: Verdict) -> list[str]:
    """What a person is told of a verdict."""
    against = f" against {cycle.incumbent}" if cycle.incumbent else ""
    lines = [f"Gate: {cycle.candidate}{against} is {cycle.verdict}: {verdict.reason}."]
    lines += [f"  {name}: Dice {change.told()}" for name, change in verdict.classes.items()]
    if verdict.unjudged:
        lines.append(f"  not judged, for no test frame has them or one model lacks them: {', '.join(verdict.unjudged)}")
    if cycle.verdict == "undecided":
        if verdict.patients_needed:
            lines.append(
                f"  About {verdict.patients_needed} test patients would settle it; there are {verdict.patients}."
            )
        lines.append(f"{cycle.incumbent} stays active. To decide by yourself:")
        lines.append(f'  dmr models promote {cycle.candidate} --because "..."')
    return lines


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
    """Rank everything that nobody has labelled yet, and bring the queues of Label Studio in line with it.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open and pulled.
        client: The server.
        device: To predict on, where the active model has not yet seen a frame.
        report: Gets counts and words.
        tell: Told what is going on.
        pixels_reviewed: The user says that none of the frames shows who the patient is; it is kept.
        top: Only so many frames, None for all.

    Raises:
        UsageError: Frames were not reviewed.
        StudioError: The server fails.
    """
    check_strategy(workspace.settings.select.strategy)
    frames = catalogue.unlabelled_frames()
    if pixels_reviewed:
        catalogue.mark_reviewed(f.frame_id for f in frames)
        frames = catalogue.unlabelled_frames()
    blind = held_out(catalogue, frames)
    active = catalogue.active_model()
    predictions: dict[str, PredictionRecord] = {}
    if active is not None:
        wanted = [f for f in frames if f.frame_id not in blind]
        predictions = catalogue.latest_predictions(active.id)
        if any(f.frame_id not in predictions for f in wanted):
            found = predict_missing(workspace, catalogue, wanted, device=device, report=report, tell=tell)
            predictions = dict(found)
    ranking = rank_frames(workspace, frames, predictions, blind=blind, seed=workspace.settings.train.seed)
    write_ranking(workspace.reports_folder / "ranking.csv", ranking)
    write_checkout(workspace, draft_sheets(catalogue, frames))
    by_id = {f.frame_id: f for f in frames}
    outgoing = [
        Outgoing(by_id[r.frame_id], r.reason, None if r.frame_id in blind else predictions.get(r.frame_id))
        for r in ranking[:top]
    ]
    for queue, part in _dealt(catalogue, queue_settings(workspace.settings), outgoing):
        push(
            workspace,
            catalogue,
            client,
            queue,
            part,
            model=active.id if active else None,
            report=report,
            on_progress=tell,
        )
    return ranking


def _dealt(
    catalogue: Catalogue, queues: Sequence[QueueSettings], outgoing: Sequence[Outgoing]
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
    for o in outgoing:
        if (place := places.get(o.frame.frame_id)) is None:
            place, turn = turn % len(correcting), turn + 1
        dealt[place].append(o)
    return list(zip(correcting, dealt, strict=True))


def _waiting(catalogue: Catalogue) -> ModelRecord | None:
    """The newest model, if nobody has judged it yet: a run was interrupted, or `dmr train` made it."""
    models = catalogue.models()
    judged = {cycle.candidate for cycle in catalogue.cycles()}
    if not models or models[-1].id in judged or models[-1].state != "candidate":
        return None
    return models[-1]


def _judged(
    workspace: Workspace,
    catalogue: Catalogue,
    candidate: ModelRecord,
    incumbent: ModelRecord | None,
    *,
    device: torch.device,
    report: Report,
    tell: Tell,
) -> tuple[Verdict, str | None]:
    """The verdict on a candidate, and the test version that it was judged on."""
    if incumbent is None or incumbent.id == candidate.id:
        return Verdict("promoted", "it is the first model", None, {}, (), None, 0), None
    frames = test_frames(catalogue, [candidate, incumbent], report=report)
    gate = workspace.settings.gate
    tables = []
    for model in (candidate, incumbent):
        _, predictor = load_predictor(workspace, catalogue, model=model.id, device=device)
        tables.append(_scores(workspace, catalogue, predictor, frames, report=report, tell=tell))
    verdict = judge(tables[0], tables[1], margin=gate.margin, class_margin=gate.class_margin)
    return verdict, catalogue.add_dataset(f.revision for f in frames) if frames else None


def _scores(
    workspace: Workspace,
    catalogue: Catalogue,
    predictor: Predictor,
    frames: Sequence[LabelledFrame],
    *,
    report: Report,
    tell: Tell,
) -> pd.DataFrame:
    """A model's scores on the test frames, at native size."""
    classes = catalogue.classes()
    return evaluate(
        predictor,
        workspace_samples(workspace, frames, report=report),
        names={c.id: c.name for c in classes},
        contains=contained(classes),
        on_progress=lambda n: tell("Judging", n, 2 * len(frames)),
    )


def _follow(
    catalogue: Catalogue,
    candidate: ModelRecord,
    incumbent: ModelRecord | None,
    verdict: Verdict,
    test_version: str | None,
) -> None:
    """Do what the verdict says, in the transaction that records it."""
    if incumbent is None or incumbent.id == candidate.id:
        return  # the first model is active since it was made
    if verdict.decision == "promoted":
        catalogue.set_model_state(candidate.id, state="candidate", test_version=test_version)
        catalogue.activate(candidate.id, reason=f"the gate: {verdict.reason}")
    else:
        catalogue.set_model_state(candidate.id, state=verdict.decision, test_version=test_version)
