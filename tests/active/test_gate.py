"""The gate promotes what is surely no worse, rejects what surely is, and leaves the rest open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.active.gate import Verdict, judge
from dmr.model.versions.trainings import Training, Trainings


def scores(
    dice: dict[str, float], *, patients: int = 12, noise: float = 0.0, seed: int = 0, false_positives: float = 0.0
) -> pd.DataFrame:
    """Scores of six frames a patient: the classes of `dice` drawn in each, `bone` covered and absent."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(patients):
        for name, level in dice.items():
            of_patient = level + noise * rng.standard_normal()
            for f in range(6):
                rows.append((f"f{p}-{f}", f"p{p}", name, 100, 90, float(np.clip(of_patient, 0, 1))))
        for f in range(6):
            drawn_wrongly = rng.random() < false_positives
            rows.append((f"f{p}-{f}", f"p{p}", "bone", 0, 50 if drawn_wrongly else 0, 0.0 if drawn_wrongly else np.nan))
    return pd.DataFrame(rows, columns=["frame", "patient", "name", "drawn", "predicted", "dice"])


def verdict(candidate: pd.DataFrame, incumbent: pd.DataFrame) -> Verdict:
    return judge(candidate, incumbent, margin=0.03, class_margin=0.05)


def test_the_same_model_is_promoted_without_any_change() -> None:
    table = scores({"nerve": 0.5, "muscle": 0.7}, noise=0.1)
    result = verdict(table, table)
    assert result.decision == "promoted"
    assert result.dice is not None
    assert (result.dice.value, result.dice.low, result.dice.high) == (0, 0, 0)
    assert result.unjudged == ("bone",)
    assert result.patients == 12


def test_a_better_model_is_promoted_and_its_bounds_hold_the_truth_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(100):
        before = scores({"nerve": 0.5, "muscle": 0.7}, noise=0.05, seed=2 * seed, patients=20)
        after = scores({"nerve": 0.56, "muscle": 0.72}, noise=0.05, seed=2 * seed + 1, patients=20)
        result = judge(after, before, margin=0.03, class_margin=0.05, resamples=500)
        assert result.decision == "promoted"
        assert result.dice is not None
        assert result.dice.low < result.dice.value < result.dice.high
        held += result.dice.low < 0.04 < result.dice.high
    assert 85 <= held <= 100


def test_a_model_that_is_worse_over_all_is_rejected() -> None:
    before = scores({"nerve": 0.5, "muscle": 0.7})
    result = verdict(scores({"nerve": 0.45, "muscle": 0.69}), before)
    assert result.decision == "rejected"
    assert "mean Dice is lower" in result.reason


def test_a_gain_in_one_class_does_not_pay_for_a_fall_in_another() -> None:
    result = verdict(scores({"nerve": 0.42, "muscle": 0.85}), scores({"nerve": 0.5, "muscle": 0.7}))
    assert result.decision == "rejected"
    assert "worse in nerve" in result.reason


def test_few_and_scattered_patients_leave_it_open_and_say_how_many_would_settle_it() -> None:
    before = scores({"nerve": 0.5, "muscle": 0.7}, patients=5, noise=0.1, seed=1)
    result = verdict(scores({"nerve": 0.5, "muscle": 0.7}, patients=5, noise=0.1, seed=5), before)
    assert result.decision == "undecided"
    assert result.patients_needed is not None
    assert result.patients_needed > 5


@pytest.mark.parametrize("patients", [0, 1, 2])
def test_an_interval_over_fewer_than_three_patients_is_none(patients: int) -> None:
    better = scores({"nerve": 0.9}, patients=patients)
    result = verdict(better, scores({"nerve": 0.1}, patients=patients))
    assert result.decision == "undecided"
    assert result.dice is None


def test_a_model_that_draws_what_is_not_there_is_not_promoted() -> None:
    dice = {"nerve": 0.5, "muscle": 0.7}
    result = verdict(scores(dice, false_positives=0.5), scores(dice, false_positives=0.05))
    assert result.decision == "rejected"
    assert result.false_positive_rate is not None
    assert result.false_positive_rate.value > 0.2
    once = scores(dice)
    once.loc[once["name"] == "bone", "predicted"] = [50] + [0] * 71
    assert verdict(once, scores(dice)).decision == "undecided"


