"""Every engine gives the network's answer, whatever the number of frames."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
import torch
from torch import Tensor

from dmr.model.inference.engine import BATCH, WORTH_IT, DropoutEngine, OpenVinoEngine, TorchEngine, pick_engine
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.network.layers import ImageNorm

CPU = torch.device("cpu")
SIZE = 64


@pytest.fixture(scope="module")
def network() -> DMRNet:
    torch.manual_seed(1)
    made = DMRNet(3, size=SIZES["s"], dropout=0.2)
    for module in made.modules():
        if isinstance(module, ImageNorm):
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return made.eval()


def noise(frames: int) -> Tensor:
    return torch.randn(frames, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(frames))


@pytest.fixture(scope="module")
def openvino(network: DMRNet) -> OpenVinoEngine:
    pytest.importorskip("openvino")
    return OpenVinoEngine(network, size=SIZE, precision="f32")


@pytest.mark.parametrize("frames", [1, BATCH, BATCH + 3])
def test_openvino_answers_as_the_network_does(network: DMRNet, openvino: OpenVinoEngine, frames: int) -> None:
    logits, embedding = openvino(noise(frames))
    with torch.inference_mode():
        expected = network(noise(frames))

    assert logits.shape == (frames, 4, SIZE, SIZE)
    assert torch.allclose(logits, expected.logits, atol=2e-3)
    assert torch.allclose(embedding, expected.embedding, atol=2e-3)


def test_an_answer_is_not_overwritten_by_the_next(openvino: OpenVinoEngine) -> None:
    first, _ = openvino(noise(BATCH))
    kept = first.clone()
    openvino(noise(BATCH + 1))
    assert torch.equal(first, kept)


def test_torch_answers_in_float32_and_its_masks_are_those_of_the_network(network: DMRNet) -> None:
    logits, _ = TorchEngine(network, CPU)(noise(5))
    with torch.inference_mode():
        expected = network(noise(5)).logits

    assert logits.dtype == torch.float32
    assert (logits.argmax(1) == expected.argmax(1)).float().mean() > 0.97  # bfloat16, where the processor has it


def test_dropout_draws_anew_each_time_and_the_same_again(network: DMRNet) -> None:
    engine = DropoutEngine(network, CPU, seed=3)
    state = torch.random.get_rng_state()
    first, second = engine(noise(2))[0], engine(noise(2))[0]

    assert not torch.equal(first, second)
    assert torch.equal(DropoutEngine(network, CPU, seed=3)(noise(2))[0], first)
    assert torch.equal(torch.random.get_rng_state(), state), "the caller's randomness is its own"
    assert not any(m.training for m in network.modules())


def test_many_frames_are_worth_openvino_and_few_are_not(network: DMRNet) -> None:
    pytest.importorskip("openvino")
    assert pick_engine(network, size=SIZE, device=CPU, frames=3).name == "torch"
    assert pick_engine(network, size=SIZE, device=CPU, frames=WORTH_IT).name == "openvino"


def test_without_openvino_torch_computes(network: DMRNet, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("openvino"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert pick_engine(network, size=SIZE, device=CPU, frames=1000).name == "torch"
    with pytest.raises(ImportError):
        pick_engine(network, size=SIZE, device=CPU, name="openvino")
