"""What a simulation teaches the forecast: only what deserves belief, on curves whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dmr.active.simulation.check import long_enough
from dmr.active.simulation.teach import teach
from dmr.annotate.report import Report

BUDGETS = (16, 32, 64, 128)


def curves(*, falls: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two strategies and seeds with the same rising curve; where one falls, the other seed cannot foretell it."""
    rows, full = [], []
    for seed in (0, 1):
        dice = [0.3, 0.36, 0.42, *((0.1, 0.05) if falls and seed else (0.48, 0.54))]
        for strategy in ("random", "foreground"):
            rows += [
                {"strategy": strategy, "seed": seed, "frames": n, "dice_mean": d}
                for n, d in zip(BUDGETS, dice[:-1], strict=True)
            ]
        full.append({"strategy": "full", "seed": seed, "frames": 256, "dice_mean": dice[-1]})
    return pd.DataFrame(rows), pd.DataFrame(full)


def told(path: Path, *, falls: bool = False, enough: bool = True, steps: int = 600) -> tuple[str, dict[str, Any]]:
    report = Report("simulate")
    teach(*curves(falls=falls), path=path, network="n", steps=steps, enough=enough, report=report)
    (line,) = report.words
    return line, report.data["forecast"]


def test_a_good_simulation_teaches_the_forecast(tmp_path: Path) -> None:
    line, figures = told(tmp_path / "c.json")

    assert line.endswith("intervals hold the truth. `dmr status` uses this.")
    assert figures["kept_for_status"] is True
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["count"] == figures["count"]


@pytest.mark.parametrize(
    ("bad", "why"), [({"enough": False}, "the trainings are too short."), ({"falls": True}, "it takes 80%.")]
)
def test_what_measures_luck_or_missed_too_often_teaches_nothing(tmp_path: Path, bad: dict[str, Any], why: str) -> None:
    line, figures = told(tmp_path / "c.json", **bad)

    assert "`dmr status` does not use this: " in line and line.endswith(why)
    assert figures["kept_for_status"] is False
    assert not (tmp_path / "c.json").exists()


def test_a_bad_one_takes_back_what_it_taught_and_leaves_what_another_did(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    told(path, steps=600)
    kept = path.read_bytes()
    told(path, steps=5, enough=False)
    assert path.read_bytes() == kept
    told(path, steps=600, enough=False)
    assert not path.exists()
    path.write_text(json.dumps({"kept": 0.0, "width": 0.3, "count": 10}), encoding="utf-8")
    told(path, steps=5, enough=False)
    assert not path.exists(), "an older version did not say what it is from"


def test_trainings_are_long_enough_at_nine_tenths_of_a_longer_one() -> None:
    def judged(dice: float, longer: float) -> bool | None:
        lines = [{"strategy": "full", "seed": 0, "steps": n, "dice_mean": d} for n, d in ((5, dice), (10, longer))]
        return long_enough(pd.DataFrame(lines), steps=5, longer=10)

    assert judged(0.55, 0.6) is True
    assert judged(0.5, 0.6) is False
    assert judged(0.0, 0.0) is False
    assert (
        long_enough(pd.DataFrame([{"strategy": "full", "seed": 0, "steps": 5, "dice_mean": 0.5}]), steps=5, longer=10)
        is None
    )