def test_what_one_or_two_patients_show_does_not_decide() -> None:
    before = scores({"nerve": 0.5, "muscle": 0.7})
    rare = scores({"plexus": 0.8}, patients=2)
    rare = rare[rare["name"] == "plexus"]
    after = scores({"nerve": 0.6, "muscle": 0.8})
    worse = rare.assign(dice=0.1)
    result = verdict(pd.concat([after, worse]), pd.concat([before, rare]))
    assert result.decision == "promoted"
    assert "plexus" in result.unjudged
    assert result.dice is not None
    assert result.dice.value == pytest.approx(0.1)

    few = before["name"].eq("bone") & before["patient"].ne("p0")
    once = after[~few].copy()
    once.loc[once["name"] == "bone", "predicted"] = 50
    result = verdict(once, before[~few])
    assert result.decision == "undecided"
    assert result.false_positive_rate is not None
    assert (result.false_positive_rate.low, result.false_positive_rate.high) == (-1, 1)


def test_patients_who_share_no_class_leave_it_open() -> None:
    names = ["nerve", "muscle", "artery"]
    tables = []
    for level in (0.9, 0.1):
        table = scores(dict.fromkeys(names, level), patients=3)
        own = {f"p{k}": name for k, name in enumerate(names)}
        tables.append(table[table["name"] == table["patient"].map(own)])
    assert verdict(*tables).decision == "undecided"


def test_a_class_that_only_one_model_knows_is_unjudged_and_not_passed() -> None:
    both, more = scores({"nerve": 0.5}), scores({"nerve": 0.5, "plexus": 0.9})
    result = verdict(more, both)
    assert result.decision == "promoted"
    assert set(result.unjudged) == {"bone", "plexus"}
    assert list(result.classes) == ["nerve"]


def test_frames_of_one_patient_are_drawn_together() -> None:
    """Sixty near-copies of two patients' frames say no more than two patients."""
    before = scores({"nerve": 0.5}, patients=3)
    after = before.copy()
    after.loc[after["patient"] == "p0", "dice"] = 0.8
    result = verdict(after, before)
    assert result.dice is not None
    assert result.dice.low == pytest.approx(0)  # a resample without that patient
    assert result.dice.high == pytest.approx(0.3)


def test_the_verdict_can_be_kept_as_json() -> None:
    import json

    table = scores({"nerve": 0.5}, noise=0.1)
    assert json.loads(json.dumps(verdict(table, table).as_json()))["decision"] == "promoted"


def test_both_models_own_dice_stand_beside_the_change_and_agree_with_it() -> None:
    before = scores({"nerve": 0.5, "muscle": 0.7}, noise=0.1, seed=1)
    after = scores({"nerve": 0.6, "muscle": 0.8}, noise=0.1, seed=2)
    result = verdict(after, before)
    assert result.dice is not None and result.candidate_dice is not None and result.incumbent_dice is not None

    assert result.frames == 12 * 6
    assert result.candidate_dice.mean - result.incumbent_dice.mean == pytest.approx(result.dice.value)
    for name, change in result.classes.items():
        drawn = after[(after["name"] == name)]["dice"].mean()
        assert result.candidate_dice.classes[name] == pytest.approx(drawn)
        assert drawn - result.incumbent_dice.classes[name] == pytest.approx(change.value)
    told = result.as_json()
    assert told["candidate_dice"] == {
        "mean": round(result.candidate_dice.mean, 4),
        "classes": {name: round(d, 4) for name, d in result.candidate_dice.classes.items()},
    }


def test_without_a_class_to_judge_no_model_has_a_figure() -> None:
    table = scores({"nerve": 0.5}, patients=2)
    told = verdict(table, table).as_json()
    assert told["incumbent_dice"] is None and told["candidate_dice"] is None and told["frames"] == 0


def moved(table: pd.DataFrame, change: dict[str, tuple[float, float]], *, patients: int = 12) -> pd.DataFrame:
    """The scores with each class's Dice changed by a mean, and by a spread that goes up and down over the patients."""
    after = table.copy()
    place = after["patient"].str[1:].astype(int)
    for name, (mean, spread) in change.items():
        swing = spread * np.cos(2 * np.pi * place / patients)
        after.loc[after["name"] == name, "dice"] += (mean + swing)[after["name"] == name]
    return after


