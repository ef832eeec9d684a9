"""A long cine, and the memory that reading it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dmr.annotate.phantom.writing import PhantomSet

_POLL_S: Final = 0.02


def cine(frames: int) -> NDArray[np.uint8]:
    """Phantom frames over and over, 512 x 512."""
    clip = PhantomSet(1, 10, seed=3, format="dicom", labels=False).clip(3001)
    some = np.stack([frame.pixels for frame in clip.frames()])
    return np.asarray(some[np.arange(frames) % len(some)], np.uint8)


def peak_mib(folder: Path, workspace: str, scan: Path) -> int:
    """MiB of resident memory at most, of `dmr ingest` and of its child, added."""
    env = {**os.environ, "DMR_HOME": str(folder / "home")}
    dmr = [sys.executable, "-m", "dmr"]
    subprocess.run([*dmr, "init", workspace], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    running = subprocess.Popen([*dmr, "ingest", str(scan)], cwd=folder / workspace, env=env, stdout=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    while running.poll() is None:
        for pid in (running.pid, *_children(running.pid)):
            peaks[pid] = max(peaks.get(pid, 0), _high_water(pid))
        time.sleep(_POLL_S)
    assert running.returncode == 0
    return sum(peaks.values()) >> 10


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
