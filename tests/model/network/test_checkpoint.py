"""Models on disk: whole or refused."""

from __future__ import annotations

import json
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
