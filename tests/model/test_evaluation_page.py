"""The frames that are worth a look, and what a page may not say."""

from __future__ import annotations

import pandas as pd

from dmr.model.evaluation_page import shown_frames
from dmr.model.metrics import FrameScore, guess_correlation, patient_intervals, score_table


def scores(dice: dict[str, float]) -> pd.DataFrame:
    """One class; a frame is named PATIENT_FRAME."""
    return score_table(
        [
            FrameScore(f, f.split("_")[0], "nerve", round(500 * d), 500, 500, 1, 1, 1, 1, guessed=0.8 * d)
            for f, d in dice.items()
        ]
    )


def test_the_worst_median_and_best_frames_are_of_different_patients_and_none_is_shown_twice() -> None:
    table = scores({f"{p}_{k}": 0.1 * p + 0.01 * k for p in range(1, 8) for k in range(5)})
    shown = shown_frames(table, count=3)

    assert shown["worst"] == ["1_0", "2_0", "3_0"]
    assert shown["best"] == ["7_4", "6_4", "5_4"]
    assert len({f.split("_")[0] for f in shown["median"]}) == 3
    every = [f for frames in shown.values() for f in frames]
    assert len(set(every)) == len(every)


def test_two_frames_are_shown_once_each() -> None:
    shown = shown_frames(scores({"1_1": 0.2, "2_1": 0.7}), count=4)
    assert sorted(f for frames in shown.values() for f in frames) == ["1_1", "2_1"]


def test_the_interval_over_patients_holds_the_mean_and_needs_two_patients() -> None:
    table = scores({f"{p}_{k}": 0.3 + 0.05 * p for p in range(9) for k in range(4)})
    intervals = patient_intervals(table)
    low, high = (float(intervals[side]["nerve"]) for side in ("low", "high"))

    assert low < table["dice"].mean() < high
    assert patient_intervals(scores({"1_1": 0.5, "1_2": 0.7})).isna().all(axis=None)
    table.loc[table["patient"] == "3", "patient"] = None  # a file whose name tells no patient
    assert patient_intervals(table).notna().all(axis=None)


def test_a_guess_that_follows_the_truth_correlates() -> None:
    assert guess_correlation(scores({f"1_{k}": 0.1 * k for k in range(1, 9)}))["all"] > 0.99
