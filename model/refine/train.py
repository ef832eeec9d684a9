"""`dmr train --refine`: learn from the workspace's outlines what belongs to a box around a structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import torch

from ...annotate.editing.edits import sync_checkout
from ...annotate.errors import ModelError, WorkspaceError
from ...annotate.progress.pace import Share
from ...annotate.progress.tell import Tell
from ...annotate.system.clock import utc_now
from ...annotate.workspace import Session
from ..computing.device import pick_device
from ..computing.threads import thread_choice
from ..data.loading import workspace_samples
from ..network.dmrnet import parameter_count
from ..training.card_details import described
from ..training.frames import TrainingFrames
from .judging import answered, by_class, not_better
from .learning import RefineSettings, learn
from .network import RefineNet
from .refiner import Refiner
from .saved import newest, read_refine_card, save_refiner
from .structures import Structures

JUDGED: Final = 150  # validation frames that are judged at most, which takes half a minute
_FINE: Final = Share(10_000)


def train_refiner(s: Session, *, settings: RefineSettings, again: bool = False) -> str:
    """Train on the training patients what answers boxes and clicks, and judge it on the validation patients.

    Classes of which the ellipse in the box is as good on validation patients keep the ellipse.

    Args:
        s: The session; its report gets counts, words, and the figures under `refiner`.
        settings: How to train.
        again: Train even if nothing is new.

    Returns:
        Its name, such as `refine-1`.

    Raises:
        WorkspaceError: There is nothing to learn from.
    """
    where, device, names = "train --refine", pick_device(s.device), s.settings.classes.predicted
    with s.writing():
        sync_checkout(s)
        frames = TrainingFrames.newest(s.catalogue)
        if not any(item.annotation.shapes for item in frames.train):
            raise WorkspaceError(where, "there are no outlines of training patients yet", "Bring some in: dmr import")
        s.catalogue.add_dataset(frames.revisions)
    chosen = asdict(settings)
    if not again and (made := _made_before(s, frames.dataset, chosen, tuple(names))) is not None:
        s.report.say(f"Nothing new: {made} was trained on these outlines with these settings. --again trains another.")
        return made
    s.tell("Reading the outlines", 0, None)
    samples = workspace_samples(s.workspace, frames.train, report=s.report)
    structures = Structures.of(samples, class_ids=list(names), size=settings.size)
    if not len(structures):
        raise WorkspaceError(where, "none of the outlines can be used", "See with `dmr check` what is wrong with them")
    network, steps, seconds = learn(
        structures,
        classes=len(names),
        settings=settings,
        device=device,
        threads=thread_choice(),
        on_step=_bar(s.tell, settings),
    )
    judged = _judged(s, network, frames, settings=settings, device=device)
    told = {
        "trained_at": utc_now(),
        "data": {"train": described(frames.train, names), "validation": described(frames.validation, names)},
        "structures": len(structures),
        "settings": chosen,
        "steps": steps,
        "minutes": round(seconds / 60, 2),
        "parameters": parameter_count(network),
        "torch": torch.__version__,
        "validation": {
            names[i]: {"ellipse": round(ellipse, 4), "network": round(own, 4), "structures": count}
            for i, (ellipse, own, count) in judged.items()
        },
    }
    with s.writing():
        made = save_refiner(
            s.workspace.models_folder,
            network,
            classes={name: i for i, name in names.items()},
            settings=settings,
            dataset=frames.dataset,
            told=told,
            ellipses=tuple(names[i] for i in sorted(not_better(judged))),
        ).id
    s.report.count("refiners made")
    s.report.data["refiner"] = {"name": made, "validation": told["validation"]}
    for line in _lines(made, told):
        s.report.say(line)
    return made


def _judged(
    s: Session, network: RefineNet, frames: TrainingFrames, *, settings: RefineSettings, device: torch.device
) -> dict[int, tuple[float, float, int]]:
    """Mean Dice of ellipse and network, and the number of structures, of each class on validation patients."""
    s.tell("Judging on validation patients", 0, None)
    names = s.settings.classes.predicted
    refiner = Refiner(network, class_ids=tuple(names), size=settings.size, device=device)
    samples = workspace_samples(s.workspace, frames.validation[:JUDGED], report=s.report)
    return by_class(list(answered(refiner, samples, generator=np.random.default_rng(settings.seed))))


def _bar(tell: Tell, settings: RefineSettings) -> Callable[[int, float, float], None]:
    told = 0

    def on_step(step: int, share: float, loss: float) -> None:
        nonlocal told
        done = int(_FINE * share)
        tell("Training", done - told, _FINE, f"step {step} of {settings.steps}, loss {loss:.3f}")
        told = done

    return on_step


def _made_before(s: Session, dataset: str, settings: Mapping[str, Any], class_ids: tuple[int, ...]) -> str | None:
    """The newest refiner if it was trained on this data set with these settings."""
    place = newest(s.workspace.models_folder)
    if place is None:
        return None
    try:
        card = read_refine_card(place)
    except ModelError:
        return None
    same = (card.dataset, card.settings, card.class_ids) == (dataset, settings, class_ids)
    return card.id if same else None


def _lines(made: str, told: Mapping[str, Any]) -> list[str]:
    """What the user is told."""
    if not told["validation"]:
        return [f"{made} answers boxes and clicks. How good it is, nobody knows: no validation frame has an outline."]
    lines = [f"{made} answers boxes and clicks. Dice on validation patients, with boxes that are a little off:"]
    for name, own in told["validation"].items():
        better = "" if own["network"] > own["ellipse"] else "; the ellipse is used"
        lines.append(
            f"  {name}: {own['network']:.3f}, ellipse in the same box {own['ellipse']:.3f}"
            f" ({own['structures']} structures){better}"
        )
    return lines
