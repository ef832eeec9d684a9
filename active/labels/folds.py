"""Train models that each leave out a part of the patients, and keep what they see in the patients left out.

Nothing else of these models is kept: they are never used for drafts.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.errors import BrokenInput, UsageError, WorkspaceError
from ...annotate.system.canonical import canonical_json
from ...annotate.system.store import make_folder, write_atomic
from ...annotate.workspace import Session
from ...model.computing.device import pick_device
from ...model.computing.threads import thread_choice
from ...model.data.dataset import training_set
from ...model.data.loading import workspace_samples
from ...model.inference.engine import pick_engine
from ...model.inference.predict import Predictor, views
from ...model.network.dmrnet import SIZES, DMRNet
from ...model.training.bar import training_bar
from ...model.training.settings import TrainSettings
from ...model.training.trainer import Trainer, start_at_shares
from .grids import Seen
from .unlearnt import predicted

FOLDER: Final = "labels"  # in reports/
LEAST: Final = 2
FORMAT: Final = 1  # raise it when what a file holds changes


@dataclass(frozen=True, slots=True)
class Fold:
    """A part of the patients.

    Attributes:
        number: From 1.
        of: How many there are.
        learnt: Frames of the other patients.
        left_out: Frames of its patients.
    """

    number: int
    of: int
    learnt: tuple[LabelledFrame, ...]
    left_out: tuple[LabelledFrame, ...]

    @property
    def name(self) -> str:
        """As it is told: `model 2 of 5`."""
        return f"model {self.number} of {self.of}"

    def run(self, settings: TrainSettings, class_ids: Sequence[int]) -> str:
        """A hash of all that decides what its model sees."""
        outlines = [sorted(item.revision for item in self.learnt), sorted(i.frame.pixel_sha256 for i in self.left_out)]
        how = [FORMAT, settings.size, settings.input, settings.steps, settings.minutes, settings.seed]
        return sha256(canonical_json([outlines, how, list(class_ids)]).encode()).hexdigest()


def folds_of(labelled: Sequence[LabelledFrame], count: int) -> list[Fold]:
    """Share the patients out; the parts differ by one patient at most.

    Raises:
        UsageError: There are fewer patients than parts.
    """
    patients = {item.frame.patient or "" for item in labelled}
    if count < LEAST or count > len(patients):
        what = f"--folds {count} does not fit: there are {len(patients)} patients with outlines"
        remedy = f"Use a number from {LEAST} to {len(patients)}" if len(patients) >= LEAST else "Import more patients"
        raise UsageError("check --labels", what, remedy)
    order = sorted(patients, key=lambda p: sha256(f"dmr-label-fold-{p}".encode()).hexdigest())
    found = []
    for k in range(count):
        own = set(order[k::count])
        found.append(
            Fold(
                k + 1,
                count,
                tuple(item for item in labelled if item.frame.patient not in own),
                tuple(item for item in labelled if item.frame.patient in own),
            )
        )
    return found


def train_folds(s: Session, labelled: Sequence[LabelledFrame], *, count: int, settings: TrainSettings) -> None:
    """Train the models whose files are missing or older than the outlines; those that are done are not trained again.

    Args:
        s: The session; its report gets how many were trained.
        labelled: Frames of known patients.
        count: How many parts.
        settings: How to train each model.

    Raises:
        UsageError: There are fewer patients than parts.
        WorkspaceError: There is nothing to learn from.
        KeyboardInterrupt: Interrupted; the models that are done are kept.
    """
    folder = s.workspace.reports_folder / FOLDER
    class_ids = s.settings.classes.predicted
    folds = folds_of(labelled, count)
    s.report.count("models trained", 0)
    for fold in folds:
        path = folder / f"fold-{fold.number}-of-{fold.of}.npz"
        run = fold.run(settings, list(class_ids))
        kept = _kept(path)
        if kept is not None and str(kept["run"]) == run:
            continue
        try:
            found = _train(s, fold, settings=settings)
        except KeyboardInterrupt:
            words = f"Interrupted in {fold.name}. The models before it are kept; the same command goes on from there."
            raise KeyboardInterrupt(words) from None
        with s.writing():
            make_folder(folder)
            write_atomic(path, _packed(found, run=run))
        s.report.count("models trained")
    wanted = {f"fold-{f.number}-of-{f.of}.npz" for f in folds}
    for path in folder.glob("fold-*.npz"):  # of another number of parts: the newest say it better
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def _train(s: Session, fold: Fold, *, settings: TrainSettings) -> list[Seen]:
    classes, device = s.settings.classes, pick_device(s.device)
    ids = list(classes.predicted)
    s.tell(f"Preparing {fold.name}", 0, None)
    learnt, none = (
        training_set(
            workspace_samples(s.workspace, part, report=s.report), class_ids=ids, classes=classes, size=settings.input
        )
        for part in (fold.learnt, ())
    )
    if not len(learnt) or not (learnt.targets[learnt.targets != 255] > 0).any():
        raise WorkspaceError("check --labels", f"{fold.name} has nothing to learn from", "Use more --folds")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        network = DMRNet(len(ids), size=SIZES[settings.size], dropout=settings.dropout)
    start_at_shares(network.classifiers, learnt.class_shares())
    trainer = Trainer(network, learnt, none, settings=settings, device=device, threads=thread_choice())
    told = training_bar(s.tell, list(classes.predicted.values()), what=f"Training {fold.name}")
    trainer.run(on_progress=lambda p: told(replace(p, done=False)))  # there are no validation patients to judge on
    network.load_state_dict(trainer.finished_state())
    engine = pick_engine(network.eval(), size=settings.input, device=device, frames=len(fold.left_out))
    predictor = Predictor(views(engine), class_ids=ids, input_size=settings.input)
    return list(predicted(s, fold.left_out, predictor, by=fold.name))


def _packed(found: Sequence[Seen], *, run: str) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        run=np.array(run),
        by=np.array(found[0].by if found else ""),
        frames=np.array([f.frame for f in found], dtype=np.str_),
        class_ids=np.array(found[0].class_ids if found else (), np.int64),
        probabilities=np.stack([f.probabilities for f in found]) if found else np.zeros((0, 0, 0, 0), np.uint8),
        small=np.stack([f.small for f in found]) if found else np.zeros((0, 0, 0), np.uint8),
    )
    return out.getvalue()


def _kept(path: Path) -> dict[str, NDArray[Any]] | None:
    """All that a file holds; None where it is missing or damaged anywhere."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            return {name: kept[name] for name in ("run", "by", "frames", "class_ids", "probabilities", "small")}
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile):
        return None


def kept_folds(s: Session, labelled: Sequence[LabelledFrame]) -> Iterator[Seen]:
    """What the models of the last `--folds` saw in these frames, a file in memory at a time.

    A frame is in the file of the model that did not learn from its patient, so outlines that came later change nothing.
    The report names a damaged file.
    """
    wanted = {item.frame.frame_id for item in labelled}
    for path in sorted((s.workspace.reports_folder / FOLDER).glob("fold-*.npz")):
        if (kept := _kept(path)) is None:
            what = "is damaged, so what its model saw is left out"
            remedy = "Train it again: dmr check --labels with the same --folds"
            s.report.fail_once(BrokenInput(s.workspace.relative(path), what, remedy))
            continue
        by, ids = str(kept["by"]), tuple(int(i) for i in kept["class_ids"])
        for frame, probabilities, small in zip(kept["frames"], kept["probabilities"], kept["small"], strict=True):
            if str(frame) in wanted:
                yield Seen(str(frame), by, ids, probabilities, small)
