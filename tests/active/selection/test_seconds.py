"""The time that a correction takes: a prior, and what measured times make of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dmr.active.selection.seconds import (
    FRAME_S,
    PIXEL_S,
    PRIOR,
    STRUCTURE_S,
    Pace,
    Usual,
    expected_work,
    fitted_pace,
    told_seconds,
)

Floats = NDArray[np.float64]
TRUE = Pace(16.0, 6.0, 0.3)


def corrections(n: int, *, pace: Pace = TRUE, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    work = np.stack([rng.integers(0, 5, n).astype(float), rng.uniform(0, 300, n)], axis=1)
    return work, pace.seconds(work) * rng.lognormal(0, 0.2, n)


def test_a_good_draft_takes_the_time_of_a_look_and_a_poor_one_is_drawn_anew() -> None:
    presence, length = np.array([[0.9, 0.1]]), np.array([[100.0, 100.0]])
    usual = Usual.of(presence, length)

    good = expected_work(presence, np.array([[0.95, 0.1]]), length, usual=usual)
    assert PRIOR.seconds(good) == pytest.approx([FRAME_S])
    poor = expected_work(presence, np.array([[0.0, 0.0]]), length, usual=usual)
    assert PRIOR.seconds(poor) == pytest.approx([FRAME_S + STRUCTURE_S + 100 * PIXEL_S])


def test_work_is_of_structures_that_are_expected() -> None:
    presence, length = np.array([[0.9, 0.8, 0.1]]), np.full((1, 3), 60.0)
    work = expected_work(presence, np.full((1, 3), 0.5), length, usual=Usual.of(presence, length))

    assert work.tolist() == [[2.0, pytest.approx(2 * 60 * 0.6)]]


def test_a_draft_without_what_nearly_all_others_show_is_no_quick_one() -> None:
    presence, guessed, length = np.full((10, 1), 0.9), np.full((10, 1), 0.8), np.full((10, 1), 80.0)
    presence[0], guessed[0], length[0] = 0.1, 0.0, 0.0
    seconds = PRIOR.seconds(expected_work(presence, guessed, length, usual=Usual.of(presence, length)))

    assert seconds[0] == pytest.approx(FRAME_S + 0.81 * (STRUCTURE_S + 80 * PIXEL_S))
    assert seconds[0] > seconds[1:].max()


def test_without_measured_times_the_assumed_pace_stays() -> None:
    assert fitted_pace(np.zeros((0, 2)), np.zeros(0)) == PRIOR
    assert fitted_pace(np.ones((2, 2)), np.array([np.nan, 0.0])) == PRIOR


def test_measured_times_move_the_pace_little_at_first_and_then_to_the_truth() -> None:
    work = corrections(40)[0]
    errors = []
    for n in (0, 2, 200):
        pace = fitted_pace(*corrections(n, seed=3))
        errors.append(float(np.abs(np.log(pace.seconds(work) / TRUE.seconds(work))).mean()))

    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.05


def test_a_coffee_break_is_no_drawing_time() -> None:
    work, seconds = corrections(60)
    with_breaks = seconds.copy()
    with_breaks[::10] += 1200

    calm, odd = fitted_pace(work, seconds), fitted_pace(work, with_breaks)

    assert odd.seconds(work) == pytest.approx(calm.seconds(work), rel=0.1)


def test_a_slow_physician_is_believed_and_one_break_is_not() -> None:
    work, _ = corrections(20)

    assert fitted_pace(work, np.full(20, 240.0)).seconds(work).mean() > 150
    assert fitted_pace(work[:1], np.array([3600.0])).seconds(work).mean() < 2.5 * PRIOR.seconds(work).mean()


def test_no_part_of_the_pace_becomes_negative() -> None:
    rng = np.random.default_rng(0)
    work = np.stack([rng.integers(0, 5, 50).astype(float), rng.uniform(0, 300, 50)], axis=1)
    pace = fitted_pace(work, 400 - work[:, 1])

    assert min(pace.frame_s, pace.structure_s, pace.pixel_s) > 0


def test_a_time_is_told_to_five_seconds() -> None:
    assert [told_seconds(s) for s in (1.0, 38.0, 41.0, 63.0)] == ["about 5 s", "about 40 s", "about 40 s", "about 65 s"]
