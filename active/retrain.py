"""`dmr retrain`: train a new model, let the gate judge it against the active one, and draw new drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import CycleRecord, LabelledFrame, ModelRecord
from ..annotate.errors import StudioError, WorkspaceError
from ..annotate.workspace import Session
from ..model.computing.device import pick_device
from ..model.training.frames import TrainingFrames
from ..model.training.running import OnInterrupt
from ..model.training.settings import TrainSettings
from ..model.training.train import Say, train_or_finish
from ..model.versions.load import load_version
from ..model.versions.trainings import read_training
from ..model.versions.verdict import learnt_nothing
from .drafts import count_empty
from .exchange import has_studio, pull_and_push, some_may_leave, take_in
from .gate import Verdict
from .judging import judge_models, verdict_lines
from .ranking import rank_unlabelled
from .selection.select import check_strategy

WAIT_S: Final = 3600.0  # hours of training must not be lost because another command is writing


def run_cycle(
    s: Session,
    *,
    settings: TrainSettings,
    studio: bool | None = None,
    again: bool = False,
    finish: bool = False,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
) -> CycleRecord | None:
    """Take in what was drawn, retrain, and let the active model draw drafts on the frames that nobody has labelled.

    Args:
        s: The session; its report gets counts and words.
        settings: How to train.
        studio: Pull from Label Studio before, and push to it after; None does so if one is set up. If the push fails,
            the report says so.
        again: As in `retrain`.
        finish: As in `retrain`.
        say: As in `retrain`.
        on_interrupt: As in `retrain`.

    Returns:
        The cycle; None where nothing is new.
    """
    pick_device(s.device)  # a wrong device is refused now, not after the edits were taken in
    check_strategy(s.settings.select.strategy)  # and a strategy, not after hours of training
    studio = has_studio(s.settings) if studio is None else studio
    with s.writing():
        take_in(s, studio=studio)
    cycle = retrain(s, settings=settings, again=again, finish=finish, say=say, on_interrupt=on_interrupt)
    try:
        with s.writing(wait_s=WAIT_S):
            if not (studio and _sent(s)):
                ranking, statistics = rank_unlabelled(s)
                if (active := s.catalogue.active_model()) is not None:
                    drafted = [f for frame, f in ranking.frames.items() if frame in statistics.keys() - ranking.bare]
                    count_empty(s, active.id, drafted)
    except OSError as error:  # the verdict on hours of training is told anyway
        where, what = error.filename or "the disk", f"cannot be used ({error.strerror or error})"
        remedy = "Make room on it, or check its permissions; then `dmr retrain` ranks and draws. The verdict is kept"
        s.report.fail(WorkspaceError(where, what, remedy))
    return cycle


def _sent(s: Session) -> bool:
    """Send the drafts; returns whether that worked."""
    if not some_may_leave(s):
        return False
    try:
        pull_and_push(s)
    except StudioError as error:  # the verdict on hours of training is told anyway
        s.report.fail(error)
        return False
    return True


def retrain(
    s: Session,
    *,
    settings: TrainSettings,
    again: bool = False,
    finish: bool = False,
    say: Say | None = None,
    on_interrupt: OnInterrupt | None = None,
    bar: str = "Training",
) -> CycleRecord | None:
    """Train a model on everything that was drawn, and let the gate judge it against the active one.

    A run that was interrupted goes on, in the middle of training or before the verdict. The workspace is locked only
    while something is written. A model that has learnt nothing is never promoted, not even the first one. If the
    settings leave the length to this PC's pace, the new model is trained at least as long as the active one was.

    Args:
        s: The session; its report gets counts and words.
        settings: How to train.
        again: Train even if nothing is new.
        finish: Do not train on; make a version of the last interrupted training, and judge it.
        say: As in `train_model`.
        on_interrupt: As in `train_model`.
        bar: As in `train_model`.

    Returns:
        The cycle; None where nothing is new.

    Raises:
        WorkspaceError: There is nothing to learn from.
    """
    incumbent = s.catalogue.active_model()
    if incumbent is not None:
        load_version(s, model=incumbent.id)  # a damaged model is found now, not after hours of training
    candidate = None if again or finish else _waiting(s.catalogue)
    if candidate is not None:
        s.report.say(f"{candidate.id} has learnt from all outlines and was not judged yet, so no new model is trained.")
    else:
        models = s.catalogue.models()
        if not (again or finish) and _is_learnt(s, models):
            drawn = "Nothing else was drawn" if s.report.failures else "Nothing was drawn"
            s.report.say(f"{drawn} since the last training: no new model is trained. --again trains one anyway.")
            return None
        version = train_or_finish(
            s,
            settings=settings,
            again=again,
            finish=finish,
            advise=False,
            at_least=read_training(s.workspace.models_folder / incumbent.id) if incumbent is not None else None,
            say=say,
            on_interrupt=on_interrupt,
            bar=bar,
        )
        if version in {m.id for m in models}:
            return None  # this training was done before; the report says so
        candidate = next(model for model in s.catalogue.models() if model.id == version)
    verdict, frames = judge_models(s, candidate, incumbent)
    cycle = _settled(s, candidate, incumbent, verdict, frames)
    s.report.count("models judged")
    s.report.data["cycle"] = {"candidate": candidate.id, "verdict": verdict.decision, **verdict.as_json()}
    for line in verdict_lines(cycle, verdict):
        s.report.say(line)
    return cycle


def _is_learnt(s: Session, models: Sequence[ModelRecord]) -> bool:
    """Whether one of the models has learnt something from all current outlines."""
    learnt = {m.dataset for m in models if not learnt_nothing(s.workspace.models_folder / m.id)}
    return TrainingFrames.newest(s.catalogue).dataset in learnt


def _waiting(catalogue: Catalogue) -> ModelRecord | None:
    """The newest model, if it has learnt from all outlines and was not judged yet; else None.

    `dmr train` makes such a model, and so does a `dmr retrain` that was interrupted before the verdict.
    """
    models = catalogue.models()
    judged = {cycle.candidate for cycle in catalogue.cycles()}
    if not models or models[-1].id in judged or models[-1].state != "candidate":
        return None
    return models[-1] if models[-1].dataset == TrainingFrames.newest(catalogue).dataset else None


def _settled(
    s: Session,
    candidate: ModelRecord,
    incumbent: ModelRecord | None,
    verdict: Verdict,
    frames: Sequence[LabelledFrame],
) -> CycleRecord:
    """Record a verdict and carry it out.

    Raises:
        WorkspaceError: Another model became the active one in the meantime.
    """
    with s.writing(wait_s=WAIT_S), s.catalogue.transaction():
        active = s.catalogue.active_model()
        if incumbent is not None and (active is None or active.id != incumbent.id):
            what = f"{incumbent.id} is not the active model any more, and {candidate.id} was judged against it"
            raise WorkspaceError("retrain", what, "Run it again: then the model is judged again")
        test_version = s.catalogue.add_dataset(f.revision for f in frames) if frames else None
        cycle = s.catalogue.add_cycle(
            CycleRecord(
                incumbent=incumbent.id if incumbent else None,
                candidate=candidate.id,
                test_version=test_version,
                verdict=verdict.decision,
                bounds=verdict.as_json(),
            )
        )
        _follow(s.catalogue, candidate, incumbent, verdict, test_version)
    return cycle


def _follow(
    catalogue: Catalogue,
    candidate: ModelRecord,
    incumbent: ModelRecord | None,
    verdict: Verdict,
    test_version: str | None,
) -> None:
    """Carry out the verdict, in the transaction that records it."""
    if incumbent is None:  # a first model that has learnt something was made active when it was saved
        return
    if verdict.decision == "promoted":
        catalogue.set_model_state(candidate.id, state="candidate", test_version=test_version)
        catalogue.activate(candidate.id, reason=f"the gate: {verdict.reason}")
    else:
        catalogue.set_model_state(candidate.id, state=verdict.decision, test_version=test_version)
