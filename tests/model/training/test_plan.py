"""A training without limits is chosen by what the PC does in an hour."""

from __future__ import annotations

import datetime

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmr.model.training import plan
from dmr.model.training.plan import (
    AT_MOST,
    ENOUGH,
    GRIDS,
    NIGHT_S,
    TRAINING_S,
    choose_settings,
    seconds_a_step,
)
from dmr.model.training.settings import TrainSettings, left_to_the_pace
from dmr.model.versions.trainings import Training

FREE = TrainSettings(chosen=("input", "length"))


@pytest.mark.parametrize(
    ("pace_s", "grid", "steps"),
    [
        pytest.param(0.05, 256, AT_MOST, id="a fast PC: the finest grid, and no more steps than help"),
        pytest.param(0.5, 256, AT_MOST, id="two idle cores: the finest grid"),
        pytest.param(2.0, 128, AT_MOST, id="a busy PC: a coarser grid"),
        pytest.param(30.0, 64, 400, id="a very slow one: what fits"),
    ],
)
def test_the_finest_grid_on_which_enough_steps_fit(pace_s: float, grid: int, steps: int) -> None:
    made = choose_settings(FREE, pace_s=pace_s)
    assert (made.settings.input, made.steps) == (grid, steps)


@given(pace_s=st.floats(1e-3, 1e3), validation=st.integers(0, 5000))
def test_it_ends_in_time_wherever_a_step_fits_at_all(pace_s: float, validation: int) -> None:
    made = choose_settings(FREE, pace_s=pace_s, validation=validation)
    assert made.settings.input in GRIDS
    assert 1 <= made.steps <= AT_MOST
    assert made.steps * made.step_s <= TRAINING_S or made.steps == 1
    assert made.settings.minutes == TRAINING_S / 60, "a PC that gets slower ends it in time all the same"


def test_a_grid_that_was_given_stays() -> None:
    made = choose_settings(TrainSettings(input=96, chosen=("length",)), pace_s=0.1)
    assert (made.settings.input, made.settings.steps) == (96, AT_MOST)


def test_minutes_that_were_given_stay_and_the_grid_fits_them() -> None:
    given = TrainSettings(minutes=5, chosen=("input",))
    made = choose_settings(given, pace_s=0.4)
    assert (made.settings.input, made.settings.minutes, made.settings.steps) == (128, 5, given.steps)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ((), ("input", "length")),
        (("minutes",), ("input",)),
        (("input",), ("length",)),
        (("input", "minutes"), ()),
        (("steps",), ()),
        (("epochs",), ()),
    ],
)
def test_what_is_given_is_not_chosen(given: tuple[str, ...], left: tuple[str, ...]) -> None:
    assert left_to_the_pace(given) == left


def test_the_line_says_what_was_chosen_and_when_it_ends() -> None:
    now = datetime.datetime(2026, 11, 27, 14, 0)
    enough = choose_settings(FREE, pace_s=0.5).told(now)
    assert "dmrnet_s on 256 x 256, about 1,200 steps in 40 minutes. Ends at about 14:40" in enough
    few = choose_settings(FREE, pace_s=30).told(now)
    assert f"few: about {ENOUGH}" in few


def test_steps_are_measured_and_the_random_state_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "TRIAL_S", 0.0)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    settings = TrainSettings(input=32, batch=2)
    assert 0 < seconds_a_step(settings, frames=5, classes=2, device=torch.device("cpu"), threads=None) < 60
    assert torch.rand(1) == expected


def before(*, steps: int, input: int, minutes: float = 27.0) -> Training:
    return Training("v1", minutes, steps, 738, input, "s")


@given(
    pace_s=st.floats(1e-3, 5),
    steps=st.integers(1, 5000),
    side=st.sampled_from([32, 64, 96, 128, 256, 512, 1024]),
    minutes=st.floats(0, 600),
    chosen=st.sampled_from([("input", "length"), ("length",)]),
)
def test_at_least_the_steps_and_the_grid_of_an_earlier_training_where_they_fit_into_a_night(
    pace_s: float, steps: int, side: int, minutes: float, chosen: tuple[str, ...]
) -> None:
    settings = TrainSettings(input=256, chosen=chosen)
    made = choose_settings(settings, pace_s=pace_s, at_least=before(steps=steps, input=side, minutes=minutes))
    assert made.settings.minutes is not None
    assert made.settings.minutes >= min(minutes, NIGHT_S / 60) - 1e-6
    assert made.steps * made.step_s <= NIGHT_S or made.steps == 1
    if made.short_s is None:
        assert made.steps >= steps
        assert made.settings.input >= side or chosen == ("length",)
        assert made.steps * made.step_s <= 60 * made.settings.minutes + 1e-6
    else:
        assert made.short_s * 1.25 > NIGHT_S


@pytest.mark.parametrize(
    ("pace_s", "earlier", "grid", "steps"),
    [
        pytest.param(0.5, before(steps=200, input=64), 256, AT_MOST, id="a short one: the plan is as always"),
        pytest.param(0.5, before(steps=3000, input=128), 128, 3000, id="a long one on a coarse grid: that grid"),
        pytest.param(2.0, before(steps=1200, input=256), 256, 1200, id="a PC that is slower now: it takes longer"),
        pytest.param(0.05, before(steps=3000, input=512), 512, 3000, id="a finer grid than is chosen by itself"),
    ],
)
def test_the_plan_reaches_an_earlier_training(pace_s: float, earlier: Training, grid: int, steps: int) -> None:
    made = choose_settings(FREE, pace_s=pace_s, at_least=earlier)
    assert (made.settings.input, made.steps, made.short_s) == (grid, steps, None)
    assert made.told().startswith(f"At least as long as v1, which had {earlier.steps:,} steps on {earlier.input} x")


def test_an_earlier_training_of_days_is_not_reached_and_the_line_says_so() -> None:
    made = choose_settings(FREE, pace_s=0.5, at_least=before(steps=20_000, input=512))
    assert made.settings.input in GRIDS and made.steps == AT_MOST
    assert made.told().startswith(
        "v1 had 20,000 steps on 512 x 512 in 27 minutes. That takes 44.4 hours here, so this one is shorter; "
    )


def test_what_was_told_otherwise_counts_more_than_an_earlier_training() -> None:
    given = TrainSettings(minutes=4, chosen=("input",))
    earlier = before(steps=3000, input=512)
    assert choose_settings(given, pace_s=0.4, at_least=earlier) == choose_settings(given, pace_s=0.4)
