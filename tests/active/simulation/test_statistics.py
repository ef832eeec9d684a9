"""Curves, intervals and comparisons of simulated trainings, on lines whose answers are known."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dmr.active.simulation.curves import areas, curve_points, full_dice, reached, to_goals
from dmr.active.simulation.differences import differences, holm, wins_and_losses
from dmr.active.simulation.lines import budget_rows, read_lines
from dmr.active.simulation.resampling import interval, patient_draws


def line(strategy: str, seed: int, budget: object, dice: float, **more: Any) -> dict[str, Any]:
    frames = 200 if budget == "all" else budget
    own = {"strategy": strategy, "seed": seed, "budget": budget, "frames": frames, "dice_mean": dice}
    return {**own, "minutes": 2 * float(str(frames)), "network": "n", "steps": 600, **more}


def simulated(*, seeds: int = 5, ahead: float = 0.03) -> pd.DataFrame:
    """`good` is ahead of `plain` by about `ahead` from 32 frames on; all frames give 0.6."""
    lines = []
    for seed in range(seeds):
        shift = 0.02 * (seed - (seeds - 1) / 2)
        lines += [line("full", seed, "all", 0.6 + shift), line("initial", seed, 16, 0.4 + shift)]
        for budget, dice in ((32, 0.5), (64, 0.55), (128, 0.58)):
            lines.append(line("plain", seed, budget, dice + shift))
            lines.append(line("good", seed, budget, dice + shift + ahead * (0.8 + 0.1 * seed)))
    return pd.DataFrame(lines)


def written(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def test_a_cut_line_is_left_out_and_the_older_of_two_lines_counts(tmp_path: Path) -> None:
    path = written(simulated(seeds=1), tmp_path / "lines.csv")
    whole = read_lines(path)
    with path.open("a", encoding="utf-8") as file:
        file.write("full,0,all,200,0.9,400.0,n,600\ngood,0,25")
    again = read_lines(path)

    assert len(again) == len(whole) == 8
    assert float(again.loc[again["strategy"] == "full", "dice_mean"].iloc[0]) == 0.6


def test_the_shared_first_round_belongs_to_every_strategy() -> None:
    rows, full = budget_rows(simulated())

    assert len(full) == 5
    assert list(rows[(rows["strategy"] == "good") & (rows["seed"] == 0)]["budget"]) == [16, 32, 64, 128]
    assert set(rows["strategy"]) == {"good", "plain"}


def test_a_curve_is_read_off_between_its_points_over_the_logarithm_and_never_falls() -> None:
    rows = pd.DataFrame([line("a", 0, b, d) for b, d in ((16, 0.4), (32, 0.5), (64, 0.45), (128, 0.6))])

    assert reached(rows, 0.45, axis="frames") == pytest.approx(math.sqrt(16 * 32))
    assert reached(rows, 0.45, axis="minutes") == pytest.approx(2 * math.sqrt(16 * 32))
    assert reached(rows, 0.55, axis="frames") == pytest.approx(math.sqrt(64 * 128)), "0.45 at 64 counts as 0.5"
    assert reached(rows, 0.3, axis="frames") == pytest.approx(16)
    assert math.isnan(reached(rows, 0.61, axis="frames"))
    assert math.isnan(reached(rows.iloc[:0], 0.5, axis="frames"))


def test_goals_are_shares_of_all_frames_and_what_is_not_reached_has_no_value() -> None:
    rows, full = budget_rows(simulated())
    goals = to_goals(rows, full, against=["plain"])

    assert goals.loc["plain", "full_dice"] == pytest.approx(0.6)
    assert goals.loc["plain", "frames 90% / plain"] == 1
    assert goals["minutes 90% / plain"]["good"] < 0.9
    low, _ = budget_rows(simulated(ahead=0.0).query("budget != 128"))
    assert math.isnan(to_goals(low, full, against=["plain"])["frames 95%"]["plain"])


def test_a_strategy_with_fewer_seeds_is_held_to_those_seeds() -> None:
    table = simulated(ahead=0.0)
    rows, full = budget_rows(table[(table["strategy"] != "good") | (table["seed"] < 2)])
    goals = to_goals(rows, full, against=["plain"])

    assert goals.loc["good", "full_dice"] == pytest.approx(0.57)
    assert goals.loc["good", "frames 90% / plain"] == pytest.approx(1.0)
    assert full_dice(full, [0, 7]) == pytest.approx(0.6), "a seed without such a training: the mean of all"


def test_differences_are_paired_so_a_hard_seed_does_not_hide_a_gain() -> None:
    rows, _ = budget_rows(simulated())
    (found,) = differences(rows, of="good", to=["plain", "good", "absent"], budgets=[32, 64, 128])

    assert (found.to, found.seeds, found.cells, found.level) == ("plain", 5, 15, "seeds")
    assert found.value == pytest.approx(0.03)
    assert 0.024 < found.low < 0.03 < found.high < 0.036
    assert (found.wins, found.ties, found.losses) == (15, 0, 0)
    assert found.p < 0.001
    (other,) = differences(rows, of="plain", to=["good"], budgets=[32, 64, 128])
    assert other.losses == 15 and other.high < 0


def test_more_comparisons_widen_the_interval_of_the_clearest() -> None:
    table = simulated()
    extra = table[table["strategy"] == "plain"]
    table = pd.concat([table, *(extra.assign(strategy=name) for name in ("b", "c", "d"))])
    rows, _ = budget_rows(table)
    found = differences(rows, of="good", to=["plain", "b", "c", "d"])

    assert min(d.holm_low for d in found) < min(d.low for d in found)
    assert all(d.holm >= d.p for d in found)


def test_holm_steps_down() -> None:
    corrected, ranks = holm([0.01, 0.04, 0.03])
    assert corrected == pytest.approx([0.03, 0.06, 0.06])
    assert ranks == [0, 2, 1]
    assert holm([]) == ([], [])


def test_patients_are_drawn_where_the_lines_have_them() -> None:
    patients = {f"p{i}": [[0.2 * i, 1.0], [0.1 * i, 1.0]] for i in range(5)}
    rows = pd.DataFrame([line("a", 0, 16, 0.3, patients_dice=json.dumps(patients))])
    draws = patient_draws(rows)

    assert draws.level == "patients within seeds"
    assert draws.dice.mean() == pytest.approx(0.3, abs=0.03)
    low, high = interval(draws.dice)
    assert low < 0.2 < 0.4 < high
    without = pd.concat([rows, rows.assign(patients_dice=np.nan)], ignore_index=True)
    assert patient_draws(without).level == "seeds", "one line without patients: none are drawn"


def test_one_seed_without_patients_has_no_interval() -> None:
    rows, _ = budget_rows(simulated(seeds=1))

    assert curve_points(rows)["low"].isna().all()
    (found,) = differences(rows, of="good", to=["plain"])
    assert math.isnan(found.low) and found.p == 1


def test_wins_ties_and_losses_leave_out_the_first_round() -> None:
    rows, _ = budget_rows(simulated())

    assert wins_and_losses(rows, ["good", "plain"], first=16) == [["", "15-0-0"], ["0-0-15", ""]]


def test_the_area_is_a_mean_dice_over_the_budgets_that_all_have() -> None:
    rows, _ = budget_rows(simulated())
    area = areas(rows[(rows["strategy"] != "good") | (rows["budget"] < 128)])

    assert area["good"] > area["plain"]
    assert area["plain"] == pytest.approx((0.45 + 0.525) / 2)
