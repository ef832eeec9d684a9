"""`dmr train`: from the workspace's revisions to a model version, resumable, with its card."""

from __future__ import annotations

import io
import pickle  # only for the name of an error
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd
import torch

from ..annotate.canonical import canonical_json
from ..annotate.catalogue import Catalogue
from ..annotate.classes import Classes
from ..annotate.clock import utc_now
from ..annotate.errors import ModelError, WorkspaceError
from ..annotate.platform import exclusive_lock
from ..annotate.records import LabelledFrame, ModelRecord
from ..annotate.report import Report
from ..annotate.settings import Settings
from ..annotate.store import sha256_hex, write_atomic
from ..annotate.workspace import Workspace
from .card_details import described, limits
from .checkpoint import Card, read_card, save_model, weights_bytes
from .curves import CURVES, training_curves
from .dataset import TrainingSet, training_set
from .engine import TorchEngine
from .evaluate import evaluate
from .loading import workspace_samples
from .metrics import summarise
from .network import SIZES, DMRNet, parameter_count
from .predict import Predictor, views
from .settings import TrainSettings
from .threads import thread_choice
from .train import Progress, Trainer, start_at_shares

SAVE_EVERY: Final = 60.0  # seconds of training that a crash may cost
SAVE_WAIT: Final = 3600.0  # seconds: hours of training are not given up because another command is writing
NETWORK: Final = 6  # counts up with every change of the network or of its start: older states do not fit

OnProgress = Callable[[Progress], None]


def train_settings(settings: Settings, **changes: Any) -> TrainSettings:
    """How to train: `dmr.toml`'s `[train]`, with the command line's options over it; None leaves a value as it is.

    Raises:
        ValueError: A value is out of its range.
    """
    own = settings.train
    values: dict[str, Any] = {
        "size": own.size,
        "input": own.input,
        "seed": own.seed,
        "epochs": own.epochs,
        "minutes": own.minutes,
    }
    values |= {name: value for name, value in changes.items() if value is not None}
    return TrainSettings(**{name: value for name, value in values.items() if value is not None})


def predicted_classes(classes: Classes) -> dict[int, str]:
    """Name by id of the classes that a model learns: those not retired, in the order of their ids."""
    return {c.id: c.name for c in classes.active}


def contained(classes: Classes) -> dict[int, frozenset[int]]:
    """Class id to the ids of all classes that lie inside it, for those that have any."""
    return {c.id: inside for c in classes if (inside := classes.children(c.id))}


def train_model(
    workspace: Workspace,
    catalogue: Catalogue,
    *,
    settings: TrainSettings,
    device: torch.device,
    report: Report,
    again: bool = False,
    advise: bool = True,
    on_progress: OnProgress | None = None,
) -> str:
    """Train a model version on the workspace's training patients, or go on with the run that was interrupted.

    The first model becomes the active one; later ones wait to be promoted.

    The workspace is locked only while the version is saved: hours of training keep nobody from working.

    Args:
        workspace: Whose frames.
        catalogue: Its catalogue, open.
        settings: How to train.
        device: To compute on.
        report: Gets counts and words.
        again: Make another version though the same one is there.
        advise: Say what to do with the new version.
        on_progress: Called after each step.

    Returns:
        The version's id.

    Raises:
        WorkspaceError: There is nothing to learn from.
        KeyboardInterrupt: Interrupted; the state is kept, and the next call goes on.
    """
    names = predicted_classes(workspace.settings.classes)
    train, validation = _frames(catalogue, "train"), _frames(catalogue, "validation")
    if not any(item.annotation.shapes for item in train):
        raise WorkspaceError("train", "there are no outlines of training patients yet", "Bring some in: dmr import")
    dataset = catalogue.add_dataset(item.revision for item in [*train, *validation])
    classes = workspace.settings.classes
    layers = [classes.paint_order(), sorted((c.name, c.inside) for c in classes.active if c.inside)]
    key = canonical_json([dataset, asdict(settings), sorted(names.items()), layers, NETWORK])
    run = sha256_hex(key.encode())[:16]
    made = _made_by(workspace, catalogue, run)
    if made and not again:
        report.say(f"Nothing new: {made[-1]} was trained on these outlines with these settings. --again makes another.")
        return made[-1]

    sets = [
        training_set(
            workspace_samples(workspace, part, report=report),
            class_ids=list(names),
            classes=classes,
            size=settings.input,
        )
        for part in (train, validation)
    ]
    if not len(sets[0]):
        raise WorkspaceError("train", "none of the training frames can be read", "Restore frames/ from a backup")
    state_path = workspace.models_folder / ".training" / f"{run}.pt"
    with _alone(state_path.with_suffix(".lock")):
        trainer = _resumed(_trainer(settings, sets, device, classes=len(names)), state_path, report=report)
        trainer = trainer or _trainer(settings, sets, device, classes=len(names))
        try:
            while True:  # at least once: a run may have been interrupted in its very last look
                trainer.run(seconds=SAVE_EVERY, on_progress=on_progress)
                if trainer.done:
                    break
                _save_state(trainer, state_path)
        except KeyboardInterrupt:
            _save_state(trainer, state_path)
            raise

    weights = weights_bytes(trainer.finished_state())
    details = {
        "run": run,
        "trained_at": utc_now(),
        "dataset": dataset,
        "data": {"train": described(train, names), "validation": described(validation, names)},
        "settings": asdict(settings),
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60, 2),
        "parameters": parameter_count(trainer.network),
        "torch": torch.__version__,
        "limits": limits(train, validation, names, settings),
        "inside": {c.name: c.inside for c in classes.active if c.inside},
        "validation_dice_while_training": None if trainer.best is None else round(trainer.best, 4),
        **_judged(workspace, trainer, validation, names, settings, device),
    }
    with workspace.lock(wait_s=SAVE_WAIT):
        version = _next_version(catalogue, workspace.models_folder)
        card = Card(
            id=version,
            size=settings.size,
            input=settings.input,
            channels=tuple(names.values()),
            class_ids=tuple(names),
            weights_sha256=sha256(weights).hexdigest(),
            details=details,
        )
        save_model(workspace.models_folder / version, weights, card)
        first = catalogue.active_model() is None
        with catalogue.transaction():
            catalogue.add_model(
                ModelRecord(id=version, sha256=card.weights_sha256, class_ids=card.class_ids, dataset=dataset)
            )
            if first:
                catalogue.activate(version, reason="the first model")
    state_path.unlink(missing_ok=True)
    # When the version is safe: a drawing that fails costs no training.
    write_atomic(workspace.models_folder / version / CURVES, training_curves(trainer.checks, list(names.values())))
    report.count("models made")
    report.data["model"] = version
    report.say(f"How it learnt: {workspace.relative(workspace.models_folder / version / CURVES)}")
    if first:
        report.say(f"{version} is the active model: `dmr prelabel` uses it from now on.")
    elif advise:
        report.say(f"{version} waits: `dmr retrain` lets the gate judge it.")
    return version


