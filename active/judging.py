"""Score a new model and the active one on the same test frames, and tell the gate's verdict in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from ..annotate.catalogue.records import CycleRecord, LabelledFrame, ModelRecord
from ..annotate.report import Report
from ..annotate.workspace import Session
from ..model.data.loading import learnt_hashes, looks_learnt, workspace_samples
from ..model.evaluation.evaluate import evaluate
from ..model.versions.load import load_predictor
from ..model.versions.trainings import read_trainings
from ..model.versions.verdict import learnt_nothing
from .gate import LEAST_PATIENTS, Verdict, judge

_NOTHING: Final = "it has learnt nothing yet"


def judge_models(
    s: Session, candidate: ModelRecord, incumbent: ModelRecord | None
) -> tuple[Verdict, list[LabelledFrame]]:
    """The verdict on a candidate, and the test frames that it was judged on; no frames without an active model."""
    nothing = learnt_nothing(s.workspace.models_folder / candidate.id)
    if incumbent is None:
        first = Verdict("promoted", "it is the first model", None, {}, (), None, 0)
        return (replace(first, decision="rejected", reason=_NOTHING) if nothing else first), []
    frames = test_frames(s, [candidate, incumbent])
    s.tell("Judging", 0, 2 * len(frames))
    new = _scores(s, candidate, frames, report=s.report)
    old = _scores(s, incumbent, frames, report=Report(s.report.command))  # unreadable files are reported once
    verdict = judge(new, old, margin=s.settings.gate.margin, class_margin=s.settings.gate.class_margin)
    trainings = read_trainings(s.workspace.models_folder, candidate=candidate.id, incumbent=incumbent.id)
    verdict = replace(verdict, trainings=trainings)
    if nothing:  # it would pass against an active model that has learnt nothing either
        verdict = replace(verdict, decision="rejected", reason=_NOTHING)
    elif verdict.decision == "undecided" and learnt_nothing(s.workspace.models_folder / incumbent.id):
        verdict = replace(verdict, decision="promoted", reason=f"the active model {incumbent.id} has learnt nothing")
    return verdict, frames


def test_frames(s: Session, models: Sequence[ModelRecord]) -> list[LabelledFrame]:
    """The test frames that are a fair test of all of these models; the report names the others.

    A frame is left out if it looks like a frame that one of the models learnt from: perhaps one patient has two names.
    A frame is also left out if it was drawn over a model's draft.
    """
    labelled = [f for f in s.catalogue.settled_frames(["test"]) if f.annotation.covered]
    drafted = [f for f in labelled if f.draft_model is not None]
    learnt = learnt_hashes(s.catalogue, models)
    copies = [f for f in labelled if looks_learnt(f.frame.perceptual_hash, learnt)]
    for f in copies:
        s.report.note("a test frame looks like a training frame (left out of the verdict)", f.frame.frame_id)
    for f in drafted:
        s.report.note("a test frame was drawn over a draft (left out of the verdict)", f.frame.frame_id)
    left_out = {f.frame.frame_id for f in (*copies, *drafted)}
    return [f for f in labelled if f.frame.frame_id not in left_out]


def verdict_lines(cycle: CycleRecord, verdict: Verdict) -> list[str]:
    """A verdict in lines for a person."""
    against = f" against {cycle.incumbent}" if cycle.incumbent else ""
    lines = [f"Gate: {cycle.candidate}{against} is {cycle.verdict}: {verdict.reason}."]
    lines += [f"  {name}: Dice {change.told()}" for name, change in verdict.classes.items()]
    if verdict.unjudged:
        why = f"fewer than {LEAST_PATIENTS} test patients have them, or one model does not know them"
        lines.append(f"  not judged, because {why}: {', '.join(verdict.unjudged)}")
    trainings = verdict.trainings
    if trainings is not None and (told := trainings.told()):
        lines.append(f"  {told}")
    if cycle.verdict == "rejected" and cycle.incumbent:
        lines.append(
            f"{cycle.incumbent} stays active. Outline more frames, then run `dmr retrain`; or train longer: "
            "`dmr retrain --again --minutes 30`."
        )
    if cycle.verdict == "undecided":
        if verdict.patients_needed:
            lines.append(
                f"  About {verdict.patients_needed} test patients would settle it; there are {verdict.patients}."
            )
        if trainings is not None and trainings.candidate_is_shorter:
            lines.append(
                f"  To train as long as {cycle.incumbent}: "
                f"`dmr retrain --again --minutes {math.ceil(trainings.incumbent.minutes)}`."
            )
        lines.append(f"{cycle.incumbent} stays active. To decide yourself:")
        lines.append(f'  dmr models promote {cycle.candidate} --because "..."')
    return lines


def _scores(s: Session, model: ModelRecord, frames: Sequence[LabelledFrame], *, report: Report) -> pd.DataFrame:
    """A model's scores on the test frames, at native size."""
    _, predictor = load_predictor(s, model=model.id, frames=len(frames))
    return evaluate(
        predictor,
        workspace_samples(s.workspace, frames, report=report),
        classes=s.catalogue.classes(),
        closely=False,
        tell=s.tell,
        what="Judging",
        of=2 * len(frames),
    ).table
