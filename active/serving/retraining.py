"""`dmr retrain` in a process of its own, started by `dmr serve`: one at a time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.hiding import VARIABLE as HIDE_NAMES
from ...annotate.system.platform import end_process, python_module, start_beside
from ...annotate.workspace import WORKSPACE_VARIABLE, Workspace
from ...model.training.frames import TrainingFrames
from .log import Write

LOG_NAME: Final = "serve-retrain.log"
PAUSE_S: Final = 3600.0  # after a training that made no new model
_END_S: Final = 20.0


class Retraining:
    """Starts `dmr retrain` when enough was drawn, and looks how it ends.

    Args:
        root: The workspace's folder.
        device: What computes, as in `--device`.
        log: Gets what happens.
        command: What is run; None for `dmr retrain`.
    """

    def __init__(self, root: Path, *, device: str, log: Write, command: Sequence[str] | None = None) -> None:
        self._root, self._log = root, log
        self._command = list(command or [*python_module("dmr"), "retrain", "--device", device])
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._model_before: str | None = None
        self._not_before = 0.0
        self.started = 0

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._process is not None and self._process.poll() is None

    def consider(self, workspace: Workspace, *, asked: bool = False) -> None:
        """Start one if enough was drawn since the last one, or if somebody asked for it.

        Args:
            workspace: The workspace, as it is now.
            asked: Whether somebody asked for it in Label Studio.
        """
        after = workspace.settings.studio.retrain_after
        if self._process is not None or not (asked or (after and time.monotonic() >= self._not_before)):
            return
        with workspace.catalogue() as catalogue:
            new = unlearnt(catalogue)
            newest = _newest_model(catalogue)
        if asked or (after and new >= after):
            self._start(new, newest)

    def look(self) -> bool:
        """Whether one has ended since the last look; its end is told."""
        if self._process is None or (code := self._process.poll()) is None:
            return False
        self._close()
        with Workspace.at(self._root).catalogue() as catalogue:
            newest = _newest_model(catalogue)
            active = catalogue.active_model()
        if newest == self._model_before:  # killed, refused, or there was nothing to learn
            self._not_before = time.monotonic() + PAUSE_S
        ended = "ended" if code == 0 else f"ended with code {code}, and goes on where it was when it is started again"
        self._log(f"retrain: {ended}; {active.id if active else 'no model'} is active; see reports/{LOG_NAME}")
        return True

    def stop(self) -> None:
        """End the one that is under way; what it has trained is kept."""
        process = self._process
        if process is None:
            return
        end_process(process.pid)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._close()
        self._log("retrain: stopped; the next one goes on where it was")

    def _start(self, new: int, newest: str | None) -> None:
        environment = dict(os.environ) | {HIDE_NAMES: "1", WORKSPACE_VARIABLE: str(self._root)}
        self._output = (self._root / "reports" / LOG_NAME).open("wb")
        self._model_before = newest
        self._process = start_beside(self._command, environment=environment, log=self._output, folder=self._root)
        self.started += 1
        self._log(f"retrain: started, with {new} new outlined frames")

    def _close(self) -> None:
        self._process = None
        if self._output is not None:
            self._output.close()


def unlearnt(catalogue: Catalogue) -> int:
    """The outlined frames whose outlines the newest model has not seen in its training."""
    models = catalogue.models()
    learnt = set(catalogue.dataset(models[-1].dataset)) if models and models[-1].dataset else set()
    return len(set(TrainingFrames.newest(catalogue).revisions) - learnt)


def _newest_model(catalogue: Catalogue) -> str | None:
    models = catalogue.models()
    return models[-1].id if models else None
