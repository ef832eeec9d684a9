"""List, describe, export and activate the model versions of a workspace."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...annotate.catalogue.records import ModelState
from ...annotate.errors import ModelError, UsageError
from ...annotate.formats.card_json import read_card_json
from ...annotate.workspace import Session
from ..network.checkpoint import CARD, read_card
from ..network.dmrnet import multiply_adds, parameter_count
from .export import export_onnx, parity
from .load import load_version


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version in a list.

    Attributes:
        id: Its name.
        state: Whether it is active, a candidate, rejected and so on.
        trained_on: Number of frames that it learnt from.
        validation_dice: Mean Dice on validation patients; None if it is not known.
        verdict: How good its training was, in one word; None if the card does not say.
        trained_at: When it was trained, ISO 8601.
    """

    id: str
    state: ModelState
    trained_on: int
    validation_dice: float | None
    verdict: str | None
    trained_at: str


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version's card, its parameters and its multiply-adds."""

    id: str
    card: dict[str, Any]
    parameters: int
    multiply_adds: int


def version_rows(s: Session) -> list[VersionRow]:
    """The versions, the oldest first; the report names cards that cannot be read."""
    rows = []
    for model in s.catalogue.models():
        try:
            card = read_card(s.workspace.models_folder / model.id)
            details = card.details
            row = VersionRow(
                id=model.id,
                state=model.state,
                trained_on=card.detail("data", "train", "frames"),
                validation_dice=((details.get("validation") or {}).get("mean") or {}).get("dice"),
                verdict=(details.get("verdict") or {}).get("verdict"),
                trained_at=card.detail("trained_at"),
            )
        except ModelError as error:
            s.report.fail(error)
            continue
        rows.append(row)
    return rows


def version_info(s: Session, *, model: str | None = None) -> VersionInfo:
    """Describe a version; None for the active one.

    Raises:
        UsageError: There is no such version.
        WorkspaceError: No version is named, and no model is active.
        ModelError: Its files are missing or damaged.
    """
    version, network, card = load_version(s, model=model)
    content = read_card_json(s.workspace.models_folder / version / CARD)
    return VersionInfo(version, content, parameter_count(network), multiply_adds(network, size=card.input))


def export_version(s: Session, *, model: str | None = None, folder: Path) -> tuple[str, Path, float]:
    """Write a version as ONNX, check it, and write its card beside it.

    Args:
        s: The session.
        model: The version; None for the active one.
        folder: The export gets a folder of its own in here.

    Returns:
        The version, the file, and the largest difference of a logit from the network's.

    Raises:
        UsageError: There is no such version, or the packages for ONNX are not installed.
        ModelError: The version's files are missing or damaged, or the ONNX file computes something else.
    """
    s.tell("Loading the model", 0, None)
    version, network, card = load_version(s, model=model)
    target = folder / f"{card.network}-{version}"
    target.mkdir(parents=True, exist_ok=True)
    path, unchecked = target / "network.onnx", target / "unchecked.onnx"
    try:
        s.tell("Writing ONNX", 0, None)
        export_onnx(network, unchecked, size=card.input)
        difference = parity(network, unchecked, size=card.input, tell=s.tell)
        unchecked.replace(path)
    finally:
        unchecked.unlink(missing_ok=True)
    shutil.copyfile(s.workspace.models_folder / version / CARD, target / CARD)
    return version, path, difference


def roll_back(s: Session, *, because: str) -> tuple[str, str]:
    """Make the version active that was active before.

    Returns:
        The version that is active now, and the one that was active until now.

    Raises:
        ModelError: There is no version to go back to, or its files are missing or damaged.
    """
    with s.writing():
        active = s.catalogue.active_model()
        before = s.catalogue.model_before()
        if active is None or before is None:
            raise ModelError("models", "there is no earlier active model to go back to", "See `dmr models list`")
        load_version(s, model=before)  # a damaged version is refused here
        s.catalogue.activate(before, reason=because)
    return before, active.id


def promote_version(s: Session, model: str, *, because: str) -> bool:
    """Make a version the active one.

    Returns:
        Whether this changed anything; False if it was active already.

    Raises:
        UsageError: There is no such version, or no reason was given.
        ModelError: Its files are missing or damaged.
    """
    if not because.strip():
        raise UsageError("--because", "is empty", "Give the reason: it is recorded")
    with s.writing():
        load_version(s, model=model)  # a damaged version is refused here
        active = s.catalogue.active_model()
        if active is not None and active.id == model:
            return False
        s.catalogue.activate(model, reason=because)
    return True
