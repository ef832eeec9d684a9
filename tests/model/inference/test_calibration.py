"""Probabilities that are too sure are made to mean what they say, and a structure's Dice is guessed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from dmr.model.inference.calibration import BINS, KNOTS, Calibration, Evidence, Reliability, expected_dice, near

Floats = NDArray[np.float32]


def disc(side: int, radius: float, x: float = 0) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:side, :side] - side / 2
    return np.asarray(np.hypot(rows, columns - x) < radius)


def too_sure(seed: int, *, factor: float = 4.0) -> tuple[Floats, NDArray[np.bool_]]:
    """A layer whose log-odds are `factor` times too large, and a truth drawn by the right ones."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96] - 48
    right = 1.5 - np.hypot(rows, columns) / 12 + rng.normal(0, 0.5, (96, 96))
    truth = rng.random((96, 96)) < 1 / (1 + np.exp(-right))
    return (1 / (1 + np.exp(-factor * right))).astype(np.float32), np.asarray(truth)


def error(p: Floats, truth: NDArray[np.bool_]) -> float:
    seen = Reliability.empty(1)
    seen.add(0, p, truth, near(p > 0.5, truth))
    return float(seen.error()[0])


def test_what_is_near_is_within_the_reach_and_nothing_is_near_to_nothing() -> None:
    a, b = disc(100, 8), np.zeros((100, 100), bool)
    distance = np.hypot(*(np.mgrid[:100, :100] - 50))
    found = near(a, b)

    assert found[distance < 17].all()
    assert not found[distance > 19].any()
    assert not near(b, b).any()


def test_the_calibration_error_of_right_probabilities_is_small_and_of_wrong_ones_their_distance() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((300, 300)).astype(np.float32)
    everywhere = np.ones(p.shape, bool)
    right, wrong = Reliability.empty(1), Reliability.empty(1)
    right.add(0, p, rng.random(p.shape) < p, everywhere)
    wrong.add(0, np.full_like(p, 0.9), rng.random(p.shape) < 0.5, everywhere)

    assert right.error()[0] < 0.01
    assert wrong.error()[0] == pytest.approx(0.4, abs=0.01)
    assert right.counts.shape == (1, BINS)
    assert np.isnan(Reliability.empty(1).error()[0])


def test_fitting_undoes_overconfidence_on_frames_that_it_has_not_seen() -> None:
    evidence = Evidence(1)
    for seed in range(12):
        p, truth = too_sure(seed)
        evidence.add(0, p, p > 0.5, truth, reach=10)
    fitted = evidence.fit()
    p, truth = too_sure(99)

    assert len(fitted.curves[0]) == KNOTS
    assert error(p, truth) > 0.08
    assert error(fitted.layers(p[None])[0], truth) < 0.05


def test_a_calibration_keeps_the_order_of_pixels() -> None:
    p, _ = too_sure(1)
    changed = Calibration((((0.1, 0.2), (0.5, 0.4), (0.9, 0.6)),)).layers(p[None])[0]

    order = np.argsort(p.ravel(), kind="stable")
    assert (np.diff(changed.ravel()[order]) >= -1e-6).all()
    assert Calibration.none(1).layers(p[None])[0] == pytest.approx(p, abs=1e-5)


def test_the_expected_dice_is_exact_for_sure_probabilities_and_falls_with_doubt() -> None:
    mask = disc(64, 10)
    assert expected_dice(mask.astype(np.float32), mask) == 1
    shifted = disc(64, 10, x=8)
    both = 2 * (mask & shifted).sum() / (mask.sum() + shifted.sum())
    assert expected_dice(shifted.astype(np.float32), mask) == pytest.approx(both)
    assert expected_dice(np.where(mask, 0.6, 0.2).astype(np.float32), mask) < 0.5
    assert expected_dice(np.zeros((4, 4), np.float32), np.zeros((4, 4), bool)) == 0


def test_a_dice_is_guessed_from_structures_seen_and_stays_in_range() -> None:
    evidence = Evidence(1)
    truth = disc(96, 16)
    for k in range(20):
        predicted = disc(96, 16, x=k)
        p = np.where(predicted, 0.99 - 0.015 * k, 0.01).astype(np.float32)
        evidence.add(0, p, predicted, truth, reach=10)
    fitted = evidence.fit()

    good, bad = (np.where(truth, q, 0.01).astype(np.float32) for q in (0.97, 0.75))
    assert fitted.dice(good, truth) > fitted.dice(bad, truth) + 0.2
    assert 0 <= fitted.dice(np.where(truth, 0.1, 0).astype(np.float32), truth) <= 1
    assert fitted.dice(good, np.zeros_like(truth)) == 0


def test_without_evidence_nothing_is_changed() -> None:
    assert Evidence(3).fit() == Calibration.none(3)
    everywhere = np.ones((8, 8), bool)
    evidence = Evidence(1)
    evidence.add(0, np.full((8, 8), 0.5, np.float32), everywhere, everywhere, reach=10)
    assert evidence.fit() == Calibration.none(1)


def test_a_calibration_survives_the_card() -> None:
    evidence = Evidence(1)
    p, truth = too_sure(3)
    evidence.add(0, p, p > 0.5, truth, reach=10)
    made = evidence.joined(Evidence(1)).fit()
    card = json.loads(json.dumps({"calibration": made.for_card(["a"])}))

    assert made.curves[0]
    assert Calibration.of(card, ["a"]) == made
    assert Calibration.of({"calibration": None}, ["a"]) == Calibration.none(1)


def test_joined_evidence_is_that_of_all() -> None:
    apart, together = [Evidence(1) for _ in range(4)], Evidence(1)
    for seed, one in enumerate(apart):
        p, truth = too_sure(seed)
        one.add(0, p, p > 0.5, truth, reach=10)
        together.add(0, p, p > 0.5, truth, reach=10)

    assert apart[0].joined(*apart[1:]).fit() == together.fit()
    assert len(apart[0].structures) == 1


def test_pixels_that_are_all_as_sure_are_told_by_their_share() -> None:
    truth = disc(64, 12)
    p = np.where(disc(64, 12, x=4), 1, 0).astype(np.float32)
    evidence = Evidence(1)
    evidence.add(0, p, p > 0.5, truth, reach=10)
    low, *_, high = evidence.fit().curves[0]

    assert (low[0], high[0]) == (0, 1)
    assert high[1] == pytest.approx((truth & (p > 0.5)).sum() / (p > 0.5).sum(), abs=0.03)
