"""Make a model version of a trained network: judge it, save it with its card, perhaps activate it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.catalogue.records import ModelRecord
from ...annotate.classes import Classes
from ...annotate.report import Report
from ...annotate.system.clock import utc_now
from ...annotate.system.store import write_atomic
from ...annotate.workspace import Session, Workspace
from ..data.dataset import IGNORED, TrainingSet
from ..data.loading import workspace_samples
from ..evaluation.evaluate import evaluate
from ..evaluation.metrics import summarise, summary_values
from ..inference.engine import TorchEngine
from ..inference.predict import Predictor, views
from ..network.checkpoint import Card, save_model, weights_bytes
from ..network.dmrnet import parameter_count
from ..versions.verdict import Outcome
from .card_details import HOW_MEASURED, described, limits
from .curves import CURVES, training_curves
from .frames import TrainingFrames, patient_count
from .grid_dice import class_dice
from .refused import after_saving
from .resuming import Run
from .trainer import Trainer

SAVE_WAIT: Final = 3600.0  # seconds: hours of training must not be lost because another command is writing
LOOKED_AT: Final = 64  # training frames on which we check whether anything was learnt


def make_version(
    s: Session,
    trainer: Trainer,
    *,
    run: Run,
    frames: TrainingFrames,
    classes: Classes,
    ended_early: bool,
    activate: bool | None = None,
    advise: bool = True,
) -> str:
    """Make a version of a trainer's network, and report how good it is.

    Args:
        s: The session; its report gets counts, words, and the outcome under `training`.
        trainer: The trainer, done or ended early.
        run: The run that it trained.
        frames: The frames that it learnt from and is judged on.
        classes: The classes; they say which class lies inside which.
        ended_early: Whether the user ended the training early.
        activate: Whether to make it the active model; None does so if no model is active and it has learnt something.
        advise: Whether to say if the version is active, and what to do with it.

    Returns:
        The version's id.
    """
    weights = weights_bytes(trainer.finished_state())
    judged = _judged(s.workspace, trainer, frames, run, classes)
    outcome = _outcome(trainer, run, judged["validation"], frames, ended_early=ended_early)
    details = _details(trainer, run, frames, outcome) | judged
    with s.writing(wait_s=SAVE_WAIT):
        before = s.catalogue.active_model()
        becomes_active = (before is None and outcome.level != "nothing") if activate is None else activate
        model, card_sha256 = _saved(s, weights, details, run=run, outcome=outcome)
        with s.catalogue.transaction():
            s.catalogue.add_model(model, card_sha256=card_sha256)
            if becomes_active:
                reason = "the first model" if before is None else "asked for when it was trained"
                s.catalogue.activate(model.id, reason=reason)
    # After the version is safe: if drawing fails, no training is lost.
    curves = s.workspace.models_folder / model.id / CURVES
    try:
        write_atomic(curves, training_curves(trainer.checks, list(run.names.values())))
    except OSError as error:
        s.report.fail(after_saving(error, curves, version=model.id))
    s.report.count("models made")
    s.report.data["model"] = model.id
    s.report.data["training"] = {"model": model.id, "active": becomes_active, **outcome.as_json()}
    for line in outcome.lines(model.id):
        s.report.say(line)
    if curves.is_file():
        s.report.say(f"Curves of loss and Dice: {s.workspace.relative(curves)}")
    if advise or outcome.level == "nothing":
        s.report.say(_fate(model.id, before, outcome, active=becomes_active))
    return model.id


def _details(trainer: Trainer, run: Run, frames: TrainingFrames, outcome: Outcome) -> dict[str, Any]:
    """What a card says about the training."""
    names = run.names
    return {
        "run": run.id,
        "trained_at": utc_now(),
        "dataset": run.dataset,
        "data": {"train": described(frames.train, names), "validation": described(frames.validation, names)},
        "settings": asdict(run.settings),
        "steps": trainer.step,
        "minutes": outcome.minutes,
        "ended_early": outcome.ended_early,
        "parameters": parameter_count(trainer.network),
        "torch": torch.__version__,
        "limits": limits(frames, names, run.settings),
        "inside": run.inside,
        "verdict": outcome.as_json(),
        "validation_dice_while_training": outcome.on_grid,
        "how_measured": HOW_MEASURED,
    }


def _saved(
    s: Session, weights: bytes, details: dict[str, Any], *, run: Run, outcome: Outcome
) -> tuple[ModelRecord, str]:
    """Save weights and card under the next version's name; the record is not in the catalogue yet.

    Returns:
        The record, and the hash of the card's file.
    """
    version = _next_version(s.catalogue, s.workspace.models_folder)
    card = Card(
        id=version,
        size=run.settings.size,
        input=run.settings.input,
        channels=tuple(run.names.values()),
        class_ids=tuple(run.names),
        weights_sha256=sha256(weights).hexdigest(),
        details=details,
    )
    card_sha256 = save_model(s.workspace.models_folder / version, weights, card)
    record = ModelRecord(
        id=version,
        sha256=card.weights_sha256,
        class_ids=card.class_ids,
        dataset=run.dataset,
        state="rejected" if outcome.level == "nothing" else "candidate",
    )
    return record, card_sha256


def _fate(version: str, before: ModelRecord | None, outcome: Outcome, *, active: bool) -> str:
    """A line that says whether a new version is active, and what to do with it."""
    if active:
        return f"{version} is the active model: `dmr prelabel` uses it from now on."
    if outcome.level != "nothing":
        return f"{version} is not active yet: `dmr retrain` lets the gate judge it."
    left = f"{before.id} stays the active model" if before else "there is no active model"
    return (
        f"{version} is kept, but not active, because it has learnt nothing: {left}. "
        f'To use it anyway: dmr models promote {version} --because "..."'
    )


def _outcome(
    trainer: Trainer,
    run: Run,
    summary: Mapping[str, Mapping[str, float | None]],
    frames: TrainingFrames,
    *,
    ended_early: bool,
) -> Outcome:
    names = list(run.names.values())
    dice = {name: summary.get(name, {}).get("dice") for name in names}
    drawn = [item for item in frames.validation if item.annotation.shapes]
    training: dict[str, float | None] = {}
    if None in dice.values():  # validation frames do not show every class
        training = dict(zip(names, _training_dice(trainer), strict=True))
    batch = min(run.settings.batch, len(trainer.training))
    return Outcome(
        steps=trainer.step,
        minutes=round(trainer.seconds / 60, 2),
        epochs=round(trainer.step * batch / len(trainer.training), 2),
        input=run.settings.input,
        size=run.settings.size,
        limited_by_minutes=run.settings.minutes is not None,
        ended_early=ended_early,
        validation=dice,
        mean=summary.get("mean", {}).get("dice"),
        patients=patient_count(drawn),
        frames=len(drawn),
        training={name: None if d is None else round(d, 4) for name, d in training.items()},
        frames_with=described(frames.train, run.names)["frames_with"],
        on_grid=None if trainer.best is None else round(trainer.best, 4),
    )


def _training_dice(trainer: Trainer) -> list[float | None]:
    """Dice of each class on some outlined training frames, on the grid, with the weights that are kept."""
    targets = trainer.training.targets
    shown = ((targets > 0) & (targets != IGNORED)).flatten(1).any(1).nonzero()[:, 0]
    some = shown[torch.linspace(0, max(0, len(shown) - 1), min(LOOKED_AT, len(shown))).long()]
    t = trainer.training
    part = TrainingSet(t.frames[some], t.targets[some], t.covered[some], tuple(t.patients[i] for i in some), t.inside)
    return class_dice(
        trainer.network, part, device=trainer.device, batch=trainer.settings.batch, threads=trainer.threads
    )


def _judged(
    workspace: Workspace, trainer: Trainer, frames: TrainingFrames, run: Run, classes: Classes
) -> dict[str, Any]:
    """Metrics of the kept weights on the validation patients at native size, and the calibration fitted on them."""
    trainer.network.load_state_dict(trainer.finished_state())
    engine = TorchEngine(trainer.network, trainer.device, threads=trainer.threads)
    predictor = Predictor(views(engine), class_ids=list(run.names), input_size=run.settings.input)
    said_before = Report("train")  # not shown: unreadable files were reported when the training began
    samples = workspace_samples(workspace, frames.validation, report=said_before)
    done = evaluate(predictor, samples, classes=classes)
    calibration = done.evidence.fit().for_card(list(run.names.values())) if len(done.table) else None
    return {"validation": summary_values(summarise(done.table)), "calibration": calibration}


def _next_version(catalogue: Catalogue, folder: Path) -> str:
    """The next free name, `v1`, `v2` and so on; a crash may have left a folder that the catalogue does not know."""
    taken = {model.id for model in catalogue.models()}
    n = 1
    while f"v{n}" in taken or (folder / f"v{n}" / "card.json").exists():
        n += 1
    return f"v{n}"
