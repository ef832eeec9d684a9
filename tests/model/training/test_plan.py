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
    TRAINING_S,
    choose_settings,
    seconds_a_step,
)
from dmr.model.training.settings import TrainSettings, left_to_the_pace

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
