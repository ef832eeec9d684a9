"""Forecasts of learning curves: fits, corrections, intervals, and when more frames no longer pay."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dmr.active.forecast.correction import HELD, Correction, Past, Raw, coverage, learn, past_forecasts
from dmr.active.forecast.families import FAMILIES, fit_curves
from dmr.active.forecast.forecast import DEVELOPMENT_SET, Outlook, joined, outlook, pays, told, too_few

FRAMES = (16.0, 32.0, 64.0, 128.0)
AS_FITTED = Correction(kept=1.0, width=1.0, count=1)


def rising(n: float, *, most: float = 0.8) -> float:
    return most - 0.9 / math.sqrt(n)


def points(*frames: float) -> list[tuple[float, float]]:
    return [(n, rising(n)) for n in frames]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_rises_with_the_frames_whatever_its_shape(name: str) -> None:
    n = np.array([1.0, 10.0, 100.0, 1000.0])
    values = np.array([FAMILIES[name](n, np.array(shape)) for shape in np.linspace(0, 1, 9)])

    assert np.isfinite(values).all()
    assert (np.diff(values, axis=1) >= 0).all()
    assert (values[:, -1] > values[:, 0]).all()


def test_a_curve_that_is_in_a_family_is_found_again() -> None:
    curves = fit_curves(points(*FRAMES))

    for n in FRAMES:
        assert curves.at(n)[0] == pytest.approx(rising(n), abs=0.01)
    assert curves.at(256)[0] == pytest.approx(rising(256), abs=0.03)
    assert curves.weights.sum() == pytest.approx(1)


def test_the_curves_differ_more_the_farther_ahead_and_never_leave_0_to_1() -> None:
    curves = fit_curves(points(*FRAMES))

    assert curves.at(128)[1] < curves.at(512)[1] < curves.at(8192)[1]
    assert 0 <= curves.at(1e7)[0] <= 1
    falling = fit_curves([(16, 0.6), (32, 0.5), (64, 0.4)])
    assert falling.at(1000)[0] == pytest.approx(0.5), "a curve that would fall is flat"


def test_three_numbers_of_frames_are_needed() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        fit_curves([(16, 0.4), (16, 0.5), (32, 0.5)])
    assert outlook([(16, 0.4), (16, 0.5), (32, 0.5)]) is None
    assert "too few models yet. 2 models" in too_few(2)
    assert "1 model with a number of frames of its own" in too_few(1).replace("their own", "its own")


def optimistic(seeds: int, *, kept: float = 0.5, noise: float = 0.005) -> list[Past]:
    """Past forecasts of which the share `kept` came true."""
    rng = np.random.default_rng(0)
    raws = [(seed, Raw(1.0, 0.5, 0.5 + gain, 0.01)) for seed in range(seeds) for gain in (0.05, 0.1, 0.15, 0.2)]
    return [Past(s, r, r.base + kept * (r.mean - r.base) + float(rng.normal(0, noise))) for s, r in raws]


def test_the_correction_learns_how_much_of_a_forecast_gain_comes_true() -> None:
    correction = learn(optimistic(10))

    assert correction.kept == pytest.approx(0.5, abs=0.03)
    assert correction.middle(Raw(1.0, 0.5, 0.6, 0.0)) == pytest.approx(0.55, abs=0.005)
    wide = learn(optimistic(10, noise=0.03))
    assert wide.width > 2 * correction.width
    with pytest.raises(ValueError, match="no past forecasts"):
        learn([])


def test_coverage_judges_each_seed_by_what_the_others_taught() -> None:
    past = optimistic(20)
    held, judged = coverage(past)

    assert judged == 80
    assert held / judged >= HELD - 0.1
    exact = optimistic(1, noise=0.0)
    odd = [Past(1, p.raw, p.truth + 0.3) for p in exact]
    assert coverage([*exact, *odd]) == (4, 8), "only what the odd seed taught is wide enough for the other"
    assert coverage(past[:4]) == (0, 0), "one seed alone has nobody to learn from"


def test_past_forecasts_use_the_first_points_alone() -> None:
    curve = points(16, 32, 64, 128, 256)
    found = past_forecasts([(7, curve)])

    assert [(p.seed, round(p.raw.doublings), p.truth) for p in found] == [
        (7, 1, curve[3][1]),
        (7, 2, curve[4][1]),
        (7, 1, curve[4][1]),
    ]
    changed = past_forecasts([(7, [*curve[:4], (256, 0.1)])])
    assert [p.raw for p in changed] == [p.raw for p in found]


def test_an_outlook_says_frames_hours_and_dice() -> None:
    found = outlook([*points(64, 16, 32), (64, rising(64))], correction=AS_FITTED)
    assert found is not None
    lines = told(found, seconds_a_frame=90)

    assert (found.frames, found.pays) == (64, None)
    assert found.doubled.low < found.doubled.dice < found.doubled.high
    assert found.doubled.dice == pytest.approx(rising(128), abs=0.03)
    assert lines[0].startswith("Forecast: about 64 more frames, 1.6 hours (at 90 s a frame, measured), to Dice 0.7")
    assert found.goal == pytest.approx(0.7)
    assert found.reached is not None and found.reached.soonest <= found.reached.frames < 128
    assert "  Dice 0.70: about " in lines[1]


def test_a_goal_out_of_reach_is_said_to_be_so() -> None:
    found = outlook([(16, 0.5), (32, 0.51), (64, 0.515)])
    assert found is not None
    lines = told(found)

    assert found.reached is None
    assert lines[1] == "  Dice 0.55 is not forecast with up to 16 times as many frames."
    assert "60 s a frame, assumed" in lines[0]


def test_more_frames_stop_paying_when_two_models_in_a_row_promise_less_than_the_noise() -> None:
    flat = [(16.0, 0.5), (32.0, 0.58), (64.0, 0.6), (128.0, 0.601), (256.0, 0.602)]

    assert pays(flat[:3]) is None, "nothing was forecast before"
    assert pays(points(16, 32, 64, 128)) is True
    assert pays(flat) is False
    found = outlook(flat)
    assert found is not None and "hardly pay any more" in told(found)[-1]


def test_points_with_the_same_frames_are_one() -> None:
    assert joined([(32, 0.5), (16, 0.4), (32, 0.7)]) == [(16, 0.4), (32, pytest.approx(0.6))]


def test_the_shipped_correction_is_a_share_and_a_width() -> None:
    assert 0 < DEVELOPMENT_SET.kept < 1
    assert math.isfinite(DEVELOPMENT_SET.width)
    found = outlook(points(16, 32, 64))
    assert isinstance(found, Outlook)
    assert found.doubled.dice < rising(128), "curves are optimistic, and the correction knows it"
