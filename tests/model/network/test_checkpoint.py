"""Models on disk: whole or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from dmr.annotate.errors import ModelError
from dmr.model.network.checkpoint import CARD, WEIGHTS, Card, load_network, read_card, save_model, weights_bytes
from dmr.model.network.dmrnet import SIZES, DMRNet

CPU = torch.device("cpu")


@pytest.fixture
def network() -> DMRNet:
    torch.manual_seed(3)
    return DMRNet(2, size=SIZES["s"]).eval()


@pytest.fixture
def folder(tmp_path: Path, network: DMRNet) -> Path:
    weights = weights_bytes(network.state_dict())
    card = Card("v1", "s", 64, ("muscle", "nerve"), (3, 7), sha256(weights).hexdigest(), {"seed": 3})
    save_model(tmp_path / "v1", weights, card)
    return tmp_path / "v1"


def test_a_model_comes_back_as_it_was(folder: Path, network: DMRNet) -> None:
    loaded, card = load_network(folder, device=CPU)
    x = torch.randn(1, 1, 64, 64)

    assert torch.equal(loaded(x).logits, network(x).logits)
    assert card == read_card(folder)
    assert (card.channels, card.class_ids, card.details["seed"]) == (("muscle", "nerve"), (3, 7), 3)


def test_the_card_says_what_the_model_is_for(folder: Path) -> None:
    content = json.loads((folder / CARD).read_text(encoding="utf-8"))

    assert "Not a medical device" in content["intended_use"]
    assert content["channels"] == {"muscle": 1, "nerve": 2}


def test_one_flipped_byte_is_refused(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-100] ^= 1
    (folder / WEIGHTS).write_bytes(data)

    with pytest.raises(ModelError, match="changed or damaged"):
        load_network(folder, device=CPU)


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_a_missing_file_is_one_line(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ModelError, match="cannot be read") as caught:
        load_network(folder, device=CPU)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("{}", "lacks"), ('{"format": 99}', "format 99")],
    ids=["no JSON", "empty", "newer"],
)
def test_a_card_that_is_none_is_one_line(folder: Path, text: str, words: str) -> None:
    (folder / CARD).write_text(text, encoding="utf-8")

    with pytest.raises(ModelError, match=words):
        read_card(folder)


def replaced(folder: Path, weights: bytes) -> Path:
    """The same model with other weights, and a card that names them."""
    card = replace(read_card(folder), weights_sha256=sha256(weights).hexdigest())
    save_model(folder, weights, card)
    return folder


def changed(network: DMRNet, **tensors: torch.Tensor | None) -> bytes:
    """Weights with some tensors replaced, added or taken away."""
    state = dict(network.state_dict()) | {name.replace("__", "."): tensor for name, tensor in tensors.items()}
    return weights_bytes({name: tensor for name, tensor in state.items() if tensor is not None})


def header(values: object) -> bytes:
    text = json.dumps(values).encode()
    return len(text).to_bytes(8, "little") + text


SPOILT: dict[str, tuple[Callable[[DMRNet], bytes], str]] = {
    "nothing": (lambda n: b"", "is no safetensors file"),
    "cut in the header": (lambda n: weights_bytes(n.state_dict())[:500], "is no safetensors file"),
    "cut in the tensors": (lambda n: weights_bytes(n.state_dict())[:-500], "does not fit the network"),
    "a header without end": (lambda n: b"\xff" * 8 + b"{}", "is no safetensors file"),
    "a list for a header": (lambda n: header([]), "is no safetensors file"),
    "numbers in the header": (lambda n: header({"heads.0.bias": 3}), "is no safetensors file"),
    "a shape of text": (lambda n: header({"heads.0.bias": {"dtype": "F32", "shape": ["x"]}}), "is of other classes"),
    "no tensors": (lambda n: header({}), "nothing for 'full.enter"),
    "other classes": (lambda n: weights_bytes(DMRNet(5, size=SIZES["s"]).state_dict()), "is of 5 classes, and its"),
    "another size": (lambda n: weights_bytes(DMRNet(2, size=SIZES["m"]).state_dict()), "nothing for 'full.enter"),
    "half precision": (lambda n: weights_bytes({k: v.half() for k, v in n.state_dict().items()}), "F16 ["),
    "a tensor too few": (lambda n: changed(n, heads__1__bias=None), "nothing for 'heads.1.bias'"),
    "a tensor more": (lambda n: changed(n, extra=torch.ones(3)), "F32 [3] for 'extra'"),
    "another shape": (lambda n: changed(n, heads__1__bias=torch.ones(4)), "F32 [4] for 'heads.1.bias'"),
    "a scalar": (lambda n: changed(n, heads__0__bias=torch.tensor(1.0)), "is of other classes"),
}


@pytest.mark.parametrize(("spoil", "told"), SPOILT.values(), ids=SPOILT)
def test_weights_that_do_not_fit_their_card_are_one_line(
    spoil: Callable[[DMRNet], bytes], told: str, folder: Path, network: DMRNet
) -> None:
    with pytest.raises(ModelError) as caught:
        load_network(replaced(folder, spoil(network)), device=CPU)
    assert told in str(caught.value)
    assert "dmr train --again" in str(caught.value)
    assert "\n" not in str(caught.value)
