"""`dmr status` forecasts from the workspace's own models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmr.active.forecast.learning import CORRECTION, learning_points
from dmr.annotate.catalogue.records import CycleRecord, ModelRecord
from dmr.annotate.workspace import Workspace
from dmr.cli import main

FIRST = {"v1": (16, 0.40), "v2": (32, 0.52), "v3": (64, 0.60)}
FLAT = {**FIRST, "v4": (128, 0.601), "v5": (256, 0.602)}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    monkeypatch.chdir(made.root)
    return made


def add_models(workspace: Workspace, models: dict[str, tuple[int, float]]) -> None:
    """Versions with their training frames, each judged against the one before."""
    before = None
    with workspace.session(write=True) as s:
        for name, (frames, dice) in models.items():
            (workspace.models_folder / name).mkdir()
            card = {"data": {"train": {"frames": frames}}}
            (workspace.models_folder / name / "card.json").write_text(json.dumps(card), encoding="utf-8")
            s.catalogue.add_model(ModelRecord(id=name, sha256=name * 32, class_ids=(1,)))
            if before is not None:
                bounds = {"candidate_dice": {"mean": dice}, "incumbent_dice": {"mean": models[before][1]}}
                record = CycleRecord(
                    incumbent=before, candidate=name, test_version=None, verdict="promoted", bounds=bounds
                )
                s.catalogue.add_cycle(record)
            before = name


def status(*more: str) -> str:
    result = CliRunner().invoke(main, ["status", *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_empty_workspace_says_nothing_of_forecasts_and_two_models_are_too_few(workspace: Workspace) -> None:
    assert "orecast" not in status()
    add_models(workspace, {name: FIRST[name] for name in ("v1", "v2")})

    assert "No forecast: too few models yet. 2 models" in status()
    assert json.loads(status("--json"))["forecast"] is None


def test_three_models_give_a_forecast_with_its_interval(workspace: Workspace) -> None:
    add_models(workspace, FIRST)
    told = status()

    assert "Forecast: about 64 more frames, 64 minutes (at 60 s a frame, assumed), to Dice 0.6" in told
    assert "hardly pay" not in told
    found = json.loads(status("--json"))["forecast"]
    assert found["frames"] == 64
    assert found["doubled"]["low"] < found["doubled"]["dice"] < found["doubled"]["high"]
    assert found["pays"] is None
    assert found["correction"] == "development set"


def test_a_flat_curve_is_said_to_pay_no_more(workspace: Workspace) -> None:
    add_models(workspace, FLAT)

    assert "More frames hardly pay any more" in status()
    assert json.loads(status("--json"))["forecast"]["pays"] is False


def test_the_newest_judgement_of_a_model_counts_and_a_lost_card_leaves_its_point_out(workspace: Workspace) -> None:
    add_models(workspace, FIRST)
    again = {"candidate_dice": {"mean": 0.61}, "incumbent_dice": {"mean": 0.58}}
    with workspace.session(write=True) as s:
        s.catalogue.add_cycle(
            CycleRecord(incumbent="v3", candidate="v2", test_version=None, verdict="undecided", bounds=again)
        )
        assert learning_points(s) == {"v1": (16, 0.40), "v2": (32, 0.61), "v3": (64, 0.58)}
        (workspace.models_folder / "v1" / "card.json").unlink()
        assert set(learning_points(s)) == {"v2", "v3"}


def test_the_workspaces_own_simulation_corrects_its_forecast(workspace: Workspace) -> None:
    add_models(workspace, FIRST)
    path = workspace.reports_folder / CORRECTION
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"kept": 1.0, "width": 1.0, "count": 40}), encoding="utf-8")
    own = json.loads(status("--json"))["forecast"]
    path.write_text("cut of", encoding="utf-8")
    shipped = json.loads(status("--json"))["forecast"]

    assert own["correction"] == "this workspace's simulation"
    assert shipped["correction"] == "development set"
    assert own["doubled"]["dice"] > shipped["doubled"]["dice"]
