"""A model on disk: a folder with `weights.safetensors` and `card.json`, which holds the hash of the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ...annotate.errors import ModelError
from ...annotate.formats.card_json import REMEDY
from ...annotate.system.store import write_atomic
from .card import CARD as CARD
from .card import Card as Card
from .card import read_card as read_card
from .dmrnet import SIZES, DMRNet

WEIGHTS: Final = "weights.safetensors"
_AGAIN: Final = "Train a new version and use it: dmr train --again, then dmr models promote"
_DTYPES: Final[Mapping[torch.dtype, str]] = {torch.float32: "F32", torch.int64: "I64"}


def weights_bytes(state: dict[str, torch.Tensor]) -> bytes:
    """A state dict as safetensors: the same tensors give the same bytes."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())})


def save_model(folder: Path, weights: bytes, card: Card) -> str:
    """Write a model's folder. The card is written last, because a folder without a card is no model.

    Returns:
        The SHA-256 of the card's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / WEIGHTS, weights)
    text = card.as_json().encode("utf-8")
    write_atomic(folder / CARD, text)
    return sha256(text).hexdigest()


def read_weights(path: Path, *, expected: str, remedy: str) -> bytes:
    """A file of weights whose card says this SHA-256.

    Raises:
        ModelError: It cannot be read, or does not match; `remedy` says what to do.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(path, f"cannot be read ({error.strerror})", remedy) from error
    if sha256(data).hexdigest() != expected:
        raise ModelError(path, "does not match its card: the file was changed or damaged", remedy)
    return data


def load_network(folder: Path, *, device: torch.device) -> tuple[DMRNet, Card]:
    """Load a model for prediction, after checking its card, its weights' hash, and their names and shapes.

    Raises:
        ModelError: A file is missing or damaged, or the weights do not fit the network.
    """
    card = read_card(folder)
    path = folder / WEIGHTS
    data = read_weights(path, expected=card.weights_sha256, remedy=REMEDY)
    if (what := weights_fault(data, card)) is not None:
        raise ModelError(path, what, _AGAIN)
    network = DMRNet(len(card.channels), size=SIZES[card.size])
    try:
        network.load_state_dict(load(data))
    except (RuntimeError, SafetensorError) as error:
        raise ModelError(path, "does not fit the network of this version of dmr", _AGAIN) from error
    return network.to(device).eval(), card


def weights_fault(data: bytes, card: Card) -> str | None:
    """Why weights do not fit their card's network, by the header of the file alone; None where they do.

    Args:
        data: A safetensors file.
        card: What it is said to be.
    """
    try:
        if (end := 8 + int.from_bytes(data[:8], "little")) > len(data):
            return "is no safetensors file"
        header: Any = json.loads(data[8:end])
        found = {n: (t["dtype"], tuple(t["shape"])) for n, t in header.items() if n != "__metadata__"}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return "is no safetensors file"
    with torch.device("meta"):  # shapes without memory
        state = DMRNet(len(card.channels), size=SIZES[card.size]).state_dict()
    wanted = {name: (_DTYPES[tensor.dtype], tuple(tensor.shape)) for name, tensor in state.items()}
    head = "heads.0.bias"
    if head in found and found[head][1] != wanted[head][1]:
        classes = found[head][1][0] - 1 if len(found[head][1]) == 1 and isinstance(found[head][1][0], int) else "other"
        return f"is of {classes} classes, and its card names {len(card.channels)}"
    odd = next((n for n in (*wanted, *found) if found.get(n) != wanted.get(n)), None)
    if odd is None:
        return None
    return f"does not fit the network of this version of dmr: {_tensor(found.get(odd))} for {odd[:60]!r}"


def _tensor(told: tuple[Any, ...] | None) -> str:
    return "nothing" if told is None else f"{told[0]} {list(told[1])}"[:60]
