"""Faults in a workspace's files and rows, and whether `dmr db verify` finds each."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from spoiling import MENDED, OTHERS

from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace


class Ward:
    """A workspace with something of every kind in it, as the tests of `dmr db verify` make it, and copies to spoil.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._home = {"DMR_HOME": str(folder / "home")}
        (folder / "few").mkdir(parents=True)
        random = np.random.default_rng(7)
        for number in range(6):
            pixels = random.integers(0, 255, (48, 64), dtype=np.uint8)
            (folder / "few" / f"{number % 4}_{number:02}.png").write_bytes(encode_png(pixels))
        with patch.dict(os.environ, self._home):
            self._sound = _sound(folder)
        self._copies = folder / "copies"

    def spoil(self, number: int) -> dict[str, Any]:
        """Put one fault in, and look whether it is found."""
        kinds = [*MENDED, *OTHERS]
        chosen = kinds[number % len(kinds)]
        shutil.rmtree(self._copies, ignore_errors=True)  # a fault may put something beside the workspace
        workspace = Workspace.at(Path(shutil.copytree(self._sound.root, self._copies / "ward")))
        told = chosen(workspace, Random(number))
        with patch.dict(os.environ, self._home):
            found = bool(verify(workspace, report=Report("db verify")))
        return {"what": f"spoil {chosen.__name__}", "changes": "verify", "same": int(found), "told": told}


def _sound(folder: Path) -> Workspace:
    """The workspace as it should be."""
    made, _ = Workspace.create(folder / "sound", patient=r"^(?P<patient>\d+)_(?P<frame>\w+)$")
    with made.session(write=True) as session:
        _filler().fill(session, folder / "few")
    if faults := verify(made, report=Report("db verify")):
        raise RuntimeError(f"the workspace is not sound: {faults}")
    return made


def _filler() -> Any:
    path = Path(__file__).parents[1] / "tests" / "annotate" / "upkeep" / "conftest.py"
    spec = importlib.util.spec_from_file_location("ward", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