def newest_dataset(catalogue: Catalogue) -> str:
    """The data set that a training would use now."""
    return catalogue.add_dataset(
        item.revision for split in ("train", "validation") for item in _frames(catalogue, split)
    )


def _frames(catalogue: Catalogue, split: str) -> list[LabelledFrame]:
    """Labelled frames of a split, in an order that does not depend on when they came in."""
    return sorted((f for f in catalogue.labelled_frames() if f.split == split), key=lambda f: f.frame.frame_id)


def _trainer(settings: TrainSettings, sets: list[TrainingSet], device: torch.device, *, classes: int) -> Trainer:
    torch.manual_seed(settings.seed)
    network = DMRNet(classes, size=SIZES[settings.size], dropout=settings.dropout)
    start_at_shares(network.classifiers, sets[0].class_shares())
    return Trainer(network, sets[0], sets[1], settings=settings, device=device, threads=thread_choice())


def _judged(
    workspace: Workspace,
    trainer: Trainer,
    validation: list[LabelledFrame],
    names: dict[int, str],
    settings: TrainSettings,
    device: torch.device,
) -> dict[str, Any]:
    """Metrics of the finished weights on the validation patients at native size, and its calibration by them."""
    trainer.network.load_state_dict(trainer.finished_state())
    engine = TorchEngine(trainer.network, device, threads=thread_choice())
    predictor = Predictor(views(engine), class_ids=list(names), input_size=settings.input)
    samples = workspace_samples(workspace, validation, report=Report("train"))  # what cannot be read was said before
    done = evaluate(predictor, samples, names=names, contains=contained(workspace.settings.classes))
    calibration = done.evidence.fit().for_card(list(names.values())) if len(done.table) else None
    return {"validation": summary_values(summarise(done.table)), "calibration": calibration}


def summary_values(summary: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """A summary as JSON values: four digits, None for what is not known."""
    return {
        str(name): {str(k): None if pd.isna(v) else round(float(v), 4) for k, v in row.items()}
        for name, row in summary.iterrows()
    }


def _made_by(workspace: Workspace, catalogue: Catalogue, run: str) -> list[str]:
    """Versions that came out of this very run, the oldest first."""
    found = []
    for model in catalogue.models():
        try:
            if read_card(workspace.models_folder / model.id).details.get("run") == run:
                found.append(model.id)
        except ModelError:
            continue
    return found


def _next_version(catalogue: Catalogue, folder: Path) -> str:
    """`v1`, `v2`, ...: the first that is neither in the catalogue nor a folder, which a crash may have left."""
    taken = {model.id for model in catalogue.models()}
    n = 1
    while f"v{n}" in taken or (folder / f"v{n}" / "card.json").exists():
        n += 1
    return f"v{n}"


def _save_state(trainer: Trainer, path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(trainer.state(), buffer)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue())


def _resumed(trainer: Trainer, path: Path, *, report: Report) -> Trainer | None:
    """The trainer where an interrupted run stopped; None without one, or if its state cannot be read."""
    if not path.is_file():
        return None
    try:
        state = torch.load(io.BytesIO(path.read_bytes()), weights_only=True, map_location="cpu")
        trainer.load_state(state)
    except (RuntimeError, KeyError, ValueError, EOFError, OSError, pickle.UnpicklingError):
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        report.say(f"The interrupted run's state cannot be read and is kept as {aside.name}; training begins anew.")
        return None
    report.say(f"Went on at step {trainer.step}, where the last run was interrupted.")
    return trainer


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let nobody else train the same run meanwhile; other commands go on."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(exclusive_lock(lock, wait_s=0))
        except TimeoutError:
            raise WorkspaceError("train", "the same training is running already", "Wait for it to finish") from None
        yield
