"""A model on disk: a folder with `weights.safetensors` and `card.json`, which holds the hash of the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load, save

from ...annotate.errors import ModelError
from ...annotate.system.store import write_atomic
from .dmrnet import SIZES, DMRNet

WEIGHTS: Final = "weights.safetensors"
CARD: Final = "card.json"
FORMAT: Final = 1
INTENDED_USE: Final = (
    "Annotation assistant for research and quality work; its output is a draft for review by a qualified physician. "
    "Not a medical device; not for diagnosis, needle guidance or unsupervised use."
)


@dataclass(frozen=True, slots=True)
class Card:
    """What a model's `card.json` says.

    Attributes:
        id: The version's name, as in `dmr models list`.
        size: `s`, `m` or `l`.
        input: Side of the network's square grid, pixels.
        channels: Class names in the order of the channels; channel 0 is background and not listed.
        class_ids: The workspace's ids of those classes.
        weights_sha256: SHA-256 of the weights file.
        details: Data, patients, settings and metrics, for people and programs to read.
    """

    id: str
    size: str
    input: int
    channels: tuple[str, ...]
    class_ids: tuple[int, ...]
    weights_sha256: str
    details: dict[str, Any]

    @property
    def network(self) -> str:
        """The network's name, such as `dmrnet_s`."""
        return SIZES[self.size].name

    def as_json(self) -> str:
        """The text of `card.json`."""
        content = {
            "format": FORMAT,
            "id": self.id,
            "network": self.network,
            "size": self.size,
            "input": self.input,
            "channels": {name: k + 1 for k, name in enumerate(self.channels)},
            "class_ids": dict(zip(self.channels, self.class_ids, strict=True)),
            "weights_sha256": self.weights_sha256,
            "intended_use": INTENDED_USE,
            **self.details,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def weights_bytes(state: dict[str, torch.Tensor]) -> bytes:
    """A state dict as safetensors: the same tensors give the same bytes."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())})


def save_model(folder: Path, weights: bytes, card: Card) -> None:
    """Write a model's folder. The card is written last, because a folder without a card is no model."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / WEIGHTS, weights)
    write_atomic(folder / CARD, card.as_json().encode("utf-8"))


def read_card(folder: Path) -> Card:
    """Read a model's card.

    Raises:
        ModelError: It is missing, or this version of dmr cannot read it.
    """
    remedy = "Restore the folder from a backup, or use another model: `dmr models list`"
    try:
        content = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(folder / CARD, f"cannot be read ({error.strerror})", remedy) from error
    except ValueError as error:
        raise ModelError(folder / CARD, "is not JSON", remedy) from error
    try:
        if content["format"] != FORMAT:
            raise ModelError(folder / CARD, f"has format {content['format']}; this dmr reads format {FORMAT}", remedy)
        channels = sorted(content["channels"], key=content["channels"].__getitem__)
        known = ("format", "id", "network", "size", "input", "channels", "class_ids", "weights_sha256", "intended_use")
        card = Card(
            id=str(content["id"]),
            size=str(content["size"]),
            input=int(content["input"]),
            channels=tuple(channels),
            class_ids=tuple(int(content["class_ids"][name]) for name in channels),
            weights_sha256=str(content["weights_sha256"]),
            details={key: value for key, value in content.items() if key not in known},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(folder / CARD, f"lacks {error}", remedy) from error
    if card.size not in SIZES:
        raise ModelError(folder / CARD, f"has size {card.size!r}; this dmr knows {', '.join(SIZES)}", remedy)
    return card


def load_network(folder: Path, *, device: torch.device) -> tuple[DMRNet, Card]:
    """Load a model for prediction, after checking its weights against the card's hash.

    Raises:
        ModelError: A file is missing or damaged, or the weights do not fit the network.
    """
    card = read_card(folder)
    path = folder / WEIGHTS
    remedy = "Restore the folder from a backup, or use another model: `dmr models list`"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(path, f"cannot be read ({error.strerror})", remedy) from error
    if sha256(data).hexdigest() != card.weights_sha256:
        raise ModelError(path, "does not match its card: the file was changed or damaged", remedy)
    network = DMRNet(len(card.channels), size=SIZES[card.size])
    try:
        network.load_state_dict(load(data))
    except RuntimeError as error:
        again = "Train a new version and use it: dmr train --again, then dmr models promote"
        raise ModelError(path, "does not fit the network of this version of dmr", again) from error
    return network.to(device).eval(), card
