"""Which processor the network runs on, and in which precision."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import torch

from ..annotate.errors import UsageError


def pick_device(name: str = "auto") -> torch.device:
    """The device to use: `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: The device named is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(n for n, present in there.items() if present)
    if not there.get(name.partition(":")[0], False):
        found = ", ".join(n for n, present in there.items() if present)
        raise UsageError(f"--device {name}", "there is no such device on this PC", f"Use auto, or one of {found}")
    return torch.device(name)


def use_threads(count: int | None = None) -> int:
    """Set torch's CPU threads: `count`, else `OMP_NUM_THREADS`, else the cores this process may use.

    Left to itself torch counts the machine's cores, also where a container or an affinity grants fewer.
    """
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(count or (int(asked) if asked.isdecimal() and int(asked) else granted))
    return torch.get_num_threads()


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is computed in hardware; a CPU without it emulates it, ten times slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        can = torch.cpu.get_capabilities()
        return bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
    return False


def autocast(device: torch.device, *, enabled: bool = True) -> AbstractContextManager[object]:
    """bfloat16 autocast where the device computes it in hardware, else nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled and has_fast_bf16(device))
