"""Which processor is taken: the fastest that is there, or the one that is named."""

from __future__ import annotations

import pytest
import torch

from dmr.annotate.errors import UsageError
from dmr.model.computing.device import autocast, has_fast_bf16, pick_device


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A PC with these processors beside the CPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in request.param)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in request.param)


@pytest.mark.parametrize(
    ("there", "taken"),
    [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")],
    ids=["cpu alone", "mps", "cuda", "both"],
    indirect=["there"],
)
@pytest.mark.usefixtures("there")
def test_auto_takes_the_fastest(taken: str) -> None:
    assert pick_device().type == taken
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("there", [("cuda",)], ids=["cuda"], indirect=True)
@pytest.mark.usefixtures("there")
def test_one_of_several_graphics_cards_may_be_named() -> None:
    assert pick_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("there", [()], ids=["cpu alone"], indirect=True)
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "tpu", ""])
@pytest.mark.usefixtures("there")
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        pick_device(name)
    assert str(refused.value) == f"--device {name}: there is no such device on this PC. Use auto, or one of cpu."


@pytest.mark.parametrize(
    ("can", "fast"),
    [({}, False), ({"avx2": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
    ids=["nothing", "avx2", "avx512_bf16", "amx_bf16"],
)
def test_bfloat16_is_used_where_the_processor_computes_it(
    can: dict[str, bool], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: can)
    cpu, a = torch.device("cpu"), torch.ones(2, 2)
    assert has_fast_bf16(cpu) is fast
    with autocast(cpu):
        assert (a @ a).dtype is (torch.bfloat16 if fast else torch.float32)
    with autocast(cpu, enabled=False):
        assert (a @ a).dtype is torch.float32
