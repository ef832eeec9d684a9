"""Trainings that `dmr serve` starts by itself: in a process of their own, one at a time, and what if it is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from served import Served, served
from studio_round import box

from dmr.active.serving import retraining, turns
from dmr.active.serving.retraining import unlearnt
from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.system.platform import process_command
from dmr.annotate.workspace import Workspace

WAITS = [sys.executable, "-c", "import time; print('working', flush=True); time.sleep(600)"]
ENDS = [sys.executable, "-c", "print('done')"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    for name, seconds in (("SETTLE_S", 0.05), ("_TICK_S", 0.05)):
        monkeypatch.setattr(turns, name, seconds)


@pytest.fixture
def two(pushed: Workspace) -> Workspace:
    """A workspace in which two outlines are reason enough for a training."""
    settings = pushed.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8") + "\n[studio]\nretrain_after = 2\n"
    settings.write_text(text.replace("# input = 256 ", "input = 32 #"), encoding="utf-8")
    return Workspace.at(pushed.root)


def outline(workspace: Workspace, count: int) -> None:
    """Draw on so many frames."""
    with workspace.session(write=True) as s:
        patients = {str(f.patient) for f in s.catalogue.frames()}
        if None in s.catalogue.splits().values():
            s.catalogue.assign_splits(dict.fromkeys(patients, ("train", "a test")))
        for frame in s.catalogue.frames()[:count]:
            drawn = Annotation(frame.height, frame.width, (Shape(1, box(8.0, 8.0, 20.0)),), frozenset({1, 6}))
            record = RevisionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                author="ann",
                origin="labelme",
                annotation=drawn,
            )
            s.catalogue.append_revision(record)


def pid_of(running: Served) -> int:
    running.wait_for(lambda: running.retraining.is_running)
    process = running.retraining._process
    assert process is not None
    return process.pid


def test_outlines_that_the_newest_model_has_not_seen_are_counted(two: Workspace) -> None:
    with two.catalogue() as catalogue:
        assert unlearnt(catalogue) == 0
    outline(two, 3)
    with two.catalogue() as catalogue:
        assert unlearnt(catalogue) == 3


def test_enough_outlines_start_one_training_and_predictions_go_on(two: Workspace) -> None:
    outline(two, 1)
    with served(two.root, command=WAITS, every_s=0.1) as running:
        running.wait_for(lambda: running.turns.done >= 2)
        assert not running.retraining.is_running, "one outline is not enough"
        outline(two, 4)
        pid = pid_of(running)
        done = running.turns.done
        running.wait_for(lambda: running.turns.done >= done + 3)
        assert running.retraining.started == 1
        with two.catalogue() as catalogue:
            ids = [frame.frame_id for frame in catalogue.frames()]
        assert len(running.ask(ids)) == 4
        if hasattr(os, "getpriority"):
            assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert not process_command(pid), "it ends with the server"
    assert "retrain: stopped" in running.lines[-1]


def test_it_is_off_unless_dmr_toml_says_a_number(pushed: Workspace) -> None:
    outline(pushed, 4)
    with served(pushed.root, command=WAITS, every_s=0.1) as running:
        running.wait_for(lambda: running.turns.done >= 3)
        assert running.retraining.started == 0
        running.http.post("/webhook", json={"action": "START_TRAINING", "project": {"id": 1}})
        pid_of(running)  # the button in Label Studio


@pytest.mark.skipif(sys.platform == "win32", reason="it is killed as POSIX does")
def test_a_training_that_is_killed_is_told_and_is_not_started_at_once_again(two: Workspace) -> None:
    outline(two, 4)
    with served(two.root, command=WAITS, every_s=0.1) as running:
        os.kill(pid_of(running), signal.SIGKILL)
        running.wait_for_line("retrain: ended with code -9, and goes on where it was")
        done = running.turns.done
        running.wait_for(lambda: running.turns.done >= done + 3)
        assert running.retraining.started == 1
        assert running.http.get("/health").json() == {"status": "UP"}
        with two.catalogue() as catalogue:
            assert running.ask([catalogue.frames()[0].frame_id]) != [[]]


def test_after_a_pause_it_is_tried_again(two: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "PAUSE_S", 0.2)
    outline(two, 4)
    with served(two.root, command=ENDS, every_s=0.1) as running:
        running.wait_for_line("retrain: ended; v1 is active", times=2)
        log = two.reports_folder / retraining.LOG_NAME
        running.wait_for(lambda: log.read_text(encoding="utf-8").split() == ["done"])


def test_the_real_command_trains_and_its_model_is_taken_up(two: Workspace) -> None:
    settings = two.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("# minutes = 30", "minutes = 0.02"), encoding="utf-8")
    outline(two, 4)
    with served(two.root, every_s=2.0) as running:
        began = time.monotonic()
        running.wait_for(lambda: running.retraining.started)
        running.wait_for(lambda: not running.retraining.is_running or time.monotonic() - began > 55)
        running.wait_for_line("retrain: ended")
    said = Path(two.reports_folder / retraining.LOG_NAME).read_text(encoding="utf-8")
    assert "retrain: ended; v" in "\n".join(running.lines), said
    with two.catalogue() as catalogue:
        assert [model.id for model in catalogue.models()] == ["v1", "v2"], said
        assert unlearnt(catalogue) == 0
