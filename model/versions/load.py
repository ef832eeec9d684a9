"""Load and verify model versions."""

from __future__ import annotations

from pathlib import Path

import torch

from ...annotate.errors import ModelError, UsageError, WorkspaceError
from ...annotate.workspace import Session
from ..computing.device import pick_device
from ..inference.calibration import Calibration
from ..inference.engine import pick_engine
from ..inference.predict import Predictor, views
from ..network.checkpoint import Card, load_network
from ..network.dmrnet import DMRNet


def load_version(s: Session, *, model: str | None = None) -> tuple[str, DMRNet, Card]:
    """Load the named or the active model version and verify it; returns its name, network and card.

    Raises:
        UsageError: There is no such version.
        WorkspaceError: No version is named, and no model is active.
        ModelError: Its files are missing or damaged.
    """
    known = {m.id: m for m in s.catalogue.models()}
    active = s.catalogue.active_model()
    version = model or (active.id if active else None)
    if version is None:
        if known:
            what = "no model is active, because none has learnt enough yet"
            raise WorkspaceError("models", what, "Train longer, or name a version: `dmr models list`")
        raise WorkspaceError("models", "there is no model yet", "Make one: dmr train")
    if version not in known:
        raise UsageError(version, "is not a model of this workspace", "See `dmr models list`")
    network, card = load_network(s.workspace.models_folder / version, device=pick_device(s.device))
    record, restore = known[version], "Restore its folder from a backup"
    if card.weights_sha256 != record.sha256:
        raise ModelError(version, "has other weights than the catalogue says", restore)
    if (card.id, card.class_ids) != (version, record.class_ids):
        raise ModelError(version, "has a card of another name or of other classes than the catalogue says", restore)
    return version, network, card


def load_predictor(s: Session, *, model: str | None = None, frames: int | None = None) -> tuple[str, Predictor]:
    """Load a model version, ready to predict.

    Args:
        s: The session; it says where to compute.
        model: The version; None for the active one.
        frames: About how many frames there are to predict, None for few; for many, an engine that starts slowly pays.

    Raises:
        UsageError: There is no such version.
        WorkspaceError: No version is named, and no model is active.
        ModelError: Its files are missing or damaged.
    """
    version, network, card = load_version(s, model=model)
    return version, _predictor(network, card, device=pick_device(s.device), frames=frames)


def load_model(folder: Path | str, *, device: str = "auto", frames: int | None = None) -> Predictor:
    """Load a model from its folder, ready to predict.

    Args:
        folder: The folder of a version in a workspace's `models/`, or a copy of it.
        device: Where to compute, as in `--device`.
        frames: About how many frames there are to predict, None for few; for many, an engine that starts slowly pays.

    Raises:
        ModelError: Its files are missing or damaged.

    Example:
        >>> model = dmr.load_model(workspace.models_folder / "v1", device="cpu")
        >>> (prediction,) = model.predict([np.zeros((300, 400), np.uint8)])
        >>> prediction.index.shape
        (300, 400)
    """
    chosen = pick_device(device)
    network, card = load_network(Path(folder), device=chosen)
    return _predictor(network, card, device=chosen, frames=frames)


def _predictor(network: DMRNet, card: Card, *, device: torch.device, frames: int | None) -> Predictor:
    engine = pick_engine(network, size=card.input, device=device, frames=frames)
    calibration = Calibration.of(card.details, card.channels)
    return Predictor(views(engine), class_ids=card.class_ids, input_size=card.input, calibration=calibration)
