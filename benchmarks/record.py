"""Write a benchmark's result to `results/`."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def record(name: str, *, headline: Mapping[str, float | None], rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write `results/NAME.json` with command, commit, machine, date, headline and rows."""
    path = RESULTS / f"{name}.json"
    result = {
        "command": "python " + " ".join([Path(sys.argv[0]).as_posix(), *sys.argv[1:]]),
        "commit": commit(),
        "machine": _machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "headline": dict(headline),
        "rows": list(rows),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path


def commit() -> str:
    """The commit that is checked out, with a plus if tracked files were changed since."""
    return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _machine() -> str:
    import torch

    can = torch.cpu.get_capabilities()
    vector = next((v for v in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if can.get(v)), "no AVX2")
    return f"{platform.machine()}, {can.get('num_logical_cores')} cores, {vector}, torch {torch.__version__}"
