"""DMRNet: shapes at any size, every parameter in use, modules as specified."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from dmr.model.network.blocks import AEH, AMD, BASA, DAR, ERMHA, Upsample
from dmr.model.network.dmrnet import SIZES, DMRNet, multiply_adds, parameter_count
from dmr.model.network.layers import ImageNorm, JoinNorm, WideConvNorm


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (70, 45), (33, 96)])
def test_logits_have_the_size_of_any_input(height: int, width: int) -> None:
    network = DMRNet(4, size=SIZES["s"]).eval()
    with torch.no_grad():
        output = network(torch.randn(2, 1, height, width))

    assert output.logits.shape == (2, 5, height, width)
    assert output.embedding.shape == (2, SIZES["s"].widths[-1])
    assert output.aux == output.boundary == ()


def test_while_training_every_level_answers() -> None:
    output = DMRNet(2, size=SIZES["s"]).train()(torch.randn(2, 1, 64, 64))

    assert [tuple(a.shape) for a in output.aux] == [(2, 3, n, n) for n in (32, 16, 8, 4)]
    assert [tuple(b.shape[-2:]) for b in output.boundary] == [(32, 32), (16, 16), (8, 8), (4, 4)]


def test_every_parameter_gets_a_gradient() -> None:
    network = DMRNet(2, size=replace(SIZES["s"], attention_blocks=2)).train()
    output = network(torch.randn(2, 1, 64, 64))
    loss = output.logits.square().mean() + sum(a.square().mean() for a in (*output.aux, *output.boundary))
    loss.backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}

    assert idle == set()


@pytest.mark.parametrize(("name", "least", "most"), [("s", 1.0, 1.6), ("m", 14.0, 17.0), ("l", 21.0, 25.0)])
def test_sizes_have_about_the_parameters_of_the_specification(name: str, least: float, most: float) -> None:
    assert least < parameter_count(DMRNet(5, size=SIZES[name])) / 1e6 < most


def test_multiply_adds_of_a_convolution_are_counted_exactly() -> None:
    class One(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 3, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.conv(x)
            return y

    assert multiply_adds(One(), size=8) == 8 * 8 * 3 * 9


def test_multiply_adds_of_upsampling_are_counted_too() -> None:
    class Up(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = torch.nn.ConvTranspose2d(1, 3, 2, stride=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.up(x)
            return y

    assert multiply_adds(Up(), size=8) == 16 * 16 * 3  # each of the doubled grid's pixels sees one


def test_joined_inputs_are_convolved_as_if_concatenated() -> None:
    join = JoinNorm([3, 5], 4, 3).eval()
    x, y = torch.randn(2, 3, 9, 9), torch.randn(2, 5, 9, 9)
    weight = torch.cat([part.weight for part in join.parts], 1)  # type: ignore[misc]
    together = torch.nn.functional.conv2d(torch.cat([x, y], 1), weight, padding=1)

    assert torch.allclose(join(x, y), join.norm(together).relu(), atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_each_image_is_normalised_as_torch_does_it(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    own, other = ImageNorm(8), nn.InstanceNorm2d(8, affine=True)
    nn.init.uniform_(own.weight)
    nn.init.normal_(own.bias)
    other.load_state_dict(own.state_dict())
    x, grad = torch.randn(3, 8, 9, 7).to(memory_format=layout), torch.randn(3, 8, 9, 7)
    results = []
    for module in (own, other):
        leaf = x.clone().requires_grad_()
        y = module(leaf)
        y.backward(grad)
        results.append([y, leaf.grad, *(p.grad for p in module.parameters())])

    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_a_normalised_image_does_not_depend_on_those_beside_it() -> None:
    norm, x = ImageNorm(4), torch.randn(3, 4, 6, 6)

    torch.testing.assert_close(norm(x)[1:2], norm(x[1:2]))
    assert norm(torch.randn(2, 4, 1, 1)).abs().max() < 1e-3  # a single pixel is its own mean


def test_the_wide_branch_sees_seven_pixels() -> None:
    wide = WideConvNorm(2).eval()
    for convolution in list(wide)[:3]:
        torch.nn.init.ones_(convolution.weight)  # type: ignore[arg-type]
    x = torch.zeros(1, 2, 15, 15)
    x[:, :, 7, 7] = 1
    before_mixing = torch.nn.Sequential(*list(wide)[:3])(x)

    assert (before_mixing[0, 0] != 0).sum() == 7 * 7


def test_dropout_is_off_but_in_training() -> None:
    network = DMRNet(2, size=SIZES["s"], dropout=0.5)
    x = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert not torch.equal(network(x).logits, network(x).logits)
        assert torch.equal(network.eval()(x).logits, network(x).logits)


def test_amd_halves_and_dar_keeps_and_upsample_doubles() -> None:
    x = torch.randn(2, 16, 32, 32)
    down = AMD(16, 32)(x)
    assert down.shape == (2, 32, 16, 16)
    up = Upsample(32, 16)(down)
    assert up.shape == x.shape
    skip, boundary = DAR(16, 8)(x, torch.randn(2, 8, 64, 64), up)
    assert skip.shape == x.shape
    assert boundary.shape == (2, 1, 32, 32)
    assert AEH(16)(up, skip).shape == AEH(16, attend=True)(up, skip).shape == x.shape


def test_basa_sees_an_edge_before_it_has_learnt_anything() -> None:
    basa = BASA(8)
    half = torch.zeros(1, 8, 16, 16)
    half[..., 8:] = 1
    reduced = basa.reduce(half)
    gradient = basa.edges(reduced).abs().sum(1)[0]

    assert gradient[8, 7:9].min() > 4 * gradient[8, 2:6].max()


def test_ermha_passes_its_scores_on_and_uses_those_it_is_given() -> None:
    block = ERMHA(16, follows=True)
    x = torch.randn(1, 16, 4, 4)
    plain, scores = block(x)
    assert scores is not None
    assert scores.shape == (1, 4, 16, 16)
    assert block.score_residual is not None
    with torch.no_grad():
        block.score_residual.fill_(1.0)
    assert not torch.allclose(block(x, scores)[0], plain)


def test_the_same_seed_makes_the_same_weights() -> None:
    first = DMRNet(2, size=SIZES["s"]).state_dict()
    torch.manual_seed(0)
    second = DMRNet(2, size=SIZES["s"]).state_dict()

    assert all(torch.equal(first[k], second[k]) for k in first)
