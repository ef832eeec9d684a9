"""Tensors in files come back as they were, and what is no such file is told."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from dmr.model.training.tensors import load_tensors, save_tensors


def test_tensors_numbers_and_names_come_back(tmp_path: Path) -> None:
    content = {"weights": {"a": torch.arange(6).reshape(2, 3)}, "step": 7, "name": "v1"}
    save_tensors(tmp_path / "a.pt", content)
    found = load_tensors(tmp_path / "a.pt")

    assert (found["step"], found["name"]) == (7, "v1")
    assert torch.equal(found["weights"]["a"], content["weights"]["a"])  # type: ignore[index]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "a byte", "code"])
def test_what_holds_no_tensors_is_told(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_tensors(path, {"a": torch.arange(6)})
    whole = path.read_bytes()
    broken = {"empty": b"", "text": b"torn", "cut": whole[: len(whole) // 2], "a byte": b"\xff" + whole[1:]}
    path.write_bytes(broken.get(damage, pickle.dumps(Path.home)))
    with pytest.raises(ValueError, match="holds no tensors"):
        load_tensors(path)


def test_a_file_that_is_not_there_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "a.pt")
