"""Tensors, numbers and names in a file: written whole or not at all, read without running anything in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ...annotate.system.store import write_atomic


def save_tensors(path: Path, content: dict[str, Any]) -> None:
    """Save them, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def load_tensors(path: Path) -> dict[str, Any]:
    """What `save_tensors` wrote, on the CPU.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It holds something else, or is damaged.
    """
    content = io.BytesIO(path.read_bytes())
    try:
        found: dict[str, Any] = torch.load(content, weights_only=True, map_location="cpu")
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise almost anything
        raise ValueError(f"{path.name} holds no tensors") from error
    return found
