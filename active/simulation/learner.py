"""Train a network on a few frames of a study, judge it on held-out patients, and let it score the pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...model.computing.device import autocast
from ...model.computing.threads import thread_choice
from ...model.data.augment import standardise
from ...model.evaluation.metrics import surface_distances
from ...model.network.dmrnet import SIZES, DMRNet, as_output
from ...model.training.grid_dice import class_layers
from ...model.training.running import trainer_on
from ...model.training.settings import TrainSettings
from ...model.training.tensors import load_tensors, save_tensors
from ...model.training.trainer import Progress
from .protocol import Indices
from .scoring import Scores, score
from .study import Study

SAVE_EVERY: Final = 60.0  # seconds of training that a crash may lose
_BATCH: Final = 16


class OutOfTimeError(Exception):
    """The minutes are used up; the training's state is saved."""


def network_name(settings: TrainSettings) -> str:
    """The network and its grid, as the lines name them."""
    return f"{SIZES[settings.size].name} at {settings.input}"


def kept_tensors(path: Path) -> dict[str, Any] | None:
    """What `save_tensors` wrote; None where there is nothing that can be read."""
    try:
        return load_tensors(path)
    except (OSError, ValueError):
        return None


def trained(
    study: Study,
    rows: Indices,
    *,
    settings: TrainSettings,
    device: torch.device,
    state: Path,
    left: Callable[[], float],
    on_progress: Callable[[Progress], None],
) -> tuple[DMRNet, float]:
    """Train from scratch, or go on where the same training was interrupted.

    Args:
        study: The frames.
        rows: Those to learn from.
        settings: How to train.
        device: The device to compute on.
        state: File of an interrupted training's state.
        left: The seconds that are left.
        on_progress: Called after every step.

    Returns:
        The network with the averaged weights, and the seconds of training.

    Raises:
        OutOfTimeError: No time is left; the state is saved.
        KeyboardInterrupt: The state is saved.
    """
    sets = study.part(rows), study.part(rows[:0])
    trainer = trainer_on(sets, len(study.table.names), settings=settings, device=device)
    if (saved := kept_tensors(state)) is not None:
        trainer.load_state(saved)
    try:
        while not trainer.done:
            if left() <= 0:
                raise OutOfTimeError
            trainer.run(seconds=min(SAVE_EVERY, left()), on_progress=on_progress)
            if not trainer.done:
                save_tensors(state, trainer.state())
    except KeyboardInterrupt:
        if trainer.step:
            save_tensors(state, trainer.state())
        raise
    network = trainer.network
    assert isinstance(network, DMRNet)
    network.load_state_dict(trainer.finished_state())
    return network.eval(), trainer.seconds


def with_weights(study: Study, weights: dict[str, Tensor], *, settings: TrainSettings, device: torch.device) -> DMRNet:
    """A network that was trained before."""
    network = DMRNet(len(study.table.names), size=SIZES[settings.size])
    network.load_state_dict(weights)
    return network.to(device).eval()


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A network on held-out frames, on the grid.

    Attributes:
        dice: `(n, C)`; nan where a class is not drawn.
        hd95: `(C,)` pixels of the grid, over frames in which a class is drawn and predicted; nan without any.
    """

    dice: NDArray[np.float64]
    hd95: NDArray[np.float64]

    @property
    def classes(self) -> NDArray[np.float64]:
        """`(C,)` mean over the frames that show a class; nan without any."""
        shown = ~np.isnan(self.dice)
        sums, counts = np.where(shown, self.dice, 0).sum(0), shown.sum(0)
        return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))

    @property
    def mean(self) -> float:
        """Mean over the classes that are shown; 0 without any."""
        known = self.classes[~np.isnan(self.classes)]
        return float(known.mean()) if len(known) else 0.0


def judged(network: DMRNet, study: Study, rows: Indices, *, device: torch.device) -> Judged:
    """Dice and HD95 of a network on some frames, one look at each."""
    dice, distances = [], []
    for predicted, drawn in class_layers(
        network, study.part(rows), device=device, batch=_BATCH, threads=thread_choice()
    ):
        size = drawn.sum((2, 3))
        value = 2 * (predicted & drawn).sum((2, 3)) / (predicted.sum((2, 3)) + size).clamp(min=1)
        dice.append(torch.where(size > 0, value, torch.nan).double().numpy())
        pairs = zip(predicted.flatten(0, 1).numpy(), drawn.flatten(0, 1).numpy(), strict=True)
        far = [surface_distances(p, d)[0] if p.any() and d.any() else np.nan for p, d in pairs]
        distances.append(np.array(far).reshape(len(predicted), -1))
    found = np.concatenate(distances)
    shown = ~np.isnan(found)
    counts = shown.sum(0)
    hd95 = np.divide(np.where(shown, found, 0).sum(0), counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return Judged(np.concatenate(dice), hd95)


def scores_of(network: DMRNet, study: Study, rows: Indices, *, device: torch.device) -> Scores:
    """What a network says of some frames."""
    last = network.heads[0] if network.full is None else network.full.head
    features: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    threads = thread_choice()

    def look(grey: Tensor, flip: bool, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
        threads("predict")
        features.clear()
        x = standardise(grey.pow(gamma))
        with autocast(device):
            output = as_output(network((x.flip(3) if flip else x).to(device)))
        return output.logits.float(), output.embedding.float(), features[-1].float()

    try:
        at = torch.from_numpy(np.asarray(rows, np.int64))
        return score(look, study.grid.frames[at].to(device), batch=_BATCH, inside=study.grid.inside)
    finally:
        hook.remove()
