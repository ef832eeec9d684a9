"""An exported network computes the same, and one that does not is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from dmr.annotate.errors import ModelError, UsageError
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.versions.export import export_onnx, parity


def test_onnx_computes_the_same_for_any_number_of_frames_and_another_network_is_told(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, other = (DMRNet(2, size=SIZES["s"]).eval() for _ in range(2))
    path = tmp_path / "network.onnx"
    export_onnx(network, path, size=64)

    told: list[tuple[int, int]] = []
    assert parity(network, path, size=64, tell=lambda what, n, of, note="": told.append((n, of))) < 1e-3
    assert told == [(1, 3), (2, 3)]
    one = torch.zeros(1, 1, 64, 64)
    assert parity(network, path, size=64, frames=one) < 1e-3
    with pytest.raises(ModelError, match="differ"):
        parity(network, path, size=64, frames=one / 0)
    with pytest.raises(ModelError, match="differ"):
        parity(other, path, size=64)


def test_without_its_packages_an_export_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError) as told:
        export_onnx(DMRNet(2, size=SIZES["s"]), tmp_path / "network.onnx", size=64)

    assert "needs onnxscript, which is not installed" in str(told.value)
    assert 'Run pip install ".[onnx]" -c constraints.txt in your clone of dmr.' in str(told.value)
