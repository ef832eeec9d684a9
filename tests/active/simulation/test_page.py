"""The page of a simulation, its check and its limits, on lines whose answers are known."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from dmr.active.simulation.check import limits, protocol_check
from dmr.active.simulation.lines import budget_rows
from dmr.active.simulation.page import simulation_page


def line(strategy: str, seed: int, budget: object, dice: float, *, steps: int = 600) -> dict[str, Any]:
    frames = 200 if budget == "all" else int(str(budget))
    counts = dict.fromkeys(("added_px", "points_moved", "points_added", "points_removed", "accepted", "touched"), 7)
    return {
        "strategy": strategy,
        "seed": seed,
        "budget": str(budget),
        "steps": steps,
        "frames": frames,
        "dice_mean": dice,
        "minutes": 2.0 * frames,
        "added_mm": None,
        "dice_classes": json.dumps({"nerve": dice, "artery": None}),
        "hd95_classes": json.dumps({"nerve": 3.5, "artery": None}),
        **counts,
    }


def lines(*, seeds: int = 2, first: float = 0.4, longer: float = 0.62) -> pd.DataFrame:
    found = [line("full", 0, "all", longer, steps=1200)]
    for seed in range(seeds):
        found += [line("full", seed, "all", 0.6), line("initial", seed, 16, first)]
        for budget, dice in ((32, 0.5), (64, 0.55)):
            found += [line("random", seed, budget, dice), line("informative", seed, budget, dice + 0.03)]
    return pd.DataFrame(found)


def check(table: pd.DataFrame) -> str:
    return " ".join(protocol_check(table, steps=600, first=16, longer=1200))


def test_the_check_says_whether_trainings_are_long_enough_and_whether_there_is_something_to_learn() -> None:
    assert check(lines().iloc[:0]).startswith("Nothing is known yet")
    good = check(lines())
    assert "With all frames and 600 steps, the mean Dice is 0.600 (2 trainings)." in good
    assert "the trainings are long enough" in good and "+0.200 against the first 16: there is something" in good
    poor = check(lines(first=0.59, longer=0.8))
    assert "too short" in poor and "--steps 1200" in poor
    assert "little to learn beyond 16 frames" in poor


def test_few_seeds_and_patients_are_among_the_limits() -> None:
    rows, _ = budget_rows(lines().query("steps == 600"))
    few = " ".join(limits(rows, held_out=6, network="dmrnet_s at 128"))

    assert "2 seeds: fewer than 5" in few and "6 held-out patients: fewer than 20" in few
    assert "dmrnet_s at 128" in few
    rows, _ = budget_rows(lines(seeds=5).query("steps == 600"))
    assert "fewer" not in " ".join(limits(rows, held_out=60, network="n"))


def made(table: pd.DataFrame, *, complete: bool = True) -> str:
    rows, full = budget_rows(table[table["steps"] == 600])
    page = simulation_page(
        rows,
        full,
        strategies=["informative", "random"],
        facts=[("Seeds", "2")],
        check=["checked"],
        limits=["limited"],
        complete=complete,
        date="2026-01-31",
    )
    return page.decode("utf-8")


def test_the_page_shows_what_is_not_reached_and_needs_nothing_from_elsewhere() -> None:
    page = made(lines())

    assert "not reached" in page, "random ends at 0.55, and 95 % of 0.6 is 0.57"
    assert "4-0-0" in page and "0-0-4" in page
    assert "checked" in page and "limited" in page and "2026-01-31" in page
    assert "Not finished" not in page and "Not finished" in made(lines(), complete=False)
    assert "http://" not in page and "https://" not in page and "<script" not in page


def test_where_nothing_was_learnt_from_all_frames_no_strategy_reaches_anything() -> None:
    table = lines()
    table["dice_mean"] = 0.0003
    page = made(table)

    assert page.count("not measured") == 8 and "not reached" not in page


def test_one_seed_has_no_interval() -> None:
    page = made(lines(seeds=1))

    assert "one seed" in page and "no interval" in page
