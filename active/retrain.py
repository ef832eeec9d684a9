"""`dmr retrain`: a new model from what is new, judged by the gate against the active one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import CycleRecord, LabelledFrame, ModelRecord
from ..annotate.errors import WorkspaceError
from ..annotate.progress.tell import Tell
from ..annotate.report import Report
from ..annotate.workspace import Workspace
from ..model.data.loading import learnt_hashes, looks_learnt, workspace_samples
from ..model.evaluation.evaluate import evaluate
from ..model.inference.predict import Predictor
from ..model.training.running import OnInterrupt, OnProgress
from ..model.training.settings import TrainSettings
from ..model.training.train import Say, contained, finish_interrupted, newest_dataset, train_model
from ..model.versions.load import load_predictor, load_version
from ..model.versions.verdict import learnt_nothing
from .gate import LEAST_PATIENTS, Verdict, judge

_NOTHING = "it has learnt nothing yet"
WAIT_S = 3600.0  # hours of training are not given up because another command is writing


def retrain(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    settings: TrainSettings,
    device: torch.device,
    report: Report,
    again: bool = False,
    finish: bool = False,
    on_training: OnProgress | None = None,
    on_interrupt: OnInterrupt | None = None,
    say: Say | None = None,
    tell: Tell,
) -> CycleRecord | None:
    """Train a model on everything that was drawn, and let the gate judge it against the active one.

    A run that was interrupted is gone on with: in the middle of training, or before the verdict. The workspace is
    locked only while something is written. A model that has learnt nothing is never promoted, also not the first.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open.
        settings: How to train.
        device: To compute on.
        report: Gets counts and words.
        again: Train though nothing is new.
        finish: Train no further: judge a version of the training that was interrupted last.
        on_training: Called after each step.
        on_interrupt: As `train_model` has it.
        say: Likewise.
        tell: Told how far the judging is.

    Returns:
        The cycle; None where nothing is new.

    Raises:
        WorkspaceError: There is nothing to learn from.
    """
    incumbent = catalogue.active_model()
    if incumbent is not None:
        load_version(workspace, catalogue, model=incumbent.id, device=device)  # or hours of training come to nothing
    candidate = None if again or finish else _waiting(catalogue)
    if candidate is not None:
        report.say(f"{candidate.id} had learnt all outlines and was not judged yet: no other is trained.")
    else:
        models = catalogue.models()
        learnt = {m.dataset for m in models if not learnt_nothing(workspace.models_folder / m.id)}
        if not (again or finish) and newest_dataset(catalogue) in learnt:
            report.say("Nothing was drawn since the last training: no new model. --again makes one all the same.")
            return None
        if finish:
            version = finish_interrupted(workspace, catalogue, device=device, report=report, say=say, advise=False)
        else:
            version = train_model(
                workspace,
                catalogue,
                settings=settings,
                device=device,
                report=report,
                again=again,
                say=say,
                on_interrupt=on_interrupt,
                on_progress=on_training,
                advise=False,
            )
        if version in {m.id for m in models}:
            return None  # it learnt nothing with these very settings, and that was said
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
    learnt = learnt_hashes(catalogue, models)
    copies = [f for f in labelled if looks_learnt(f.frame.perceptual_hash, learnt)]
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
        why = f"fewer than {LEAST_PATIENTS} test patients have them, or one model lacks them"
        lines.append(f"  not judged, for {why}: {', '.join(verdict.unjudged)}")
    if cycle.verdict == "rejected" and cycle.incumbent:
        lines.append(
            f"{cycle.incumbent} stays active. Outline more frames, then `dmr retrain`; or train longer: "
            "`dmr retrain --again --minutes 30`."
        )
    if cycle.verdict == "undecided":
        if verdict.patients_needed:
            lines.append(
                f"  About {verdict.patients_needed} test patients would settle it; there are {verdict.patients}."
            )
        lines.append(f"{cycle.incumbent} stays active. To decide by yourself:")
        lines.append(f'  dmr models promote {cycle.candidate} --because "..."')
    return lines


def _waiting(catalogue: Catalogue) -> ModelRecord | None:
    """The newest model, if it has learnt all there is and nobody has judged it: of `dmr train`, or a broken run."""
    models = catalogue.models()
    judged = {cycle.candidate for cycle in catalogue.cycles()}
    if not models or models[-1].id in judged or models[-1].state != "candidate":
        return None
    return models[-1] if models[-1].dataset == newest_dataset(catalogue) else None


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
    nothing = learnt_nothing(workspace.models_folder / candidate.id)
    if incumbent is None:
        first = Verdict("promoted", "it is the first model", None, {}, (), None, 0)
        return (replace(first, decision="rejected", reason=_NOTHING) if nothing else first), None
    frames = test_frames(catalogue, [candidate, incumbent], report=report)
    gate = workspace.settings.gate
    tables: list[pd.DataFrame] = []
    tell("Judging", 0, 2 * len(frames))
    for model in (candidate, incumbent):
        _, predictor = load_predictor(workspace, catalogue, model=model.id, device=device, frames=len(frames))
        # What cannot be read is said once.
        said = report if not tables else Report(report.command)
        tables.append(_scores(workspace, catalogue, predictor, frames, report=said, tell=tell))
    verdict = judge(tables[0], tables[1], margin=gate.margin, class_margin=gate.class_margin)
    if nothing:  # beside an active model that knows nothing either it would pass
        verdict = replace(verdict, decision="rejected", reason=_NOTHING)
    elif verdict.decision == "undecided" and learnt_nothing(workspace.models_folder / incumbent.id):
        verdict = replace(verdict, decision="promoted", reason=f"{incumbent.id}, the active model, had learnt nothing")
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
        closely=False,
        on_progress=lambda n: tell("Judging", n, 2 * len(frames)),
    ).table


def _follow(
    catalogue: Catalogue,
    candidate: ModelRecord,
    incumbent: ModelRecord | None,
    verdict: Verdict,
    test_version: str | None,
) -> None:
    """Do what the verdict says, in the transaction that records it."""
    if incumbent is None:  # a first model that has learnt something is active since it was made, and others are not
        return
    if verdict.decision == "promoted":
        catalogue.set_model_state(candidate.id, state="candidate", test_version=test_version)
        catalogue.activate(candidate.id, reason=f"the gate: {verdict.reason}")
    else:
        catalogue.set_model_state(candidate.id, state=verdict.decision, test_version=test_version)