def test_a_second_model_of_a_short_training_does_not_replace_a_better_one() -> None:
    """Mean -0.012 (-0.028 to +0.006), one class -0.049 (perhaps by chance), one -0.014 (surely): once promoted."""
    before = scores({"nerve": 0.5, "artery": 0.6, "muscle": 0.7})
    change = {"nerve": (-0.049, 0.14), "artery": (-0.014, -0.03), "muscle": (0.027, 0.0)}
    result = verdict(moved(before, change), before)
    assert result.dice is not None
    assert result.dice.value == pytest.approx(-0.012)
    assert -0.03 < result.dice.low < 0 < result.dice.high
    assert result.classes["nerve"].value == pytest.approx(-0.049) and result.classes["nerve"].high > 0
    assert result.classes["artery"].high < 0
    assert result.decision == "undecided"
    assert "mean Dice is lower, perhaps by chance: -0.012" in result.reason
    assert "nerve is lower by more than 0.03, perhaps by chance: -0.049" in result.reason
    assert "artery" not in result.reason
    assert result.patients_needed is not None and result.patients_needed > result.patients


def test_a_mean_that_rises_does_not_pay_for_a_class_that_may_have_fallen() -> None:
    before = scores({"nerve": 0.5, "muscle": 0.7})
    result = verdict(moved(before, {"nerve": (-0.04, 0.0), "muscle": (0.1, 0.0)}), before)
    assert result.decision == "undecided"
    assert result.reason == "nerve is lower by more than 0.03, perhaps by chance: -0.040 (-0.040 to -0.040)"
    assert result.patients_needed is None, "no number of patients settles it"
    result = verdict(moved(before, {"nerve": (-0.03, 0.0), "muscle": (0.1, 0.0)}), before)
    assert result.decision == "promoted", "a fall by the margin itself is allowed"


def test_two_about_equal_models_are_undecided_without_a_number_of_patients() -> None:
    before = scores({"nerve": 0.5})
    result = verdict(moved(before, {"nerve": (-1e-5, 0.02)}), before)
    assert (result.decision, result.patients_needed) == ("undecided", None)


changes = st.tuples(st.floats(-0.1, 0.1), st.floats(0, 0.3))


@settings(max_examples=50, deadline=None)
@given(nerve=changes, muscle=changes, margin=st.floats(0, 0.1), class_margin=st.floats(0, 0.1))
def test_what_is_promoted_fell_neither_in_the_mean_nor_by_the_margin_in_any_class(
    nerve: tuple[float, float], muscle: tuple[float, float], margin: float, class_margin: float
) -> None:
    before = scores({"nerve": 0.5, "muscle": 0.5})
    after = moved(before, {"nerve": nerve, "muscle": muscle})
    result = judge(after, before, margin=margin, class_margin=class_margin, resamples=200)
    assert result.dice is not None
    if result.decision == "promoted":
        assert result.dice.value >= -1e-9
        assert result.dice.low >= -margin
        assert all(change.value >= -margin - 1e-9 for change in result.classes.values())
        assert result.patients_needed is None
    if result.decision == "rejected":
        falls = [c for c in result.classes.values() if c.high < 0 and c.value < -class_margin]
        assert result.dice.high < 0 or falls
    if result.patients_needed is not None:
        assert result.decision == "undecided" and result.patients_needed > result.patients


def test_the_trainings_of_both_models_are_kept_with_the_verdict() -> None:
    old = Training("v1", 27.0, 1200, 738, 256, "s")
    new = replace(old, model="v2", minutes=4.0, steps=180, frames=786)
    table = scores({"nerve": 0.5})
    told = replace(verdict(table, table), trainings=Trainings(candidate=new, incumbent=old)).as_json()["trainings"]
    assert told["candidate"]["minutes"] == 4 and told["incumbent"]["steps"] == 1200
    assert told["told"].startswith("v2 was trained for 4 minutes, v1 for 27 minutes")
    assert verdict(table, table).as_json()["trainings"] is None
