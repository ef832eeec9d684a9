"""The device that the network runs on, and the precision."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from ...annotate.errors import UsageError


def pick_device(name: str = "auto") -> torch.device:
    """The device to use: `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: There is no such device on this PC.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(n for n, present in there.items() if present)
    if not there.get(name.partition(":")[0], False):
        found = ", ".join(n for n, present in there.items() if present)
        raise UsageError(f"--device {name}", "there is no such device on this PC", f"Use auto, or one of {found}")
    return torch.device(name)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the device has hardware for bfloat16. A CPU without it is ten times slower than with float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        can = torch.cpu.get_capabilities()
        return bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
    return False


def autocast(device: torch.device, *, enabled: bool = True) -> AbstractContextManager[object]:
    """bfloat16 autocast if the device has hardware for it, else nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled and has_fast_bf16(device))
