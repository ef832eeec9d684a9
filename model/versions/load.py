"""A workspace's model versions, loaded and verified."""

from __future__ import annotations

import torch

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.errors import ModelError, UsageError, WorkspaceError
from ...annotate.workspace import Workspace
from ..inference.calibration import Calibration
from ..inference.engine import pick_engine
from ..inference.predict import Predictor, views
from ..network.checkpoint import Card, load_model
from ..network.dmrnet import DMRNet


def load_version(
    workspace: Workspace, catalogue: Catalogue, *, model: str | None, device: torch.device
) -> tuple[str, DMRNet, Card]:
    """A model version, verified: the one named, or the active one; with its network and its card.

    Raises:
        UsageError: There is none.
        ModelError: Its files are missing or damaged.
    """
    known = {m.id: m for m in catalogue.models()}
    active = catalogue.active_model()
    version = model or (active.id if active else None)
    if version is None:
        if known:
            what = "no model is active: none has learnt enough yet"
            raise WorkspaceError("models", what, "Train longer, or name a version: `dmr models list`")
        raise WorkspaceError("models", "there is no model yet", "Make one: dmr train")
    if version not in known:
        raise UsageError(version, "is no model of this workspace", "See `dmr models list`")
    network, card = load_model(workspace.models_folder / version, device=device)
    if card.weights_sha256 != known[version].sha256:
        raise ModelError(version, "is not the model that the catalogue names", "Restore its folder from a backup")
    return version, network, card


def load_predictor(
    workspace: Workspace, catalogue: Catalogue, *, model: str | None, device: torch.device, frames: int | None = None
) -> tuple[str, Predictor]:
    """A model version ready to predict.

    Args:
        workspace: Whose model.
        catalogue: Its catalogue, open.
        model: Version; None for the active one.
        device: To compute on.
        frames: About how many there are to predict, None for few; many are worth an engine that starts slowly.

    Raises:
        UsageError: There is none.
        ModelError: Its files are missing or damaged.
    """
    version, network, card = load_version(workspace, catalogue, model=model, device=device)
    engine = pick_engine(network, size=card.input, device=device, frames=frames)
    calibration = Calibration.of(card.details, card.channels)
    return version, Predictor(views(engine), class_ids=card.class_ids, input_size=card.input, calibration=calibration)
