"""`dmr retrain` trains at least as long as the active model did, and says how two trainings differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from phantom_workspace import dmr, outlined

from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Workspace
from dmr.model.training import plan
from dmr.model.training.settings import train_settings
from dmr.model.training.train import train_model


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Outlines of seven patients, and an active model of five steps on a grid of 64."""
    monkeypatch.chdir(outlined(tmp_path, PhantomSet(7, 1)) / "w")
    found = Workspace.find()
    with found.session(device="cpu") as s:
        train_model(s, settings=train_settings(s.settings, steps=5, input=64), activate=True)
    monkeypatch.setattr(plan, "seconds_a_step", lambda *_, **__: 0.01)
    monkeypatch.setattr(plan, "GRIDS", (32,))
    monkeypatch.setattr(plan, "AT_MOST", 2)
    monkeypatch.setattr(plan, "ENOUGH", 1)
    return found


def test_a_second_training_reaches_the_first_ones_steps_and_grid_unless_told_otherwise(workspace: Workspace) -> None:
    told = dmr("retrain", "--no-pull", "--again", "--device", "cpu").output
    assert "At least as long as v1, which had 5 steps on 64 x 64 in " in told
    second = json.loads(Path("models/v2/card.json").read_text(encoding="utf-8"))
    assert (second["steps"], second["input"], second["settings"]["minutes"]) == (5, 64, 50)

    told = dmr("retrain", "--no-pull", "--again", "--steps", "1", "--input", "32", "--device", "cpu").output
    assert "At least as long" not in told
    assert "v3 was trained for " in told
    assert "(1 step against 5, 32 x 32 pixels against 64 x 64)" in told
    assert "1 step against 5" in dmr("status").output
    kept = json.loads(dmr("status", "--json").stdout)["last_cycle"]["trainings"]
    assert (kept["candidate"]["steps"], kept["incumbent"]["steps"]) == (1, 5)


def test_train_alone_is_planned_as_always(workspace: Workspace) -> None:
    assert "At least as long" not in dmr("train", "--again", "--device", "cpu").output
    assert json.loads(Path("models/v2/card.json").read_text(encoding="utf-8"))["steps"] == 2
