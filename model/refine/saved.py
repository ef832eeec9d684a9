"""What was trained to refine boxes, on disk: folders `models/refine-N` with weights and card, like a model's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load

from ...annotate.errors import ModelError
from ...annotate.formats.card_json import card_text, read_card_json
from ...annotate.system.store import write_atomic
from ...annotate.workspace import Workspace
from ..computing.device import pick_device
from ..network.card import CARD, INTENDED_USE
from ..network.card_fields import Fields, by_name, each, fault, maybe, shown, text, whole
from ..network.checkpoint import WEIGHTS, read_weights, weights_bytes
from .learning import RefineSettings
from .network import RefineNet
from .refiner import Refiner

FORMAT: Final = 1
AGAIN: Final = "Train it again: dmr train --refine --again"
_REQUIRED: Final[Fields] = {
    "id": text(r"refine-\d{1,9}"),
    "input": lambda v: whole(32, 512)(v) and v % 8 == 0,
    "width": whole(1, 256),
    "channels": by_name(whole(0, 253)),
    "class_ids": by_name(whole(1, 254)),
    "weights_sha256": text("[0-9a-f]{64}"),
    "ellipses": each(text()),
    "dataset": maybe(text("[0-9a-f]{64}")),
    "settings": {},
}


@dataclass(frozen=True, slots=True)
class RefineCard:
    """What the card says.

    Attributes:
        id: `refine-1` and so on.
        input: Side of the network's grid, pixels.
        width: Channels at full resolution.
        channels: Class names in the order of the channels, from 0.
        class_ids: The workspace's ids of those classes.
        ellipses: Names of the classes of which the ellipse is as good, so the network's outline is not used.
        weights_sha256: SHA-256 of the weights file.
        dataset: The data set's id.
        settings: How it was trained.
        details: Data, figures and limits, for people and programs to read.
    """

    id: str
    input: int
    width: int
    channels: tuple[str, ...]
    class_ids: tuple[int, ...]
    ellipses: tuple[str, ...]
    weights_sha256: str
    dataset: str | None
    settings: Mapping[str, Any]
    details: Mapping[str, Any]

    def as_json(self) -> str:
        """The text of `card.json`."""
        return card_text(
            {
                "format": FORMAT,
                "id": self.id,
                "network": "refine",
                "input": self.input,
                "width": self.width,
                "channels": {name: k for k, name in enumerate(self.channels)},
                "class_ids": dict(zip(self.channels, self.class_ids, strict=True)),
                "ellipses": list(self.ellipses),
                "weights_sha256": self.weights_sha256,
                "intended_use": INTENDED_USE,
                "dataset": self.dataset,
                "settings": dict(self.settings),
                **self.details,
            }
        )


def save_refiner(
    folder: Path,
    network: RefineNet,
    *,
    classes: Mapping[str, int],
    settings: RefineSettings,
    dataset: str | None,
    told: Mapping[str, Any],
    ellipses: tuple[str, ...] = (),
) -> RefineCard:
    """Write a new `refine-N`; the card is written last, because a folder without a card is none.

    Args:
        folder: Of the workspace's models.
        network: The trained network.
        classes: Name to id, in the order of the channels.
        settings: How it was trained.
        dataset: The data set's id.
        told: Details of the card, and its `settings` as they were chosen.
        ellipses: See `RefineCard`.
    """
    number_ = max((n for n, _ in _folders(folder)), default=0) + 1
    place, weights = folder / f"refine-{number_}", weights_bytes(network.state_dict())
    card = RefineCard(
        id=place.name,
        input=settings.size,
        width=settings.width,
        channels=tuple(classes),
        class_ids=tuple(classes.values()),
        ellipses=ellipses,
        weights_sha256=sha256(weights).hexdigest(),
        dataset=dataset,
        settings=told.get("settings", {}),
        details={name: value for name, value in told.items() if name != "settings"},
    )
    place.mkdir(parents=True, exist_ok=True)
    write_atomic(place / WEIGHTS, weights)
    write_atomic(place / CARD, card.as_json().encode("utf-8"))
    return card


def read_refine_card(place: Path) -> RefineCard:
    """Read a card; no value of it is used before all of them are checked.

    Raises:
        ModelError: It is missing, was changed, or is not a card that this version reads.
    """
    path = place / CARD
    content = read_card_json(path)
    if content.get("format") != FORMAT or content.get("network") != "refine":
        raise ModelError(path, f"has format {shown(content.get('format'))} of {shown(content.get('network'))}", AGAIN)
    if (what := _card_fault(content)) is not None:
        raise ModelError(path, what, AGAIN)
    names = sorted(content["channels"], key=content["channels"].__getitem__)
    return RefineCard(
        id=content["id"],
        input=content["input"],
        width=content["width"],
        channels=tuple(names),
        class_ids=tuple(content["class_ids"][name] for name in names),
        ellipses=tuple(content["ellipses"]),
        weights_sha256=content["weights_sha256"],
        dataset=content["dataset"],
        settings=content["settings"] or {},
        details={name: value for name, value in content.items() if name not in (*_REQUIRED, "format", "network")},
    )


def _card_fault(content: Mapping[str, Any]) -> str | None:
    """What is wrong with a card; None where nothing is."""
    if (missing := next((name for name in _REQUIRED if name not in content), None)) is not None:
        return f"lacks '{missing}'"
    if (odd := fault(content, _REQUIRED)) is not None:
        return odd
    channels, class_ids = content["channels"], content["class_ids"]
    numbered = sorted(channels.values()) == list(range(len(channels))) and channels
    if not numbered or set(class_ids) != set(channels) or len(set(class_ids.values())) < len(class_ids):
        return "its channels and class_ids do not agree"
    return None


def newest(folder: Path) -> Path | None:
    """The folder of the newest one that was saved whole; None if there is none."""
    return max(((n, place) for n, place in _folders(folder) if (place / CARD).is_file()), default=(0, None))[1]


def load_refiner(workspace: Workspace, *, device: str = "auto") -> Refiner:
    """Load what answers boxes and clicks; before anything was trained, it answers with the ellipse in the box.

    Args:
        workspace: The workspace.
        device: Where to compute, as in `--device`.

    Raises:
        ModelError: Its files are damaged.

    Example:
        >>> refiner = dmr.load_refiner(workspace, device="cpu")
        >>> refiner.name is None  # nothing was trained here yet
        True
    """
    chosen = pick_device(device)
    place = newest(workspace.models_folder)
    if place is None:
        return Refiner(None, class_ids=(), size=RefineSettings().size, device=chosen)
    card = read_refine_card(place)
    path = place / WEIGHTS
    data = read_weights(path, expected=card.weights_sha256, remedy=AGAIN)
    network = RefineNet(len(card.channels), width=card.width)
    try:
        network.load_state_dict(load(data))
    except (RuntimeError, SafetensorError) as error:
        raise ModelError(path, "does not fit the network of this version of dmr", AGAIN) from error
    ids = dict(zip(card.channels, card.class_ids, strict=True))
    ellipses = frozenset(ids[name] for name in card.ellipses if name in ids)
    return Refiner(network, class_ids=card.class_ids, size=card.input, device=chosen, ellipses=ellipses, name=card.id)


def _folders(folder: Path) -> list[tuple[int, Path]]:
    """The folders `refine-N` with their numbers."""
    found = []
    for place in folder.glob("refine-*"):
        if (match := re.fullmatch(r"refine-(\d{1,9})", place.name)) and place.is_dir():
            found.append((int(match[1]), place))
    return found
